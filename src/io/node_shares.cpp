#include "io/node_shares.hpp"

#include <algorithm>

#include "base/partition.hpp"

namespace windrow::io {

int writing_nodes(int nodes, std::int64_t writers) {
  return writers == kEveryNode ? nodes : static_cast<int>(std::min<std::int64_t>(writers, nodes));
}

NodeShares::NodeShares(const Machine& machine, const ArrayShape& shape, std::int64_t writers) : bytes_(shape.bytes()) {
  const std::int64_t row_bytes = checked_multiply(shape.extents.cols, bytes_of(shape.type));
  const int all_ranks = machine.ranks();
  const auto begin_of = [&](int row_rank) {
    return row_block(shape.extents.rows, all_ranks, row_rank).begin * row_bytes;
  };
  int first = 0;
  for (const int ranks : machine.ranks_per_node) {
    shares_.push_back({.has = {begin_of(first), begin_of(first + ranks)}});
    first += ranks;
  }
  const int all = writing_nodes(nodes(), writers);
  for (int number = 0; number < all; ++number) {
    const RowRange run = row_block(nodes(), all, number);
    const auto writer = static_cast<int>(run.begin);
    for (auto node = writer; node < run.end; ++node) shares_[static_cast<std::size_t>(node)].writer = writer;
    const auto first_group_from = [&](std::int64_t byte) { return std::min(round_up(byte, kGroupBytes), bytes_); };
    shares_[static_cast<std::size_t>(writer)].written = {first_group_from(has(writer).begin),
                                                         first_group_from(has(static_cast<int>(run.end) - 1).end)};
  }
}

ByteRange NodeShares::direct(int node) const {
  const ByteRange all = written(node);
  if (!writes(node)) return all;
  // The array's last group is as short as the array ends.
  const std::int64_t end = has(node).end;
  return {all.begin, std::max(all.begin, end == bytes_ ? end : end / kGroupBytes * kGroupBytes)};
}

}  // namespace windrow::io
