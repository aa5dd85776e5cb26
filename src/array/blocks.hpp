#pragma once

#include <cstdint>
#include <optional>

#include "array/shared_array.hpp"
#include "array/tickets.hpp"

namespace windrow {

/// How the blocks of an array find their ranks: every rank its own rows, or a block to whoever is idle.
enum class Schedule { fixed, dynamic };

/// Some rows to fill, and the block that they are of.
struct Block {
  std::int64_t offset = 0;  ///< first row of the whole block
  Lease lease;              ///< its rows: fewer than the block's where a row block (or a node's part) ends within it
};

/// Hands out the blocks of `block_rows` rows of an array, each row once.
///
/// With a fixed schedule a rank gets the blocks of its own row block in order, a block that reaches into the next
/// rank's row block in two parts. With a dynamic one the ranks of a node draw from the node's blocks; the first touch
/// of all rows is then done before the first block is handed out.
class BlockSchedule {
 public:
  /// *Collective over* the node. `counter` must be fresh. *Throws*: Error(resources), PeerFailure.
  BlockSchedule(SharedArray& array, std::int64_t block_rows, Schedule schedule, TicketCounter counter);

  /// The next block for this rank; none when all are handed out. *Cost*: an atomic addition at most.
  [[nodiscard]] std::optional<Block> next();

 private:
  SharedArray* array_;
  std::int64_t block_rows_;
  Schedule schedule_;
  TicketCounter counter_;
  RowRange rows_;          ///< that this rank may get parts of
  std::int64_t next_ = 0;  ///< number of the next block, with a fixed schedule
};

}  // namespace windrow
