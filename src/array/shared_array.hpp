#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "array/node_memory.hpp"
#include "array/touched_pages.hpp"

namespace windrow {

class SharedArray;

/// Some consecutive elements of an array, handed out to be filled.
struct Piece {
  ElementRange elements;             ///< row-major numbers in the global array
  std::byte* destination = nullptr;  ///< of the first of them
  bool is_fresh = false;             ///< touched for the first time just now, and so in the caches
};

/// The right to write some rows of an array until the phase ends; the only source of mutable memory.
class Lease {
 public:
  Lease(Lease&&) noexcept = default;
  Lease& operator=(Lease&&) noexcept = default;

  [[nodiscard]] RowRange rows() const { return rows_; }
  [[nodiscard]] const SharedArray& array() const { return *array_; }

  /// The rows as mutable memory, touched by a system call before it is handed out.
  /// *Throws*: Error(resources) when memory is short; Error(internal) when the phase of the lease is over.
  [[nodiscard]] std::span<std::byte> bytes();

  /// The piece of the rows that begins with an element, up to the end of its extent, touched; they may be taken in any
  /// order. *Throws*: as bytes().
  [[nodiscard]] Piece piece_from(std::int64_t element);
  /// Some elements of the rows, touched. *Throws*: as bytes().
  [[nodiscard]] Piece piece(ElementRange elements);

  /// Hands out the rows in pieces of at most an extent, each touched just before: filled while it is in cache, fresh
  /// memory costs half. *Throws*: as bytes(), and what `fill` throws.
  void for_each_piece(const std::function<void(const Piece& piece)>& fill);

 private:
  friend class SharedArray;
  Lease(SharedArray& array, RowRange rows, std::int64_t phase) : array_(&array), rows_(rows), phase_(phase) {}
  void check_phase() const;

  SharedArray* array_;
  RowRange rows_;
  std::int64_t phase_;
};

/// A distributed 2-D array: each node's window holds the rows of its ranks, row-major, without gaps.
class SharedArray {
 public:
  /// Array `number` of WindowNeeds::arrays, whose shape it has. Local.
  SharedArray(NodeMemory& memory, ArrayShape shape, std::size_t number);
  SharedArray(const SharedArray&) = delete;
  SharedArray& operator=(const SharedArray&) = delete;

  [[nodiscard]] const std::string& name() const { return shape_.name; }
  [[nodiscard]] ElementType type() const { return shape_.type; }
  [[nodiscard]] const Extents& extents() const { return shape_.extents; }
  [[nodiscard]] const ArrayShape& shape() const { return shape_; }
  [[nodiscard]] std::int64_t row_bytes() const { return row_bytes_; }
  /// The rows in this node's window, and those of them that this rank owns.
  [[nodiscard]] RowRange node_rows() const { return node_rows_; }
  [[nodiscard]] RowRange row_block() const { return row_block_; }

  /// Rows of this node for reading, until the phase ends: what others wrote in earlier phases is there. *Throws*:
  /// Error(internal) for rows of another node.
  [[nodiscard]] std::span<const std::byte> read(RowRange rows) const;

  /// The right to write this rank's row block; once a phase. *Throws*: Error(internal) the second time.
  [[nodiscard]] Lease lease_row_block();

  /// The right to write a part of this rank's row block, or rows that this rank has drawn: that nobody else has them is
  /// up to the schedule that hands them out. *Throws*: Error(internal) for rows of another node.
  [[nodiscard]] Lease lease(RowRange rows);

  [[nodiscard]] NodeMemory& memory() const { return *memory_; }

  /// The words of the groups of which this node has bytes, in order; NodeGroups tells what they mean.
  [[nodiscard]] std::span<GroupWord> group_words() const { return group_words_; }

 private:
  friend class Lease;
  [[nodiscard]] ByteRange bytes_of_rows(RowRange rows) const;
  void check_on_node(RowRange rows) const;
  /// Touches what a lease is about to hand out, and tells the check that it is this rank's to write.
  [[nodiscard]] bool is_touched(ByteRange bytes) const;
  void open_for_check(ByteRange bytes);
  /// Touches what nobody has touched. Returns whether the bytes are fresh: in what this rank has touched last, an
  /// extent at most.
  bool touch(ByteRange bytes);

  NodeMemory* memory_;
  ArrayShape shape_;
  std::int64_t row_bytes_;
  std::int64_t offset_;
  RowRange node_rows_;
  RowRange row_block_;
  TouchedPages touched_;
  ByteRange fresh_;
  std::int64_t row_block_leased_in_ = -1;
  std::span<GroupWord> group_words_;
};

}  // namespace windrow
