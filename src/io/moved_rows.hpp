#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "array/node_memory.hpp"
#include "io/background.hpp"
#include "io/checksums.hpp"
#include "io/file_writer.hpp"
#include "io/node_shares.hpp"
#include "io/spread_piece.hpp"

namespace windrow::io {

/// Brings to the file what of an array its nodes do not write as it is filled: by messages to the leaders that do write
/// it, in pieces, each of which is written while the next one comes.
class MovedRows {
 public:
  /// The bytes of the array that this node's leader has, of those that are not written directly. *Throws*: nothing.
  using Content = std::function<std::span<const std::byte>(ByteRange bytes)>;

  /// The array begins at `offset` of the file. Local.
  MovedRows(NodeMemory& memory, const NodeShares& shares, FileWriter& file, std::int64_t offset, bool durable);

  /// Writes all of them, when all are filled. `advance` is told the bytes that this rank writes. *Collective over* the
  /// world. *Cost*: a message for each node that has some of a piece, along a tree where they are several; memory for
  /// two pieces on the leaders that write; nothing on one node. *Throws*: the same AgreedError on all ranks.
  void write(const Content& content, const std::function<void(std::int64_t)>& advance);

  /// Of the groups that this rank has written.
  [[nodiscard]] const std::vector<GroupChecksum>& checksums() const { return checksums_; }

 private:
  /// A piece that this node writes, or has bytes of.
  struct Move {
    int writer = 0;
    SpreadPiece piece;
  };
  [[nodiscard]] std::int64_t rounds() const;
  /// What a node's leader writes of a round.
  [[nodiscard]] ByteRange piece(int writer, std::int64_t round) const;
  [[nodiscard]] std::span<std::byte> buffer(std::int64_t round);
  void prepare(std::int64_t round, const Content& content);
  void exchange(std::int64_t round, const Content& content);
  void exchange(Move& move, std::int64_t round, const Content& content);
  void write_piece(std::int64_t round);

  NodeMemory* memory_;
  const NodeShares* shares_;
  FileWriter* file_;
  std::int64_t offset_;
  bool durable_;
  int node_;
  std::vector<Move> moves_;  ///< of this round
  std::array<std::vector<std::byte>, 2> buffers_;
  std::vector<GroupChecksum> checksums_;
  std::unique_ptr<Background> background_;  ///< ends before what it writes
};

}  // namespace windrow::io
