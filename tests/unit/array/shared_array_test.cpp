#include "array/shared_array.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include "array/blocks.hpp"
#include "base/partition.hpp"

namespace windrow {
namespace {

/// The value of the tests' arrays: different in every element, and its lowest byte is 1. A page begins with such a
/// byte, and touching it again would zero that.
double value_at(std::int64_t element) {
  return 1.0 + static_cast<double>(256 * element + 1) * std::numeric_limits<double>::epsilon();
}

void fill(const Piece& piece) {
  std::byte* destination = piece.destination;
  for (std::int64_t element = piece.elements.begin; element < piece.elements.end; ++element) {
    const double value = value_at(element);
    std::memcpy(destination, &value, sizeof value);
    destination += sizeof value;
  }
}

void expect_filled(const SharedArray& array) {
  const std::span<const std::byte> bytes = array.read(array.node_rows());
  const std::int64_t first = array.node_rows().begin * array.extents().cols;
  for (std::int64_t n = 0; n < std::ssize(bytes) / 8; ++n) {
    double value = 0;
    std::memcpy(&value, bytes.data() + n * 8, sizeof value);
    ASSERT_EQ(value, value_at(first + n)) << "element " << first + n;
  }
}

constexpr std::array kPageModes{PageMode::automatic, PageMode::collapse, PageMode::populate, PageMode::read};

const std::vector<Extents> kExtents{{197, 23}, {1, 1}, {2, 1000}, {3, 300'001}, {100'003, 7}, {5, 1}, {700'001, 1}};

TEST(SharedArray, EveryRankReadsInPlaceWhatTheOthersFilled) {
  for (const int pretended : {1, 2, 3}) {
    const Topology topology = Topology::discover(pretended);
    for (const Extents& extents : kExtents) {
      const ArrayShape shape{"a", ElementType::float64, extents};
      NodeMemory memory(topology, {.arrays = {shape}});
      SharedArray array(memory, shape, 0);
      array.lease_row_block().for_each_piece(fill);
      memory.publish();
      expect_filled(array);
      memory.publish();
    }
  }
}

TEST(SharedArray, ArraysInOneWindowDoNotTouchEachOther) {
  const Topology topology = Topology::discover(1);
  const std::vector<ArrayShape> shapes{{"a", ElementType::float64, {197, 23}},
                                       {"b", ElementType::int32, {13, 1}},
                                       {"c", ElementType::float64, {100'003, 7}}};
  NodeMemory memory(topology, {.arrays = shapes});
  std::vector<std::unique_ptr<SharedArray>> arrays;
  for (std::size_t n = 0; n < shapes.size(); ++n) arrays.push_back(std::make_unique<SharedArray>(memory, shapes[n], n));
  arrays[2]->lease_row_block().for_each_piece(fill);
  arrays[0]->lease_row_block().for_each_piece(fill);
  Lease lease = arrays[1]->lease_row_block();
  const std::span<std::byte> bytes = lease.bytes();
  std::memset(bytes.data(), 0x55, bytes.size());
  memory.publish();
  expect_filled(*arrays[0]);
  expect_filled(*arrays[2]);
  for (const std::byte byte : arrays[1]->read(arrays[1]->node_rows())) ASSERT_EQ(byte, std::byte{0x55});
  memory.publish();
}

TEST(Lease, EndsWithThePhase) {
  const Topology topology = Topology::discover(1);
  const ArrayShape shape{"a", ElementType::float64, {14, 3}};
  NodeMemory memory(topology, {.arrays = {shape}});
  SharedArray array(memory, shape, 0);
  Lease lease = array.lease_row_block();
  EXPECT_THROW((void)array.lease_row_block(), Error) << "one lease per row and phase";
  memory.publish();
  EXPECT_THROW((void)lease.bytes(), Error);
  EXPECT_THROW(lease.for_each_piece(fill), Error);
  EXPECT_NO_THROW((void)array.lease_row_block());
  memory.publish();
}

TEST(Lease, OfRowsThatHaveBeenWrittenLeavesTheirValues) {
  // Rows and pages end in different places; there are gaps, of which the last is filled from both sides.
  constexpr std::int64_t rows_each = 300;
  for (const PageMode pages : kPageModes)
    for (const std::int64_t cols : {std::int64_t{23}, std::int64_t{2003}}) {
      const Topology topology = Topology::discover(1);
      const ArrayShape shape{"a", ElementType::float64, {rows_each * topology.ranks(), cols}};
      NodeMemory memory(topology, {.arrays = {shape}, .pages = pages});
      SharedArray array(memory, shape, 0);
      const std::int64_t first = array.row_block().begin;
      const auto lease = [&](std::int64_t begin, std::int64_t end) {
        return array.lease({first + begin, first + end});
      };
      lease(0, 100).for_each_piece(fill);
      lease(200, 300).for_each_piece(fill);
      memory.publish();
      (void)lease(0, 100).bytes();
      (void)lease(250, 260).bytes();
      lease(90, 101).for_each_piece([](const Piece&) {});
      lease(100, 130).for_each_piece(fill);
      memory.publish();
      lease(0, 300).for_each_piece([](const Piece&) {});
      memory.publish();
      lease(130, 200).for_each_piece(fill);
      memory.publish();
      expect_filled(array);
      memory.publish();
    }
}

TEST(Lease, OfRowsThatOthersHaveWrittenLeavesTheirValues) {
  // Each rank writes the rows that the next one owns; then all rows are leased by their owners and by whoever is idle.
  for (const PageMode pages : kPageModes) {
    const Topology topology = Topology::discover(1);
    const ArrayShape shape{"a", ElementType::float64, {10'007, 211}};
    NodeMemory memory(topology, {.arrays = {shape}, .tickets = 1, .pages = pages});
    SharedArray array(memory, shape, 0);
    const int next = (topology.node_rank() + 1) % topology.node.size();
    array.lease(row_block(shape.extents.rows, topology.ranks(), next)).for_each_piece(fill);
    memory.publish();
    (void)array.lease_row_block().bytes();
    memory.publish();
    BlockSchedule blocks(array, 7, Schedule::dynamic, TicketCounter(memory, 0));
    while (std::optional<Block> block = blocks.next()) block->lease.for_each_piece([](const Piece&) {});
    memory.publish();
    expect_filled(array);
    memory.publish();
  }
}

TEST(Lease, RanksMayTouchTheirPartsOfAPageAtOnce) {
  // A page has twenty rows, of all ranks in turns.
  for (const PageMode pages : kPageModes) {
    const Topology topology = Topology::discover(1);
    const ArrayShape shape{"a", ElementType::float64, {30'011, 23}};
    NodeMemory memory(topology, {.arrays = {shape}, .pages = pages});
    SharedArray array(memory, shape, 0);
    for (std::int64_t row = topology.node_rank(); row < shape.extents.rows; row += topology.node.size())
      array.lease({row, row + 1}).for_each_piece(fill);
    memory.publish();
    expect_filled(array);
    memory.publish();
  }
}

TEST(Lease, IsRefusedForRowsOfAnotherNode) {
  const Topology topology = Topology::discover(2);
  if (topology.nodes() == 1) GTEST_SKIP() << "one rank is one node";
  const ArrayShape shape{"a", ElementType::float64, {14, 3}};
  NodeMemory memory(topology, {.arrays = {shape}});
  SharedArray array(memory, shape, 0);
  EXPECT_THROW((void)array.lease({0, 14}), Error);
  EXPECT_THROW((void)array.read({0, 14}), Error);
  topology.world.barrier();
}

TEST(BlockSchedule, EveryRowIsHandedOutOnceWithItsBlocksOffset) {
  for (const int pretended : {1, 2})
    for (const Schedule schedule : {Schedule::fixed, Schedule::dynamic, Schedule::guided})
      for (const Extents& extents : kExtents)
        for (const std::int64_t block_rows : {std::int64_t{1}, std::int64_t{10}, extents.rows}) {
          if (extents.rows / block_rows > 2000) continue;
          const Topology topology = Topology::discover(pretended);
          const ArrayShape shape{"a", ElementType::float64, extents};
          NodeMemory memory(topology, {.arrays = {shape}, .tickets = 1});
          SharedArray array(memory, shape, 0);
          BlockSchedule blocks(array, block_rows, schedule, TicketCounter(memory, 0));
          std::int64_t rows = 0;
          while (std::optional<Block> block = blocks.next()) {
            EXPECT_EQ(block->lease.rows().begin / block_rows * block_rows, block->offset);
            EXPECT_EQ(block->number * block_rows, block->offset);
            EXPECT_LE(block->lease.rows().end, block->offset + block_rows);
            rows += block->lease.rows().rows();
            block->lease.for_each_piece(fill);
          }
          memory.together([] {});
          expect_filled(array);
          EXPECT_EQ(topology.world.sum(rows), extents.rows);
        }
}

/// Whether the kernel has all pages of a piece in memory.
bool is_resident(const Piece& piece, std::int64_t bytes) {
  std::byte* const first = piece.destination - reinterpret_cast<std::uintptr_t>(piece.destination) % kPageBytes;
  const auto length = static_cast<std::size_t>(piece.destination + bytes - first);
  std::vector<unsigned char> pages((length - 1) / kPageBytes + 1);
  EXPECT_EQ(mincore(first, length, pages.data()), 0);
  return std::ranges::all_of(pages, [](unsigned char page) { return (page & 1U) != 0; });
}

TEST(BlockSchedule, EveryByteIsTouchedByASystemCallBeforeItIsWritten) {
  // Blocks that begin and end within extents, and of less than a page.
  const Extents extents{10'007, 211};
  for (const Schedule schedule : {Schedule::fixed, Schedule::dynamic, Schedule::guided})
    for (const PageMode pages : kPageModes)
      for (const std::int64_t block_rows : {700, 1}) {
        const Topology topology = Topology::discover(1);
        const ArrayShape shape{"a", ElementType::float64, extents};
        NodeMemory memory(topology, {.arrays = {shape}, .tickets = 1, .pages = pages});
        SharedArray array(memory, shape, 0);
        BlockSchedule blocks(array, block_rows, schedule, TicketCounter(memory, 0));
        while (std::optional<Block> block = blocks.next())
          block->lease.for_each_piece([](const Piece& piece) {
            EXPECT_TRUE(is_resident(piece, piece.elements.elements() * 8));
            fill(piece);
          });
        memory.together([] {});
        expect_filled(array);
        memory.publish();
      }
}

TEST(BlockSchedule, WhoIsIdleTakesWhatOthersHaveLeft) {
  // The last rank of a node comes when all is done: the others, if there are any, have drawn its blocks too. Blocks end
  // within pages and extents.
  for (const int pretended : {1, 2})
    for (const PageMode pages : kPageModes)
      for (const std::int64_t block_rows : {1, 700}) {
        const Topology topology = Topology::discover(pretended);
        const ArrayShape shape{"a", ElementType::float64, {10'007, 211}};
        NodeMemory memory(topology, {.arrays = {shape}, .tickets = 1, .pages = pages});
        SharedArray array(memory, shape, 0);
        BlockSchedule blocks(array, block_rows, Schedule::dynamic, TicketCounter(memory, 0));
        const int others = topology.node.size() - 1;
        const bool is_late = others > 0 && topology.node_rank() == others;
        if (is_late) topology.node.barrier();
        std::int64_t rows = 0;
        bool has_taken = false;
        while (std::optional<Block> block = blocks.next()) {
          const bool is_own = array.row_block().contains(block->lease.rows().begin);
          EXPECT_FALSE(is_own && has_taken) << "a rank's own come first";
          has_taken = has_taken || !is_own;
          rows += block->lease.rows().rows();
          block->lease.for_each_piece(fill);
        }
        if (others > 0 && !is_late) topology.node.barrier();
        memory.together([] {});
        expect_filled(array);
        EXPECT_TRUE(!is_late || rows == 0);
        EXPECT_EQ(topology.world.sum(rows), 10'007);
        memory.publish();
      }
}

TEST(BlockSchedule, ABlockMayBeLongerThanAnyArray) {
  for (const Schedule schedule : {Schedule::fixed, Schedule::dynamic, Schedule::guided})
    for (const std::int64_t block_rows : {std::int64_t{1} << 62, std::numeric_limits<std::int64_t>::max()}) {
      const Topology topology = Topology::discover(2);
      const ArrayShape shape{"a", ElementType::float64, {1009, 3}};
      NodeMemory memory(topology, {.arrays = {shape}, .tickets = 1});
      SharedArray array(memory, shape, 0);
      BlockSchedule blocks(array, block_rows, schedule, TicketCounter(memory, 0));
      std::int64_t rows = 0;
      while (std::optional<Block> block = blocks.next()) {
        EXPECT_EQ(block->offset, 0);
        rows += block->lease.rows().rows();
      }
      EXPECT_EQ(topology.world.sum(rows), 1009);
    }
}

TEST(TicketCounter, GivesEveryNumberOnce) {
  const Topology topology = Topology::discover(1);
  NodeMemory memory(topology, {.tickets = 2});
  TicketCounter counter(memory, 1);
  constexpr std::int64_t draws = 1000;
  std::int64_t sum = 0;
  for (std::int64_t n = 0; n < draws; ++n) sum += counter.draw();
  const std::int64_t all = draws * topology.ranks();
  EXPECT_EQ(topology.world.sum(sum), all * (all - 1) / 2);
  EXPECT_EQ(TicketCounter(memory, 0).draw() < topology.ranks(), true) << "the counters are independent";
  topology.world.barrier();
}

TEST(TicketCounter, CountsEachShareByItself) {
  const Topology topology = Topology::discover(2);
  NodeMemory memory(topology, {.tickets = 2});
  TicketCounter counter(memory, 1);
  constexpr std::int64_t draws = 100;
  const int ranks = topology.node.size();
  std::int64_t sum = 0;
  for (std::int64_t n = 0; n < draws * ranks; ++n) sum += counter.draw(static_cast<int>(n) % ranks);
  const std::int64_t each = draws * ranks;
  EXPECT_EQ(topology.node.sum(sum), ranks * (each * (each - 1) / 2));
  topology.world.barrier();
}

TEST(WindowLayout, ArraysBeginAtPagesAndLargeOnesAtExtents) {
  const Machine machine{{2, 1}, {0, 0}};
  const std::vector<ArrayShape> shapes{{"small", ElementType::float64, {10, 10}},
                                       {"large", ElementType::float64, {3000, 1000}}};
  const WindowLayout first = WindowLayout::make(machine, 0, {.arrays = shapes});
  EXPECT_EQ(first.arrays[0].offset % kPageBytes, 0);
  EXPECT_EQ(first.arrays[0].bytes, 7 * 10 * 8) << "rows 0 to 4 and 4 to 7 of 10";
  EXPECT_EQ(first.arrays[1].offset % kExtentBytes, 0);
  EXPECT_EQ(first.arrays[1].bytes, 2000 * 1000 * 8);
  EXPECT_EQ(first.bytes % kExtentBytes, 0);
  EXPECT_EQ(WindowLayout::make(machine, 1, {.arrays = shapes}).arrays[1].bytes, 1000 * 1000 * 8);
}

TEST(WindowLayout, StagingLiesBeforeTheArrays) {
  const Machine machine{{2, 1}, {0, 0}};
  const std::vector<ArrayShape> shapes{{"small", ElementType::float64, {10, 10}}};
  const WindowLayout none = WindowLayout::make(machine, 0, {.arrays = shapes});
  const WindowLayout some = WindowLayout::make(machine, 0, {.arrays = shapes, .staging_bytes = 5 * kPageBytes});
  EXPECT_TRUE(none.staging.empty());
  EXPECT_EQ(some.staging, (ByteRange{some.control_bytes, some.control_bytes + 2 * 5 * kPageBytes}));
  EXPECT_EQ(some.arrays[0].offset, none.arrays[0].offset + 2 * 5 * kPageBytes);
  EXPECT_EQ(some.bytes, none.bytes + 2 * 5 * kPageBytes);
  EXPECT_EQ(WindowLayout::make(machine, 1, {.arrays = shapes, .staging_bytes = 5 * kPageBytes}).staging.bytes(),
            5 * kPageBytes);
}

TEST(Machine, KnowsTheRowsOfANode) {
  const Machine machine{{3, 1}, {0, 1}};
  EXPECT_EQ(machine.rows_of_node(10, 0), (RowRange{0, 8}));
  EXPECT_EQ(machine.rows_of_node(10, 1), (RowRange{8, 10}));
  EXPECT_TRUE(machine.rows_of_node(2, 1).empty());
}

}  // namespace
}  // namespace windrow
