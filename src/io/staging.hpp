#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "io/file_spec.hpp"

namespace windrow::io {

/// How much of a node's window is for compressed chunks on their way to the file: slots of equal size.
struct StagingShape {
  std::int64_t slot_bytes = 0;
  std::int64_t slots_per_rank = 0;

  /// For the largest chunks of a file that so many ranks write; nothing if it is not compressed. Local.
  [[nodiscard]] static StagingShape of(const FileSpec& spec, int ranks);

  /// What each rank of a node adds to its window. *Throws*: Error(usage), on the calling rank, on overflow.
  [[nodiscard]] std::int64_t bytes_per_rank() const;

  /// Chunks are compressed in rounds: a node's ranks fill one half of its slots while its leader takes away what is in
  /// the other. One slot is left: the last chunk that begins on the node, where it ends on another, is put together
  /// there.
  [[nodiscard]] std::int64_t chunks_per_round(int ranks_of_node) const {
    return (ranks_of_node * slots_per_rank - 1) / 2;
  }
};

/// The slots of a node, in its window. A view.
class Staging {
 public:
  /// *Shape*: `memory` has bytes_per_rank() for each rank of the node.
  Staging(StagingShape shape, int ranks_of_node, std::span<std::byte> memory);

  [[nodiscard]] std::int64_t chunks_per_round() const { return shape_.chunks_per_round(ranks_); }

  /// Before the chunks of an array are drawn: by one rank, and a phase earlier.
  void reset_draws() noexcept;
  /// The next number 0, 1, 2, ..., each once. *Cost*: an atomic addition.
  [[nodiscard]] std::int64_t draw() noexcept;

  /// Where the chunk goes that was drawn with this number, and how many bytes of it there are; those of the round
  /// before last are overwritten.
  [[nodiscard]] std::span<std::byte> slot(std::int64_t number) const;
  [[nodiscard]] std::int64_t& bytes_in_slot(std::int64_t number) const;
  /// The slot that is left.
  [[nodiscard]] std::span<std::byte> border() const;

 private:
  [[nodiscard]] std::span<std::byte> slot_at(std::int64_t place) const;

  StagingShape shape_;
  int ranks_;
  std::span<std::byte> memory_;
};

}  // namespace windrow::io
