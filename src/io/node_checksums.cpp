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

  const std::int64_t own_from = std::min(first_group_ * kGroupBytes, own.end);
  if (own.begin < own_from)
    head_ = {static_cast<int>(node_with(nodes, own.begin / kGroupBytes * kGroupBytes)), 0,
             static_cast<std::size_t>(own_from - own.begin)};
  if (end_group_ == first_group_) return;
  const std::int64_t end = end_group_ * kGroupBytes;
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

std::int64_t NodeChecksums::drawn_end() const {
  return std::max(first_group_, end_group_ - 1);
}

bool NodeChecksums::compute_next(std::int64_t end) {
  if (!drawn_) drawn_ = first_group_ + counter_.draw();
  if (*drawn_ >= end) return false;
  computed_.push_back({*drawn_, checksum_of(*drawn_)});
  drawn_.reset();
  array_->memory().rendezvous().throw_if_failed();
  return true;
}

void NodeChecksums::compute_within(std::int64_t bytes) {
  const std::int64_t end = (array_->node_rows().begin * array_->row_bytes() + bytes) / kGroupBytes;
  while (compute_next(std::min(end, drawn_end()))) {
  }
}

std::vector<GroupChecksum> NodeChecksums::compute() {
  if (array_->memory().topology().is_leader() && end_group_ > first_group_)
    computed_.push_back({end_group_ - 1, checksum_of(end_group_ - 1)});
  while (compute_next(drawn_end())) {
  }
  return std::move(computed_);
}

std::uint64_t NodeChecksums::checksum_of(std::int64_t group) const {
  const std::span<const std::byte> node_bytes = array_->read(array_->node_rows());
  const std::int64_t begin = group * kGroupBytes - array_->node_rows().begin * array_->row_bytes();
  const std::int64_t bytes = std::min(kGroupBytes, std::ssize(node_bytes) - begin);
  const auto here = node_bytes.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(bytes));
  if (group != end_group_ - 1 || tail_.empty()) return checksum(here);
  ChecksumStream stream;
  stream.feed(here);
  stream.feed(tail_);
  return stream.finish();
}

}  // namespace windrow::io
