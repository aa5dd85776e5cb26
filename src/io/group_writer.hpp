#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "array/groups.hpp"
#include "array/shared_array.hpp"
#include "io/checksums.hpp"
#include "io/file_writer.hpp"

namespace windrow::io {

/// Brings the groups of an array that a node has whole to the file, each once and by one rank of the node, with its
/// checksum: as soon as it is filled, while it is in the caches, or else at the end. The others are for MovedRows.
class GroupWriter {
 public:
  /// The array begins at `offset` of the file. Local.
  GroupWriter(const SharedArray& array, FileWriter& file, std::int64_t offset, bool durable);

  /// Elements of this node have got their final values, each once: writes the groups of which they were the last. With
  /// WINDROW_CHECK=1 nothing is written yet: the rows of others are not to be read before they are published.
  /// *Throws*: as FileWriter::write, on the calling rank.
  void filled(ElementRange elements);

  /// Writes the groups that have not been written, which the ranks of the node take one by one, in a phase after the
  /// one that filled the array. `advance` is told the bytes. *Throws*: as FileWriter::write, on the calling rank;
  /// PeerFailure.
  void write_rest(const std::function<void(std::int64_t)>& advance);

  /// Of the groups that the ranks of the node have written, when that is all of them.
  [[nodiscard]] std::vector<GroupChecksum> checksums();

 private:
  /// *Shape*: `rows` are the node's.
  void write(std::int64_t group, std::span<const std::byte> rows);

  const SharedArray* array_;
  FileWriter* file_;
  std::int64_t offset_;
  bool durable_;
  NodeGroups groups_;
};

}  // namespace windrow::io
