#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/extents.hpp"
#include "expr/evaluator.hpp"
#include "expr/reduction.hpp"

namespace windrow::expr {

/// One rank's part of a reduction: takes the values of its rows, in order, and keeps what the other parts are to be
/// combined with.
///
/// Where the order matters (sums and products of floats, deviations), the values are divided into blocks of 512, a
/// function of the extents alone; a block is folded in a fixed order, and blocks by one binary tree over their numbers.
/// Of a block that lies in the rows of two ranks each keeps its values. Along rows (axis 1) every row has a tree of its
/// own; along columns (axis 0) the tree is over rows. Errors of a sum of n values are at most about (20 + log2(n/512))
/// roundings of the sum of their magnitudes, as of numpy's pairwise summation.
class Folder : public Sink {
 public:
  /// For the rows `rows` of the reduction's domain. Along axis 1 `row_results` takes the result of each of them.
  [[nodiscard]] static std::unique_ptr<Folder> make(const Reduction& reduction, RowRange rows,
                                                    std::int64_t* row_results);

  /// What is to be combined: lanes, part_lanes() of them for each column along axis 0, or altogether.
  [[nodiscard]] virtual std::vector<std::int64_t> part() const = 0;
  /// The same of some columns, along axis 0.
  [[nodiscard]] virtual std::vector<std::int64_t> part(std::int64_t first_column, std::int64_t columns) const;
};

/// How many lanes the part of a rank with these rows has; of a single column, along axis 0.
[[nodiscard]] std::int64_t part_lanes(const Reduction& reduction, RowRange rows);

/// Memory of a folder in bytes, at most.
[[nodiscard]] std::int64_t folder_bytes(const Reduction& reduction, RowRange rows);

/// The result, a lane, of the parts of all ranks, in the order of their rows. Not for axis 1.
/// Along axis 0: of `columns` columns, whose parts are laid out lane by lane.
[[nodiscard]] std::vector<std::int64_t> combine(const Reduction& reduction, std::span<const RowRange> rows_of_ranks,
                                                std::span<const std::int64_t> parts, std::int64_t columns = 1);

}  // namespace windrow::expr
