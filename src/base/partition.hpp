#pragma once

#include <cstdint>

#include "base/extents.hpp"

namespace windrow {

/// The row block of part `part` of `parts`: contiguous, in order, sizes that differ by one row at most; empty where
/// there are fewer rows than parts.
[[nodiscard]] RowRange row_block(std::int64_t rows, std::int64_t parts, std::int64_t part);

}  // namespace windrow
