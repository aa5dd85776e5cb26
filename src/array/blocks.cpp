#include "array/blocks.hpp"

#include <algorithm>

namespace windrow {

BlockSchedule::BlockSchedule(SharedArray& array, std::int64_t block_rows, Schedule schedule, TicketCounter counter)
    : array_(&array),
      block_rows_(block_rows),
      schedule_(schedule),
      counter_(counter),
      rows_(schedule == Schedule::fixed ? array.row_block() : array.node_rows()) {
  if (schedule == Schedule::fixed) return;
  array.touch_row_block();
  array.memory().publish();
}

std::optional<Block> BlockSchedule::next() {
  // The number of a block is looked at before anything is computed from it: a block may be as long as the array, and
  // every rank draws a number past the last one.
  const std::int64_t number = schedule_ == Schedule::fixed ? next_++ : counter_.draw();
  if (rows_.empty() || number > (rows_.end - 1) / block_rows_ - rows_.begin / block_rows_) return std::nullopt;
  const std::int64_t offset = (rows_.begin / block_rows_ + number) * block_rows_;
  const std::int64_t end = std::min(rows_.end - offset, block_rows_) + offset;
  return Block{offset, array_->lease({std::max(rows_.begin, offset), end})};
}

}  // namespace windrow
