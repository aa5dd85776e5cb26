#include "io/spread_piece.hpp"

#include <algorithm>

#include "base/partition.hpp"

namespace windrow::io {

SpreadPiece::SpreadPiece(const Topology& topology, const std::function<ByteRange(int node)>& has, ByteRange piece)
    : topology_(&topology) {
  int last = -1;
  for (int node = 0; node < topology.nodes(); ++node) {
    if (intersect(has(node), piece).empty()) continue;
    if (last < 0) first_ = node;
    last = node;
  }
  const int here = topology.node_number;
  if (here < first_ || here > last) return;
  // What the first node has stays where it is.
  sizes_.emplace(first_, last - first_ + 1, here,
                 [&](int node) { return node == first_ ? 0 : intersect(has(node), piece).bytes(); });
  bytes_.resize(static_cast<std::size_t>(sizes_->total()));
}

void SpreadPiece::gather(std::span<const std::byte> own) {
  if (!sizes_) return;
  std::ranges::copy(own.first(static_cast<std::size_t>(sizes_->own())), bytes_.begin());
  topology_->leaders.gather(*sizes_, bytes_);
}

}  // namespace windrow::io
