#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "array/node_memory.hpp"

namespace windrow {

/// An array that every node has whole in its window, once for all of its ranks: filled by all of them, then read.
class ReplicatedArray {
 public:
  /// Array `number` of WindowNeeds::replicas, whose shape it has. Local.
  ReplicatedArray(NodeMemory& memory, ArrayShape shape, std::size_t number);

  [[nodiscard]] const ArrayShape& shape() const { return shape_; }
  /// The rows that this rank fills: its share of all.
  [[nodiscard]] RowRange share() const;
  /// Their memory, touched. *Throws*: Error(resources), on the calling rank.
  [[nodiscard]] std::span<std::byte> fill_share();
  /// All of it, after the publish() that ends the filling.
  [[nodiscard]] std::span<const std::byte> read() const;

 private:
  NodeMemory* memory_;
  ArrayShape shape_;
  ByteRange place_;
};

}  // namespace windrow
