#pragma once

#include <cstdint>
#include <span>

#include "array/shared_array.hpp"
#include "base/extents.hpp"

namespace windrow {

/// An array's groups of which a node's window has bytes, and what the node's ranks tell each other of them: whose turn
/// it is to write a group to the file, and its checksum. A view: the words live in the window.
class NodeGroups {
 public:
  explicit NodeGroups(const SharedArray& array);
  /// Of an array of `array_bytes` bytes, of which the node has `node_bytes`. *Shape*: a word for each group of them.
  NodeGroups(ByteRange node_bytes, std::int64_t array_bytes, std::span<GroupWord> words);

  /// The groups, by number in the array: begin(), ..., end() - 1.
  [[nodiscard]] std::int64_t begin() const { return begin_; }
  [[nodiscard]] std::int64_t end() const { return end_; }
  /// The bytes of a group that the node has, by their place in the array.
  [[nodiscard]] ByteRange bytes_of(std::int64_t group) const;
  /// Whether that is all of the group.
  [[nodiscard]] bool is_whole(std::int64_t group) const;

  /// Notes that so many bytes of a group have got their final values. Returns whether they were the last of the node's:
  /// then the group is the caller's to write, who sees what others filled. *Cost*: an atomic addition.
  [[nodiscard]] bool fill(std::int64_t group, std::int64_t bytes) noexcept;

  /// Takes a group that nobody has been given to write; returns whether the caller is the first. Once all is filled.
  [[nodiscard]] bool take(std::int64_t group) noexcept;

  /// Written by who writes the group; read after the phase.
  [[nodiscard]] std::uint64_t& checksum(std::int64_t group) { return word(group).checksum; }

 private:
  [[nodiscard]] GroupWord& word(std::int64_t group) { return words_[static_cast<std::size_t>(group - begin_)]; }

  ByteRange node_bytes_;
  std::int64_t array_bytes_;
  std::int64_t begin_;
  std::int64_t end_;
  std::span<GroupWord> words_;
};

}  // namespace windrow
