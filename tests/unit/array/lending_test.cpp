#include "array/lending.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <vector>

namespace windrow {
namespace {

// Blocks end within pages and within extents, of which a node has several.
constexpr Extents kExtents{1009, 1013};
constexpr std::int64_t kBlockRows = 13;

std::int64_t value_of(std::int64_t element) {
  return element * element + 7;
}

/// An array, its blocks, and the filling of them by all nodes.
struct Pool {
  Pool(int nodes, Schedule schedule)
      : topology(Topology::discover(nodes)),
        memory(topology, {.arrays = {shape}, .tickets = 1}),
        array(memory, shape, 0),
        blocks(array, kBlockRows, schedule, TicketCounter(memory, 0)),
        lending(array, blocks, [this](Block& block, std::span<const std::byte> rows, const Lending::Work& work) {
          const std::vector<int>& own = topology.world_ranks[static_cast<std::size_t>(topology.node_number)];
          EXPECT_EQ(std::ranges::count(own, work.world_rank), 0);
          store(block, rows);
        }) {}

  void store(Block& block, std::span<const std::byte> rows) {
    const std::int64_t first = block.lease.rows().begin * kExtents.cols;
    block.lease.for_each_piece([&](const Piece& piece) {
      const auto at = static_cast<std::size_t>((piece.elements.begin - first) * 8);
      std::memcpy(piece.destination, &rows[at], static_cast<std::size_t>(piece.elements.elements() * 8));
    });
  }
  [[nodiscard]] static std::vector<std::int64_t> values(RowRange rows) {
    std::vector<std::int64_t> found;
    for (std::int64_t n = rows.begin * kExtents.cols; n < rows.end * kExtents.cols; ++n) found.push_back(value_of(n));
    return found;
  }
  void compute_own() {
    while (std::optional<Block> block = blocks.next()) {
      const std::vector<std::int64_t> rows = values(block->lease.rows());
      store(*block, std::as_bytes(std::span(rows)));
      lending.serve();
    }
  }
  void compute_borrowed() {
    while (const std::optional<Lending::Borrowed> borrowed = lending.borrow()) {
      ++borrowed_blocks;
      const std::vector<std::int64_t> rows = values(borrowed->rows);
      const std::span<const std::byte> bytes = std::as_bytes(std::span(rows));
      lending.give_back({bytes.begin(), bytes.end()}, 0.0, 0.0);
    }
  }
  [[nodiscard]] bool is_right() const {
    const RowRange rows = array.node_rows();
    const std::vector<std::int64_t> expected = values(rows);
    return std::ranges::equal(array.read(rows), std::as_bytes(std::span(expected)));
  }

  ArrayShape shape{"a", ElementType::int64, kExtents};
  Topology topology;
  NodeMemory memory;
  SharedArray array;
  BlockSchedule blocks;
  Lending lending;
  std::int64_t borrowed_blocks = 0;
};

TEST(Lending, FillsAllRows) {
  for (const int nodes : {1, 2, 3})
    for (const Schedule schedule : {Schedule::dynamic, Schedule::guided}) {
      Pool pool(nodes, schedule);
      pool.memory.together([&] {
        pool.lending.run([&] {
          pool.compute_own();
          pool.compute_borrowed();
        });
      });
      EXPECT_TRUE(pool.is_right());
      pool.memory.publish();
    }
}

TEST(Lending, ComputesWhatANodeDoesNotComeTo) {
  for (const int nodes : {2, 3})
    for (const Schedule schedule : {Schedule::dynamic, Schedule::guided}) {
      Pool pool(nodes, schedule);
      if (pool.topology.nodes() == 1) return;
      // The ranks of the first node compute nothing, they only answer.
      const bool is_first = pool.topology.node_number == 0;
      pool.memory.together([&] {
        pool.lending.run([&] {
          if (is_first) return;
          pool.compute_own();
          pool.compute_borrowed();
        });
      });
      EXPECT_TRUE(pool.is_right());
      const std::int64_t of_first = pool.topology.world.maximum(is_first ? pool.array.node_rows().rows() : 0);
      EXPECT_GE(pool.topology.world.sum(pool.borrowed_blocks), (of_first + kBlockRows - 1) / kBlockRows);
      pool.memory.publish();
    }
}

/// Runs a pool in which one rank fails, and tells the message that all ranks get.
std::string failure_of(Pool& pool, const std::function<void()>& body) {
  try {
    pool.memory.together([&] { pool.lending.run(body); });
  } catch (const AgreedError& error) {
    return error.what();
  }
  return "";
}

TEST(Lending, EndsWhenALenderFails) {
  for (const int nodes : {1, 2, 3}) {
    Pool pool(nodes, Schedule::dynamic);
    EXPECT_EQ(failure_of(pool,
                         [&] {
                           if (pool.topology.world_rank() == 0) throw Error(ExitStatus::io, "no more");
                           pool.compute_own();
                           pool.compute_borrowed();
                         }),
              "no more");
  }
}

TEST(Lending, EndsWhenABorrowerFails) {
  for (const int nodes : {2, 3}) {
    Pool pool(nodes, Schedule::guided);
    if (pool.topology.nodes() == 1) return;
    const bool is_first = pool.topology.node_number == 0;
    const std::string told = failure_of(pool, [&] {
      if (is_first) return;
      pool.compute_own();
      if (pool.lending.borrow()) throw Error(ExitStatus::io, "cannot compute this one");
    });
    EXPECT_EQ(told, "cannot compute this one");
  }
}

}  // namespace
}  // namespace windrow
