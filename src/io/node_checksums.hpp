#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "array/groups.hpp"
#include "array/shared_array.hpp"
#include "io/checksums.hpp"
#include "io/spread_piece.hpp"

namespace windrow::io {

/// The checksum of a group of an array.
struct GroupChecksum {
  std::int64_t group = 0;
  std::uint64_t checksum = 0;
};

/// The checksums of the groups that begin on this node, for its leader; the bytes of the last of them that lie on later
/// nodes come by message.
class NodeChecksums {
 public:
  /// Local to the leaders. *Cost*: memory for less than two groups.
  explicit NodeChecksums(const SharedArray& array);

  /// Exchanges what groups have on other nodes. *Collective over* the leaders, right after an agreement. *Cost*:
  /// that of two SpreadPiece.
  void exchange();

  /// All of them, when every group is written. *Cost*: one pass over the last group at most.
  [[nodiscard]] std::vector<GroupChecksum> collect();

 private:
  [[nodiscard]] std::uint64_t checksum_of_last() const;

  const SharedArray* array_;
  NodeGroups groups_;
  std::optional<SpreadPiece> head_;  ///< the group that has begun on an earlier node
  std::optional<SpreadPiece> tail_;  ///< the one that begins here and ends on a later node
};

}  // namespace windrow::io
