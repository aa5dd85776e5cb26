#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "expr/types.hpp"

namespace windrow::expr {

/// How values are folded into one. Of a float64 sum and product, and of the squared deviations, the order matters: it
/// is a function of the extents alone.
enum class Fold {
  sum,
  product,
  minimum,
  maximum,
  deviation,  ///< the sum of (x - mean)^2
  argmin,     ///< the number of the first smallest, or of the first NaN
  argmax,
  histogram,
  quantile
};

[[nodiscard]] std::string_view name_of(Fold fold);

/// Of so many values each block has a partial of its own.
inline constexpr std::int64_t kFoldBlock = 512;
/// Of a block, values are folded side by side, each with those that come so many values later, in order; the results
/// then by a binary tree.
inline constexpr std::int64_t kFoldLanes = 32;

/// How many numbers a block is folded into: of a deviation a middle near the mean of the block, the sum of the
/// differences to it, and of the squares of these.
[[nodiscard]] constexpr std::int64_t numbers_in_partial(Fold fold) {
  return fold == Fold::deviation ? 3 : 1;
}

/// One reduction of a script: of what, along which axis, into what.
struct Reduction {
  Fold fold = Fold::sum;
  ValueType type = ValueType::float64;  ///< of its operand: float64 or int64 lanes decide
  Shape domain = {};                    ///< shape of its operand
  std::optional<int> axis = {};         ///< none: over everything
  std::int64_t array = -1;              ///< number of the array that takes the results, if there are several
  std::int64_t bins = 0;                ///< of a histogram
  /// Of a histogram its range, or the numbers of the reductions that find it.
  std::optional<std::array<double, 2>> range = {};
  std::array<std::int64_t, 2> range_from{-1, -1};
  std::vector<double> fractions = {};  ///< of quantiles
  std::int32_t operand = -1;           ///< its place, while the script is compiled

  /// Lanes of the result: float64 or int64.
  [[nodiscard]] bool gives_float() const { return is_float(type) && fold != Fold::argmin && fold != Fold::argmax; }
};

}  // namespace windrow::expr
