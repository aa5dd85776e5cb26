#include "io/node_checksums.hpp"

#include <algorithm>

#include "io/checksums.hpp"
#include "io/file_layout.hpp"

namespace windrow::io {
namespace {

/// A range of an array's bytes, row-major.
struct Bytes {
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

/// The array's bytes on each node.
std::vector<Bytes> bytes_of_nodes(const SharedArray& array) {
  const Machine machine = machine_of(array.memory().topology());
  std::vector<Bytes> nodes;
  for (int node = 0; node < machine.nodes(); ++node) {
    const RowRange rows = machine.rows_of_node(array.extents().rows, node);
    nodes.push_back({rows.begin * array.row_bytes(), rows.end * array.row_bytes()});
  }
  return nodes;
}

std::int64_t first_group_from(std::int64_t byte) {
  return (byte + kGroupBytes - 1) / kGroupBytes;
}

std::size_t node_with(const std::vector<Bytes>& nodes, std::int64_t byte) {
  const auto found = std::ranges::find_if(nodes, [&](Bytes b) { return b.begin <= byte && byte < b.end; });
  return static_cast<std::size_t>(found - nodes.begin());
}

constexpr int kTag = 1;

}  // namespace

NodeChecksums::NodeChecksums(const SharedArray& array, TicketCounter groups) : array_(&array), counter_(groups) {
  const Topology& topology = array.memory().topology();
  const std::vector<Bytes> nodes = bytes_of_nodes(array);
  const auto here = static_cast<std::size_t>(topology.node_number);
  const Bytes own = nodes[here];
  first_group_ = first_group_from(own.begin);
  end_group_ = std::max(first_group_, first_group_from(own.end));
  if (!topology.is_leader() || own.begin == own.end) return;

  // What I have of a group that begins on an earlier node goes there first: node 0 sends nothing, so all come through.
  const std::int64_t own_from = std::min(first_group_ * kGroupBytes, own.end);
  if (own.begin < own_from)
    topology.leaders.send(array.read(array.node_rows()).first(static_cast<std::size_t>(own_from - own.begin)),
                          static_cast<int>(node_with(nodes, own.begin / kGroupBytes * kGroupBytes)), kTag);
  if (end_group_ == first_group_) return;
  const std::int64_t end = end_group_ * kGroupBytes;
  for (std::size_t node = here + 1; node < nodes.size() && nodes[node].begin < end; ++node) {
    const auto bytes = static_cast<std::size_t>(std::min(nodes[node].end, end) - nodes[node].begin);
    if (bytes == 0) continue;
    const std::size_t begin = tail_.size();
    tail_.resize(begin + bytes);
    topology.leaders.receive(std::span(tail_).subspan(begin), static_cast<int>(node), kTag);
  }
}

std::vector<GroupChecksum> NodeChecksums::compute() {
  std::vector<GroupChecksum> checksums;
  // The leader has the tail of the last group: it takes that one, the others are for whoever comes.
  const bool has_tail_elsewhere = !array_->memory().topology().is_leader();
  const std::int64_t shared_end = std::max(first_group_, end_group_ - 1);
  if (!has_tail_elsewhere && end_group_ > first_group_)
    checksums.push_back({end_group_ - 1, checksum_of(end_group_ - 1)});
  for (std::int64_t group = first_group_ + counter_.draw(); group < shared_end;
       group = first_group_ + counter_.draw()) {
    checksums.push_back({group, checksum_of(group)});
    array_->memory().rendezvous().throw_if_failed();
  }
  return checksums;
}

std::uint64_t NodeChecksums::checksum_of(std::int64_t group) const {
  const std::span<const std::byte> node_bytes = array_->read(array_->node_rows());
  const std::int64_t begin = group * kGroupBytes - array_->node_rows().begin * array_->row_bytes();
  const std::int64_t bytes = std::min(kGroupBytes, std::ssize(node_bytes) - begin);
  ChecksumStream stream;
  stream.feed(node_bytes.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(bytes)));
  if (group == end_group_ - 1) stream.feed(tail_);
  return stream.finish();
}

}  // namespace windrow::io
