#include "array/blocks.hpp"

#include <algorithm>

#include "base/partition.hpp"

namespace windrow {
namespace {

/// The row block of a rank of this node.
RowRange rows_of(const SharedArray& array, int node_rank) {
  const Topology& topology = array.memory().topology();
  return row_block(array.extents().rows, topology.ranks(), topology.first_row_rank(topology.node_number) + node_rank);
}

/// How many blocks lie in the row block of each rank of this node, whole or in part.
std::vector<std::int64_t> blocks_of_ranks(const SharedArray& array, std::int64_t block_rows) {
  std::vector<std::int64_t> blocks;
  for (int rank = 0; rank < array.memory().topology().node.size(); ++rank) {
    const RowRange rows = rows_of(array, rank);
    blocks.push_back(rows.empty() ? 0 : (rows.end - 1) / block_rows - rows.begin / block_rows + 1);
  }
  return blocks;
}

}  // namespace

BlockSchedule::BlockSchedule(SharedArray& array, std::int64_t block_rows, Schedule schedule, TicketCounter counter)
    : array_(&array),
      block_rows_(block_rows),
      schedule_(schedule),
      pool_(blocks_of_ranks(array, block_rows), array.memory().topology().node_rank(), schedule, counter) {}

std::optional<Block> BlockSchedule::next() {
  const std::optional<Task> task = pool_.next();
  if (!task) return std::nullopt;
  const RowRange rows = rows_of(*array_, task->share);
  const std::int64_t number = rows.begin / block_rows_ + task->number;
  const std::int64_t offset = number * block_rows_;
  // A block may be as long as any array.
  const std::int64_t end = std::min(rows.end - offset, block_rows_) + offset;
  return Block{{number, offset}, array_->lease({std::max(rows.begin, offset), end})};
}

}  // namespace windrow
