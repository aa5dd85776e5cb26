#pragma once

#include <cstdint>
#include <optional>

#include "array/shared_array.hpp"
#include "array/task_pool.hpp"

namespace windrow {

/// Which block some rows are of.
struct BlockId {
  std::int64_t number = 0;
  std::int64_t offset = 0;  ///< first row of the whole block
};

/// Some rows to fill, and the block that they are of.
struct Block : BlockId {
  Lease lease;  ///< its rows: fewer than the block's where a row block (or a node's part) ends within it
};

/// Hands out the blocks of `block_rows` rows of an array, each row once: the tasks of a pool, a rank's share of which
/// is its row block. A block that reaches into the next row block is handed out in two parts.
class BlockSchedule {
 public:
  /// `counter` must be fresh. Local.
  BlockSchedule(SharedArray& array, std::int64_t block_rows, Schedule schedule, TicketCounter counter);

  /// The next block for this rank; none when all are handed out. *Cost*: as TaskPool::next().
  [[nodiscard]] std::optional<Block> next();

  [[nodiscard]] Schedule schedule() const { return schedule_; }

 private:
  SharedArray* array_;
  std::int64_t block_rows_;
  Schedule schedule_;
  TaskPool pool_;
};

}  // namespace windrow
