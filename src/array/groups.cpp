#include "array/groups.hpp"

#include <algorithm>
#include <atomic>

#include "base/partition.hpp"

namespace windrow {

NodeGroups::NodeGroups(const SharedArray& array)
    : NodeGroups({array.node_rows().begin * array.row_bytes(), array.node_rows().end * array.row_bytes()},
                 array.extents().bytes(array.type()), array.group_words()) {}

NodeGroups::NodeGroups(ByteRange node_bytes, std::int64_t array_bytes, std::span<GroupWord> words)
    : node_bytes_(node_bytes),
      array_bytes_(array_bytes),
      begin_(node_bytes.begin / kGroupBytes),
      end_(begin_ + group_count(node_bytes)),
      words_(words) {}

ByteRange NodeGroups::bytes_of(std::int64_t group) const {
  return {std::max(group * kGroupBytes, node_bytes_.begin), std::min((group + 1) * kGroupBytes, node_bytes_.end)};
}

bool NodeGroups::is_whole(std::int64_t group) const {
  const auto [begin, end] = bytes_of(group);
  return begin == group * kGroupBytes && end == std::min((group + 1) * kGroupBytes, array_bytes_);
}

bool NodeGroups::fill(std::int64_t group, std::int64_t bytes) noexcept {
  // Who adds the last bytes has acquired what the others released with theirs.
  return std::atomic_ref(word(group).bytes_filled).fetch_add(bytes, std::memory_order_acq_rel) + bytes ==
         bytes_of(group).bytes();
}

bool NodeGroups::take(std::int64_t group) noexcept {
  const std::int64_t all = bytes_of(group).bytes();
  const std::atomic_ref filled(word(group).bytes_filled);
  return filled.load(std::memory_order_relaxed) != all && filled.exchange(all, std::memory_order_relaxed) != all;
}

}  // namespace windrow
