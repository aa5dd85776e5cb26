#include "io/node_checksums.hpp"

#include <algorithm>

#include "base/partition.hpp"
#include "io/checksums.hpp"

namespace windrow::io {
namespace {

/// The array's bytes on each node.
std::vector<ByteRange> bytes_of_nodes(const SharedArray& array) {
  const Machine machine = machine_of(array.memory().topology());
  std::vector<ByteRange> nodes;
  for (int node = 0; node < machine.nodes(); ++node) {
    const RowRange rows = machine.rows_of_node(array.extents().rows, node);
    nodes.push_back({rows.begin * array.row_bytes(), rows.end * array.row_bytes()});
  }
  return nodes;
}

std::size_t node_with(const std::vector<ByteRange>& nodes, std::int64_t byte) {
  const auto found = std::ranges::find_if(nodes, [&](ByteRange b) { return b.begin <= byte && byte < b.end; });
  return static_cast<std::size_t>(found - nodes.begin());
}

constexpr int kTag = 1;

}  // namespace

NodeChecksums::NodeChecksums(const SharedArray& array) : array_(&array), groups_(array) {
  if (groups_.begin() == groups_.end()) return;
  const std::vector<ByteRange> nodes = bytes_of_nodes(array);
  const auto here = static_cast<std::size_t>(array.memory().topology().node_number);
  const ByteRange first = groups_.bytes_of(groups_.begin());
  if (const std::int64_t begin = groups_.begin() * kGroupBytes; first.begin != begin)
    head_ = {static_cast<int>(node_with(nodes, begin)), 0, static_cast<std::size_t>(first.bytes())};
  const std::int64_t last = groups_.end() - 1;
  if (groups_.bytes_of(last).begin != last * kGroupBytes) return;
  const std::int64_t end = groups_.end() * kGroupBytes;
  std::size_t tail_bytes = 0;
  for (std::size_t node = here + 1; node < nodes.size() && nodes[node].begin < end; ++node) {
    const auto bytes = static_cast<std::size_t>(std::min(nodes[node].end, end) - nodes[node].begin);
    if (bytes == 0) continue;
    tail_messages_.push_back({static_cast<int>(node), tail_bytes, bytes});
    tail_bytes += bytes;
  }
  tail_.resize(tail_bytes);
}

void NodeChecksums::exchange() {
  const LeaderComm& leaders = array_->memory().topology().leaders;
  // What I have of a group that begins on an earlier node goes there first: node 0 sends nothing, so all come through.
  if (head_) leaders.send(array_->read(array_->node_rows()).first(head_->bytes), head_->node, kTag);
  for (const Message& message : tail_messages_)
    leaders.receive(std::span(tail_).subspan(message.begin, message.bytes), message.node, kTag);
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
  stream.feed(tail_);
  return stream.finish();
}

}  // namespace windrow::io
