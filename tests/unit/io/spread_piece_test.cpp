#include "io/spread_piece.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "array/shared_array.hpp"

namespace windrow::io {
namespace {

std::byte value_at(std::int64_t byte) {
  return static_cast<std::byte>(byte * 7 % 251);
}

/// An array whose bytes tell their place.
struct Filled {
  Filled(int nodes, Extents extents)
      : shape{"a", ElementType::int64, extents},
        topology(Topology::discover(nodes)),
        memory(topology, {.arrays = {shape}}),
        array(memory, shape, 0) {
    memory.together([&] {
      Lease lease = array.lease_row_block();
      const std::span<std::byte> bytes = lease.bytes();
      const std::int64_t begin = lease.rows().begin * array.row_bytes();
      for (std::size_t n = 0; n < bytes.size(); ++n) bytes[n] = value_at(begin + static_cast<std::int64_t>(n));
    });
    const RowRange rows = array.node_rows();
    node_bytes = {rows.begin * array.row_bytes(), rows.end * array.row_bytes()};
  }

  ArrayShape shape;
  Topology topology;
  NodeMemory memory;
  SharedArray array;
  ByteRange node_bytes;
};

/// Each piece of so many bytes, one after the other, and what the first node of each hears of the others.
void check_pieces(int nodes, Extents extents, std::int64_t piece_bytes) {
  Filled filled(nodes, extents);
  const ByteRange own = filled.node_bytes;
  const std::int64_t array_bytes = filled.shape.bytes();
  if (filled.topology.is_leader())
    for (std::int64_t begin = 0; begin < array_bytes; begin += piece_bytes) {
      const ByteRange piece{begin, std::min(begin + piece_bytes, array_bytes)};
      const Machine machine = machine_of(filled.topology);
      const auto has = [&](int node) {
        const RowRange rows = machine.rows_of_node(extents.rows, node);
        return ByteRange{rows.begin * filled.array.row_bytes(), rows.end * filled.array.row_bytes()};
      };
      SpreadPiece spread(filled.topology, has, piece);
      const ByteRange some = intersect(own, piece);
      ASSERT_TRUE(some.empty() || spread.takes_part());
      const std::int64_t skipped = some.begin - own.begin;
      spread.gather(some.empty()
                        ? std::span<const std::byte>{}
                        : filled.array.read(filled.array.node_rows())
                              .subspan(static_cast<std::size_t>(skipped), static_cast<std::size_t>(some.bytes())));
      const bool is_first = own.begin <= piece.begin && piece.begin < own.end;
      ASSERT_EQ(is_first, spread.first() == filled.topology.node_number);
      if (!is_first || own.end >= piece.end) continue;
      ASSERT_EQ(std::ssize(spread.rest()), piece.end - own.end);
      for (std::int64_t byte = own.end; byte < piece.end; ++byte)
        ASSERT_EQ(spread.rest()[static_cast<std::size_t>(byte - own.end)], value_at(byte)) << byte;
    }
  filled.memory.publish();
}

TEST(SpreadPiece, ComesToTheFirstNode) {
  for (const int nodes : {1, 2, 3, 7})
    for (const std::int64_t piece_bytes : {97, 1009, 8191, 100'000}) check_pieces(nodes, {197, 23}, piece_bytes);
}

TEST(SpreadPiece, PassesThroughNodesWithoutRows) {
  for (const int nodes : {2, 3, 7})
    for (const std::int64_t rows : {1, 2, 3, 5})
      for (const std::int64_t piece_bytes : {97, 100'000}) check_pieces(nodes, {rows, 23}, piece_bytes);
}

}  // namespace
}  // namespace windrow::io
