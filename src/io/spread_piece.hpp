#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "base/extents.hpp"
#include "mpi/topology.hpp"

namespace windrow::io {

/// A piece of an array of which several nodes may have some, such as a group or a chunk: what the later ones have comes
/// to the leader of the first, by a tree of messages.
class SpreadPiece {
 public:
  /// `has` tells which bytes of the array a node has. Local. *Cost*: linear in the number of nodes, memory for less
  /// than the piece.
  SpreadPiece(const Topology& topology, const std::function<ByteRange(int node)>& has, ByteRange piece);

  /// The first node that has bytes of it.
  [[nodiscard]] int first() const { return first_; }
  /// Whether this node has bytes of it, or lies between such nodes.
  [[nodiscard]] bool takes_part() const { return sizes_.has_value(); }

  /// *Collective over* the leaders that take part, right after an agreement. A leader that takes part in several goes
  /// to those in the order of the array: so all come through. `own` are the bytes of it that this node has. *Cost*: a
  /// message a node; no leader has more than log2 of the nodes.
  void gather(std::span<const std::byte> own);

  /// The bytes of the later nodes, on the leader of the first.
  [[nodiscard]] std::span<const std::byte> rest() const { return bytes_; }

 private:
  const Topology* topology_;
  int first_ = 0;
  std::optional<GatheredBytes> sizes_;
  std::vector<std::byte> bytes_;
};

}  // namespace windrow::io
