#pragma once

#include <cstdint>

#include "base/extents.hpp"
#include "base/units.hpp"

namespace windrow {

/// The row block of part `part` of `parts`: contiguous, in order, sizes that differ by one row at most; empty where
/// there are fewer rows than parts.
[[nodiscard]] RowRange row_block(std::int64_t rows, std::int64_t parts, std::int64_t part);

/// An array's bytes are divided into groups of this size, the last one shorter: what is written, and has a checksum, at
/// a time. A function of the array alone.
inline constexpr std::int64_t kGroupBytes = kMiB;

/// How many groups have bytes in a range of an array's bytes.
[[nodiscard]] constexpr std::int64_t group_count(ByteRange bytes) {
  return bytes.begin >= bytes.end ? 0 : (bytes.end - 1) / kGroupBytes - bytes.begin / kGroupBytes + 1;
}

/// Number of groups, and so of checksums, of an array of so many bytes.
[[nodiscard]] constexpr std::int64_t group_count(std::int64_t array_bytes) {
  return group_count(ByteRange{0, array_bytes});
}

}  // namespace windrow
