#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "array/shared_array.hpp"
#include "io/chunk_file.hpp"
#include "io/chunk_grid.hpp"
#include "io/compressor.hpp"
#include "io/spread_piece.hpp"
#include "io/staging.hpp"

namespace windrow::io {

/// Brings an array's chunks to the file, compressed by all ranks, each node its own, and stored by leader 0: in rounds,
/// in each of which the ranks fill one half of their node's slots while the leaders hand on what is in the other.
class ChunkWriter {
 public:
  /// Of an array that is filled. Local. *Cost*: memory for five chunks. *Throws*: std::bad_alloc, on the calling rank.
  ChunkWriter(const SharedArray& array, const Staging& staging, StagingShape shape, std::int64_t level);

  /// Writes all of the array. `file` is leader 0's, elsewhere null; `advance` is told the bytes of the array that this
  /// rank has compressed. *Collective over* the world. *Cost*: between nodes, a message for each chunk. *Throws*: the
  /// same AgreedError on all ranks.
  void write(ChunkFile* file, const std::function<void(std::int64_t)>& advance);

 private:
  /// Some of the chunks, by their numbers in the array.
  struct Chunks {
    std::int64_t begin = 0;
    std::int64_t end = 0;
  };
  struct Node {
    ByteRange bytes;  ///< of the array
    Chunks chunks;    ///< that begin on it: its own
    std::int64_t chunks_per_round = 0;
  };
  [[nodiscard]] const Node& here() const { return nodes_[static_cast<std::size_t>(topology_->node_number)]; }
  [[nodiscard]] static Chunks chunks_of_round(const Node& node, std::int64_t round);
  [[nodiscard]] std::int64_t rounds() const;

  void exchange_borders();
  void compress_round(std::int64_t round, const std::function<void(std::int64_t)>& advance);
  void compress(std::int64_t number, std::int64_t chunk, const std::function<void(std::int64_t)>& advance);
  [[nodiscard]] std::span<const std::byte> content_of(std::int64_t chunk);
  void send_round(std::int64_t round);
  void store_round(std::int64_t round, ChunkFile& file);
  void store(std::int64_t chunk, std::span<const std::byte> bytes, ChunkFile& file);

  const SharedArray* array_;
  const Topology* topology_;
  Staging staging_;
  ChunkGrid grid_;
  std::vector<Node> nodes_;
  Compressor compressor_;
  std::optional<SpreadPiece> head_;    ///< the chunk that has begun on an earlier node
  std::optional<SpreadPiece> tail_;    ///< the one that begins here and ends on a later node
  std::vector<std::byte> whole_;       ///< a chunk that is not in one piece in the window
  std::vector<std::byte> received_;    ///< a chunk of another node, on leader 0
  std::optional<std::int64_t> drawn_;  ///< the number of the chunk that is this rank's to compress next
  std::optional<Error> failure_;       ///< to store a chunk: told when the others can hear of it
};

}  // namespace windrow::io
