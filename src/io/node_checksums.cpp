#include "io/node_checksums.hpp"

#include <algorithm>

#include "base/partition.hpp"

namespace windrow::io {
NodeChecksums::NodeChecksums(const SharedArray& array) : array_(&array), groups_(array) {
  const RowRange rows = array.node_rows();
  const ByteRange own{rows.begin * array.row_bytes(), rows.end * array.row_bytes()};
  const std::int64_t array_bytes = array.extents().bytes(array.type());
  const auto group_with = [&](std::int64_t byte) {
    const std::int64_t begin = byte / kGroupBytes * kGroupBytes;
    return ByteRange{begin, std::min(begin + kGroupBytes, array_bytes)};
  };
  // Nodes without rows take part where they are amidst a group.
  if (own.begin % kGroupBytes != 0 && own.begin < array_bytes) head_.emplace(array, group_with(own.begin));
  if (own.empty()) return;
  if (const ByteRange last = group_with(own.end - 1); last.begin >= own.begin && last.end > own.end)
    tail_.emplace(array, last);
}

void NodeChecksums::exchange() {
  if (head_) head_->gather();
  if (tail_) tail_->gather();
}

std::vector<GroupChecksum> NodeChecksums::collect() {
  std::vector<GroupChecksum> all;
  for (std::int64_t group = groups_.begin() + (head_ ? 1 : 0); group < groups_.end(); ++group)
    all.push_back({group, groups_.is_whole(group) ? groups_.checksum(group) : checksum_of_last()});
  return all;
}

std::uint64_t NodeChecksums::checksum_of_last() const {
  const auto bytes = static_cast<std::size_t>(groups_.bytes_of(groups_.end() - 1).bytes());
  ChecksumStream stream;
  stream.feed(array_->read(array_->node_rows()).last(bytes));
  if (tail_) stream.feed(tail_->rest());
  return stream.finish();
}

}  // namespace windrow::io
