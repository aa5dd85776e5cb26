#pragma once

#include <cstdint>

#include "base/extents.hpp"

namespace windrow {

/// How an array passes through a window that is smaller than it: each rank's row block is divided into panels, and the
/// window has room for three of them a rank, one that comes, one that is worked on, one that goes. The array in the
/// window has their rows, a rank's three one after the other.
class Panels {
 public:
  static constexpr std::int64_t kSlots = 3;

  /// For `rows` rows on so many ranks; a panel has `panel_rows` rows, fewer at the ends of a row block, and begins at a
  /// multiple of that.
  Panels(std::int64_t rows, std::int64_t panel_rows, int ranks) : rows_(rows), panel_rows_(panel_rows), ranks_(ranks) {}

  /// The extents that the array has in the window.
  [[nodiscard]] static Extents in_window(Extents whole, std::int64_t panel_rows, int ranks);

  /// After so many panels the rows of every rank are through. *Cost*: linear in the number of ranks.
  [[nodiscard]] std::int64_t steps() const;
  /// A panel of a rank: its rows in the array; empty where the rank has fewer panels.
  [[nodiscard]] RowRange rows(int row_rank, std::int64_t step) const;
  /// Where they are: rows of the array in the window.
  [[nodiscard]] RowRange slot(int row_rank, std::int64_t step) const;

 private:
  std::int64_t rows_;
  std::int64_t panel_rows_;
  int ranks_;
};

}  // namespace windrow
