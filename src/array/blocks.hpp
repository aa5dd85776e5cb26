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
/// A rank gets the blocks of its own row block in order, a block that reaches into the next row block in two parts.
/// With a dynamic schedule a rank that has no more of its own goes on with those that the next ranks of the node still
/// have.
class BlockSchedule {
 public:
  /// `counter` must be fresh. Local.
  BlockSchedule(SharedArray& array, std::int64_t block_rows, Schedule schedule, TicketCounter counter);

  /// The next block for this rank; none when all are handed out. *Cost*: an atomic addition at most, and another for
  /// each row block that has come to its end.
  [[nodiscard]] std::optional<Block> next();

 private:
  SharedArray* array_;
  std::int64_t block_rows_;
  Schedule schedule_;
  TicketCounter counter_;
  int exhausted_ = 0;      ///< row blocks that are handed out: this rank's own first, then those of the next ranks
  std::int64_t next_ = 0;  ///< number of the next block, with a fixed schedule
};

}  // namespace windrow
