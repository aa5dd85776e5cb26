#pragma once

#include <cstdint>
#include <vector>

#include "array/layout.hpp"

namespace windrow::io {

/// Of `output.writers`: every node writes.
inline constexpr std::int64_t kEveryNode = 0;

/// How many of so many nodes write, if the deck asks for `writers`.
[[nodiscard]] int writing_nodes(int nodes, std::int64_t writers);

/// Which of an array's bytes each node has, and which it writes to the file. Neighbouring nodes share a writer, the
/// first of them. One node writes all of a group: where these begin at a multiple of a file-system block, no two nodes
/// write into one block.
class NodeShares {
 public:
  /// Local. *Cost*: linear in the number of nodes.
  NodeShares(const Machine& machine, const ArrayShape& shape, std::int64_t writers);

  [[nodiscard]] int nodes() const { return static_cast<int>(shares_.size()); }
  /// The bytes that a node has.
  [[nodiscard]] ByteRange has(int node) const { return share(node).has; }
  [[nodiscard]] int writer_of(int node) const { return share(node).writer; }
  [[nodiscard]] bool writes(int node) const { return writer_of(node) == node; }

  /// The bytes that a node writes: the groups that begin on the nodes whose writer it is.
  [[nodiscard]] ByteRange written(int node) const { return share(node).written; }
  /// The first of these: the groups that it has whole, which its ranks write as soon as they are filled.
  [[nodiscard]] ByteRange direct(int node) const;
  /// The others, which its leader writes when all is filled: other nodes have them, or a part of them.
  [[nodiscard]] ByteRange moved(int node) const { return {direct(node).end, written(node).end}; }

 private:
  struct Share {
    ByteRange has;
    int writer = 0;
    ByteRange written = {};
  };
  [[nodiscard]] const Share& share(int node) const { return shares_[static_cast<std::size_t>(node)]; }

  std::int64_t bytes_;
  std::vector<Share> shares_;
};

}  // namespace windrow::io
