#include "array/panels.hpp"

#include <algorithm>

#include "base/partition.hpp"

namespace windrow {

Extents Panels::in_window(Extents whole, std::int64_t panel_rows, int ranks) {
  whole.rows = checked_multiply(checked_multiply(panel_rows, kSlots), ranks);
  return whole;
}

std::int64_t Panels::steps() const {
  std::int64_t most = 0;
  for (int rank = 0; rank < ranks_; ++rank) {
    const RowRange block = row_block(rows_, ranks_, rank);
    if (!block.empty()) most = std::max(most, (block.end - 1) / panel_rows_ - block.begin / panel_rows_ + 1);
  }
  return most;
}

RowRange Panels::rows(int row_rank, std::int64_t step) const {
  const RowRange block = row_block(rows_, ranks_, row_rank);
  const std::int64_t number = block.begin / panel_rows_ + step;
  const RowRange panel{std::max(number * panel_rows_, block.begin), std::min((number + 1) * panel_rows_, block.end)};
  return panel.empty() ? RowRange{block.end, block.end} : panel;
}

RowRange Panels::slot(int row_rank, std::int64_t step) const {
  const std::int64_t begin = (row_rank * kSlots + step % kSlots) * panel_rows_;
  return {begin, begin + rows(row_rank, step).rows()};
}

}  // namespace windrow
