#include "array/guarded_pages.hpp"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/extents.hpp"

namespace windrow {
namespace {

constexpr int kReadWrite = PROT_READ | PROT_WRITE;

std::int64_t page_of(std::int64_t offset) {
  return offset / kPageBytes * kPageBytes;
}

void protect(std::byte* begin, std::int64_t bytes, int protection) {
  if (bytes > 0 && mprotect(begin, static_cast<std::size_t>(bytes), protection) != 0)
    throw Error(ExitStatus::resources,
                "WINDROW_CHECK: mprotect: {}\n  try: a smaller array, or fewer and larger blocks of rows",
                errno_text(errno));
}

/// Maps what is at `from` to the page: moves so many bytes, or, for none, what is shared there is mapped a second time.
void replace(std::byte* page, void* from, std::size_t bytes) {
  // Asked of the kernel directly, as SharedWindow does.
  if (syscall(SYS_mremap, from, bytes, kPageBytes, MREMAP_MAYMOVE | MREMAP_FIXED, page) == -1)
    throw Error(ExitStatus::resources, "WINDROW_CHECK: mremap: {}", errno_text(errno));
}

}  // namespace

std::vector<ByteRange> merged(std::vector<ByteRange> ranges) {
  std::ranges::sort(ranges, {}, &ByteRange::begin);
  std::vector<ByteRange> result;
  for (const ByteRange& range : ranges)
    if (!result.empty() && range.begin <= result.back().end)
      result.back().end = std::max(result.back().end, range.end);
    else
      result.push_back(range);
  return result;
}

GuardedPages::GuardedPages(SharedWindow& window, std::int64_t begin, int ranks)
    : window_(&window),
      begin_(begin),
      end_(round_up(std::ssize(window.bytes()), kPageBytes)),
      borders_(window.has_alias() ? Borders::copied
               : ranks == 1       ? Borders::watched
                                  : Borders::open),
      states_(static_cast<std::size_t>((end_ - begin_) / kPageBytes), State::closed) {
  protect(at(begin_), end_ - begin_, PROT_NONE);
}

GuardedPages::~GuardedPages() {
  mprotect(at(begin_), static_cast<std::size_t>(end_ - begin_), kReadWrite);
}

template <typename Function>
void GuardedPages::for_each_run(ByteRange bytes, const Function& function) {
  const std::int64_t end = round_up(bytes.end, kPageBytes);
  for (std::int64_t page = page_of(bytes.begin); page < end;) {
    const std::int64_t first = page;
    const State common = state(first);
    while (page < end && state(page) == common) page += kPageBytes;
    function(first, page, common);
  }
}

void GuardedPages::unlock(ByteRange bytes) {
  const std::int64_t first = page_of(bytes.begin);
  protect(at(first), round_up(bytes.end, kPageBytes) - first, kReadWrite);
}

void GuardedPages::lock(ByteRange bytes) {
  for_each_run(bytes, [&](std::int64_t first, std::int64_t end, State common) {
    if (common == State::closed) protect(at(first), end - first, PROT_NONE);
    if (common == State::readable) protect(at(first), end - first, PROT_READ);
  });
}

void GuardedPages::open_for_reading(ByteRange bytes) {
  for_each_run(bytes, [&](std::int64_t first, std::int64_t end, State common) {
    if (common != State::closed) return;
    protect(at(first), end - first, PROT_READ);
    for (std::int64_t page = first; page < end; page += kPageBytes) state(page) = State::readable;
  });
}

void GuardedPages::open_for_writing(ByteRange bytes) {
  unlock(bytes);
  for (std::int64_t page = page_of(bytes.begin); page < bytes.end; page += kPageBytes) {
    const bool is_whole = bytes.begin <= page && page + kPageBytes <= bytes.end;
    if (state(page) == State::writable) continue;
    if (state(page) == State::bordering || (!is_whole && borders_ != Borders::open))
      open_border(page, bytes);
    else
      state(page) = State::writable;
  }
}

void GuardedPages::open_border(std::int64_t page, ByteRange bytes) {
  const ByteRange own{std::max(bytes.begin, page), std::min(bytes.end, page + kPageBytes)};
  if (state(page) == State::bordering) {
    std::ranges::find(bordering_, page, &Border::page)->own.push_back(own);
    return;
  }
  Border border{page, {at(page), at(page) + kPageBytes}, {own}};
  if (borders_ == Borders::copied) {
    // Put there with its content, in one step: a thread that writes the output may be reading the rows beside mine.
    constexpr auto page_bytes = static_cast<std::size_t>(kPageBytes);
    void* const copy = mmap(nullptr, page_bytes, kReadWrite, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (copy == MAP_FAILED) throw Error(ExitStatus::resources, "WINDROW_CHECK: mmap: {}", errno_text(errno));
    std::ranges::copy(border.before, static_cast<std::byte*>(copy));
    replace(at(page), copy, page_bytes);
  }
  state(page) = State::bordering;
  bordering_.push_back(std::move(border));
}

std::optional<std::int64_t> GuardedPages::foreign_change(const Border& border) const {
  std::int64_t next = border.page;
  std::vector<ByteRange> own = merged(border.own);
  own.push_back({border.page + kPageBytes, border.page + kPageBytes});
  for (const ByteRange& range : own) {
    const std::byte* const before = border.before.data() + (next - border.page);
    const auto [now, was] = std::mismatch(at(next), at(range.begin), before);
    if (now != at(range.begin)) return now - window_->data();
    next = range.end;
  }
  return std::nullopt;
}

void GuardedPages::put_back(const Border& border) {
  std::byte* const original = window_->mpi_data() + border.page;
  for (const ByteRange& own : border.own)
    std::memcpy(window_->mpi_data() + own.begin, at(own.begin), static_cast<std::size_t>(own.end - own.begin));
  replace(at(border.page), original, 0);
}

std::optional<std::int64_t> GuardedPages::close_all() {
  std::optional<std::int64_t> stray;
  for (const Border& border : bordering_) {
    if (!stray) stray = foreign_change(border);
    if (borders_ == Borders::copied) put_back(border);
  }
  bordering_.clear();
  std::ranges::fill(states_, State::closed);
  protect(at(begin_), end_ - begin_, PROT_NONE);
  return stray;
}

}  // namespace windrow
