#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "array/layout.hpp"
#include "io/checksums.hpp"
#include "io/file_reader.hpp"
#include "io/file_writer.hpp"
#include "io/node_shares.hpp"

namespace windrow::io {

/// The rows of an array that is not in memory but in a file: written, and read back, by one process of
/// each node, or by all of them. Rows of groups that the node does not have whole are held in memory instead, until
/// MovedRows writes them: at most two groups of them.
class RowFile {
 public:
  /// They begin at `offset` of the file, and those of a node come here. *Throws* Error(io), on the calling rank.
  RowFile(const std::string& path, std::int64_t offset, ArrayShape shape, const NodeShares& shares, int node,
          bool durable);

  /// All rows will be written anew.
  void restart();
  /// Rows of a row block come in order; those of several may take turns. *Cost*: a copy and a checksum, of memory that
  /// is there. *Throws*: as FileWriter::write.
  void write(RowRange rows, std::span<const std::byte> content);
  /// The same of elements, those of a row in order; rows may come in any, from several processes.
  void write(ElementRange elements, std::span<const std::byte> content);
  /// *Throws*: as FileReader::read.
  void read(RowRange rows, std::span<std::byte> content) const;

  /// What is held: of some bytes; or all that this process has got, and what hold() takes of others of the node.
  [[nodiscard]] std::span<const std::byte> held(ByteRange bytes) const;
  [[nodiscard]] std::vector<std::byte> held() const;
  void hold(std::span<const std::byte> pieces);

  /// Of the groups that came whole; others lie in row blocks of several ranks.
  [[nodiscard]] const std::vector<GroupChecksum>& checksums() const { return checksums_; }

  /// Ends writing. *Throws*: as FileWriter::sync.
  void close();

 private:
  /// A group of which the first bytes, up to `end` of the array's, have come.
  struct Begun {
    std::int64_t group = 0;
    std::int64_t end = 0;
    ChecksumStream stream;
  };
  void write(ByteRange bytes, std::span<const std::byte> content);
  void check(ByteRange bytes, std::span<const std::byte> content);
  [[nodiscard]] bool is_held(ByteRange bytes) const { return intersect(bytes, direct_).empty(); }
  /// Where it is in `held_`.
  [[nodiscard]] std::int64_t held_at(std::int64_t byte) const;
  void hold(ByteRange bytes, std::span<const std::byte> content);

  ArrayShape shape_;
  std::int64_t row_bytes_;
  std::int64_t offset_;
  ByteRange has_;
  ByteRange direct_;
  bool durable_;
  FileWriter writer_;
  FileReader reader_;
  std::vector<GroupChecksum> checksums_;
  std::vector<Begun> begun_;
  std::vector<std::byte> held_;  ///< what the node has before its whole groups, and after them
  std::vector<ByteRange> held_pieces_;
};

}  // namespace windrow::io
