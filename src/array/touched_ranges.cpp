#include "array/touched_ranges.hpp"

#include <algorithm>

namespace windrow {

void TouchedRanges::add(ByteRange bytes) {
  if (bytes.empty()) return;
  // Those that overlap or meet the new one become part of it.
  const auto first = std::ranges::lower_bound(ranges_, bytes.begin, {}, &ByteRange::end);
  const auto last = std::ranges::upper_bound(first, ranges_.end(), bytes.end, {}, &ByteRange::begin);
  if (first == last) {
    ranges_.insert(first, bytes);
    return;
  }
  *first = {std::min(first->begin, bytes.begin), std::max((last - 1)->end, bytes.end)};
  ranges_.erase(first + 1, last);
}

std::optional<ByteRange> TouchedRanges::first_gap(ByteRange bytes) const {
  auto next = std::ranges::upper_bound(ranges_, bytes.begin, {}, &ByteRange::end);
  if (next != ranges_.end() && next->begin <= bytes.begin) {
    bytes.begin = next->end;
    ++next;
  }
  if (next != ranges_.end()) bytes.end = std::min(bytes.end, next->begin);
  if (bytes.empty()) return std::nullopt;
  return bytes;
}

}  // namespace windrow
