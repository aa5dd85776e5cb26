#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "array/groups.hpp"
#include "array/shared_array.hpp"

namespace windrow::io {

/// The checksum of a group of an array.
struct GroupChecksum {
  std::int64_t group = 0;
  std::uint64_t checksum = 0;
};

/// The checksums of the groups that begin on this node, for its leader; the bytes of the last of them that lie on later
/// nodes come by message.
class NodeChecksums {
 public:
  /// Local to the leaders. *Cost*: memory for less than a group.
  explicit NodeChecksums(const SharedArray& array);

  /// Exchanges what groups have on other nodes. *Collective over* the leaders, right after an agreement. *Cost*:
  /// messages of less than a group, at most two a node unless nodes have less than a group of rows.
  void exchange();

  /// All of them, when every group is written. *Cost*: one pass over the last group at most.
  [[nodiscard]] std::vector<GroupChecksum> collect();

 private:
  [[nodiscard]] std::uint64_t checksum_of_last() const;

  const SharedArray* array_;
  NodeGroups groups_;
  /// A message between the leaders of this node and another.
  struct Message {
    int node = 0;
    std::size_t begin = 0;
    std::size_t bytes = 0;
  };
  std::optional<Message> head_;         ///< of this node's rows, to the node where their group begins
  std::vector<Message> tail_messages_;  ///< of tail_
  std::vector<std::byte> tail_;         ///< of the last group, from later nodes
};

}  // namespace windrow::io
