#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
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
  /// Local. *Cost*: memory for less than a group, on the leader.
  NodeChecksums(const SharedArray& array, TicketCounter groups);

  /// Exchanges what groups have on other nodes. *Collective over* the leaders, right after an agreement; local on other
  /// ranks. *Cost*: messages of less than a group, at most two a node unless nodes have less than a group of rows.
  void exchange();

  /// Computes checksums of groups that no rank of the node has drawn yet and that lie within the first `bytes` of the
  /// node's rows: while these are in cache, that costs half. compute() returns them. *Cost*: one pass over them.
  void compute_within(std::int64_t bytes);

  /// Computes checksums of groups that no rank of the node has drawn yet, until all are drawn. Returns all that this
  /// rank has computed. *Cost*: one pass over the rows, divided among the ranks that call.
  [[nodiscard]] std::vector<GroupChecksum> compute();

 private:
  /// Computes what this rank has drawn, if it is below `end`; returns whether it is.
  bool compute_next(std::int64_t end);
  /// The last group, of which the leader has the tail, is not drawn.
  [[nodiscard]] std::int64_t drawn_end() const;
  [[nodiscard]] std::uint64_t checksum_of(std::int64_t group) const;

  const SharedArray* array_;
  TicketCounter counter_;
  std::int64_t first_group_ = 0;
  std::int64_t end_group_ = 0;
  std::optional<std::int64_t> drawn_;  ///< a group that is still to be computed
  std::vector<GroupChecksum> computed_;
  /// A message between the leaders of this node and another.
  struct Message {
    int node = 0;
    std::size_t begin = 0;
    std::size_t bytes = 0;
  };
  std::optional<Message> head_;         ///< of this node's rows, to the node where their group begins
  std::vector<Message> tail_messages_;  ///< of tail_
  std::vector<std::byte> tail_;         ///< of the last group, from later nodes; the leader has it
};

}  // namespace windrow::io
