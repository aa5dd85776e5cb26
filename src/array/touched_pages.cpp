#include "array/touched_pages.hpp"

#include <algorithm>
#include <atomic>
#include <bit>

namespace windrow {
namespace {

constexpr std::int64_t kWordPages = 64;

std::int64_t end_of_pages(ByteRange bytes) {
  return (bytes.end - 1) / kPageBytes + 1;
}

}  // namespace

std::uint64_t& TouchedPages::word_of(std::int64_t page) const {
  PageBits& extent = extents_[static_cast<std::size_t>(page / kExtentPages)];
  return extent.words[static_cast<std::size_t>(page % kExtentPages / kWordPages)];
}

void TouchedPages::add(ByteRange bytes) noexcept {
  if (bytes.empty()) return;
  const std::int64_t end = end_of_pages(bytes);
  for (std::int64_t page = bytes.begin / kPageBytes; page < end;) {
    const std::int64_t first = page % kWordPages;
    const std::int64_t count = std::min(kWordPages - first, end - page);
    std::atomic_ref(word_of(page))
        .fetch_or(~std::uint64_t{0} >> (kWordPages - count) << first, std::memory_order_release);
    page += count;
  }
}

/// The first page of [page, end) that is touched or is not; `end` if there is none.
std::int64_t TouchedPages::find(std::int64_t page, std::int64_t end, bool is_touched) const noexcept {
  while (page < end) {
    const std::uint64_t touched = std::atomic_ref(word_of(page)).load(std::memory_order_acquire);
    const std::uint64_t found = (is_touched ? touched : ~touched) >> (page % kWordPages);
    if (found != 0) return std::min(page + std::countr_zero(found), end);
    page += kWordPages - page % kWordPages;
  }
  return end;
}

std::optional<ByteRange> TouchedPages::first_gap(ByteRange bytes) const noexcept {
  if (bytes.empty()) return std::nullopt;
  const std::int64_t end = end_of_pages(bytes);
  const std::int64_t gap = find(bytes.begin / kPageBytes, end, false);
  if (gap == end) return std::nullopt;
  return ByteRange{std::max(gap * kPageBytes, bytes.begin), std::min(find(gap, end, true) * kPageBytes, bytes.end)};
}

}  // namespace windrow
