#include "array/blocks.hpp"

#include <algorithm>

#include "base/partition.hpp"

namespace windrow {

BlockSchedule::BlockSchedule(SharedArray& array, std::int64_t block_rows, Schedule schedule, TicketCounter counter)
    : array_(&array), block_rows_(block_rows), schedule_(schedule), counter_(counter) {}

std::optional<Block> BlockSchedule::next() {
  const Topology& topology = array_->memory().topology();
  const int shares = schedule_ == Schedule::fixed ? 1 : topology.node.size();
  for (; exhausted_ < shares; ++exhausted_) {
    const int owner = (topology.node_rank() + exhausted_) % topology.node.size();
    const RowRange rows =
        row_block(array_->extents().rows, topology.ranks(), topology.first_row_rank(topology.node_number) + owner);
    // The number of a block is looked at before anything is computed from it: a block may be as long as the array, and
    // every rank draws a number past the last one.
    const std::int64_t number = schedule_ == Schedule::fixed ? next_++ : counter_.draw(owner);
    if (rows.empty() || number > (rows.end - 1) / block_rows_ - rows.begin / block_rows_) continue;
    const std::int64_t offset = (rows.begin / block_rows_ + number) * block_rows_;
    const std::int64_t end = std::min(rows.end - offset, block_rows_) + offset;
    return Block{offset, array_->lease({std::max(rows.begin, offset), end})};
  }
  return std::nullopt;
}

}  // namespace windrow
