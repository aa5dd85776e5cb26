#include "array/blocks.hpp"

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
  const std::int64_t number = schedule_ == Schedule::fixed ? next_++ : counter_.draw();
  const std::int64_t offset = (rows_.begin / block_rows_ + number) * block_rows_;
  const RowRange rows = intersect(rows_, {offset, offset + block_rows_});
  if (rows.empty()) return std::nullopt;
  return Block{offset, array_->lease(rows)};
}

}  // namespace windrow
