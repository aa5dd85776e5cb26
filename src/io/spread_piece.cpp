#include "io/spread_piece.hpp"

#include <algorithm>

namespace windrow::io {

SpreadPiece::SpreadPiece(const SharedArray& array, ByteRange piece) : array_(&array) {
  const Topology& topology = array.memory().topology();
  const Machine machine = machine_of(topology);
  int first = 0;
  int last = 0;
  std::vector<std::int64_t> bytes;
  for (int node = 0; node < machine.nodes(); ++node) {
    const RowRange rows = machine.rows_of_node(array.extents().rows, node);
    const ByteRange own{rows.begin * array.row_bytes(), rows.end * array.row_bytes()};
    if (own.begin <= piece.begin && piece.begin < own.end) first = node;
    if (!own.empty() && own.begin < piece.end) last = node;
    bytes.push_back(std::max(std::min(own.end, piece.end) - own.begin, std::int64_t{0}));
  }
  // What the first node has stays where it is.
  bytes[static_cast<std::size_t>(first)] = 0;
  sizes_.emplace(first, last - first + 1, topology.node_number,
                 [&](int node) { return bytes[static_cast<std::size_t>(node)]; });
  bytes_.resize(static_cast<std::size_t>(sizes_->total()));
}

void SpreadPiece::gather() {
  const std::span<const std::byte> rows = array_->read(array_->node_rows());
  std::ranges::copy(rows.first(static_cast<std::size_t>(sizes_->own())), bytes_.begin());
  array_->memory().topology().leaders.gather(*sizes_, bytes_);
}

}  // namespace windrow::io
