#pragma once

#include <cstdint>
#include <vector>

#include "array/shared_array.hpp"
#include "array/tickets.hpp"

namespace windrow::io {

/// The checksum of a group of an array.
struct GroupChecksum {
  std::int64_t group = 0;
  std::uint64_t checksum = 0;
};

/// The checksums of an array's groups by the ranks of its node. A group belongs to the node that has its first byte;
/// the bytes of it that lie on later nodes come by message.
class NodeChecksums {
 public:
  /// Exchanges what groups have on other nodes. *Collective over* the leaders; local on other ranks.
  /// *Cost*: messages of less than a group, at most two a node unless nodes have less than a group of rows.
  NodeChecksums(const SharedArray& array, TicketCounter groups);

  /// Computes checksums of groups that no rank of the node has drawn yet, until all are drawn.
  /// *Cost*: one pass over the rows, divided among the ranks that call.
  [[nodiscard]] std::vector<GroupChecksum> compute();

 private:
  [[nodiscard]] std::uint64_t checksum_of(std::int64_t group) const;

  const SharedArray* array_;
  TicketCounter counter_;
  std::int64_t first_group_ = 0;
  std::int64_t end_group_ = 0;
  std::vector<std::byte> tail_;  ///< of the last group, from later nodes; the leader has it
};

}  // namespace windrow::io
