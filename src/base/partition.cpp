#include "base/partition.hpp"

#include <algorithm>

namespace windrow {

RowRange row_block(std::int64_t rows, std::int64_t parts, std::int64_t part) {
  const std::int64_t each = rows / parts;
  const std::int64_t longer = rows % parts;  // the first ones have a row more
  const auto begin_of = [&](std::int64_t p) { return p * each + std::min(p, longer); };
  return {begin_of(part), begin_of(part + 1)};
}

}  // namespace windrow
