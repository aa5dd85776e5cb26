#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "array/shared_array.hpp"

namespace windrow::io {

/// A piece of an array that begins on one node and ends on a later one, such as a group or a chunk: what the later
/// nodes have of it comes to the leader of the first, by a tree of messages.
class SpreadPiece {
 public:
  /// For the leaders of the first node, of the last that has bytes of it, and of all in between. Local. *Cost*: memory
  /// for less than the piece.
  SpreadPiece(const SharedArray& array, ByteRange piece);

  /// *Collective over* the leaders that have the piece, right after an agreement. A leader that has two, as the last of
  /// one and as the first of another, goes to the earlier one first: so all come through. *Cost*: a message a node; no
  /// leader has more than log2 of the nodes.
  void gather();

  /// The bytes of the later nodes, on the leader of the first.
  [[nodiscard]] std::span<const std::byte> rest() const { return bytes_; }

 private:
  const SharedArray* array_;
  std::optional<GatheredBytes> sizes_;
  std::vector<std::byte> bytes_;
};

}  // namespace windrow::io
