#include "array/touched_pages.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "array/node_memory.hpp"

namespace windrow {
namespace {

TEST(TouchedPages, TellsTheGapsInOrder) {
  std::vector<PageBits> bits(1);
  TouchedPages touched(bits);
  const std::int64_t page = kPageBytes;
  EXPECT_EQ(touched.first_gap({10, 20}), (ByteRange{10, 20}));
  EXPECT_EQ(touched.first_gap({10, 10}), std::nullopt);
  touched.add({page + 10, page + 20});
  touched.add({2 * page - 1, 2 * page});
  touched.add({70 * page - 1, 70 * page + 1});
  touched.add({90 * page, 90 * page});
  EXPECT_EQ(touched.first_gap({page, 2 * page}), std::nullopt) << "a page is touched as a whole";
  EXPECT_EQ(touched.first_gap({5, 2 * page}), (ByteRange{5, page}));
  EXPECT_EQ(touched.first_gap({page + 3, 80 * page}), (ByteRange{2 * page, 69 * page}));
  EXPECT_EQ(touched.first_gap({69 * page, 71 * page}), std::nullopt);
  EXPECT_EQ(touched.first_gap({70 * page + 7, 100 * page + 7}), (ByteRange{71 * page, 100 * page + 7}));
  touched.add({0, 512 * page});
  EXPECT_EQ(touched.first_gap({0, 512 * page}), std::nullopt);
}

TEST(TouchedPages, ForgetsNothingAndInventsNothing) {
  constexpr std::int64_t pages = 3 * kExtentPages;
  std::mt19937_64 random(20240607);
  const auto below = [&](std::int64_t end) {
    return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(end));
  };
  for (int round = 0; round < 100; ++round) {
    std::vector<PageBits> bits(pages / kExtentPages);
    TouchedPages touched(bits);
    std::vector<bool> is_touched(pages, false);
    for (int n = 0; n < 40; ++n) {
      const std::int64_t begin = below(pages * kPageBytes);
      const ByteRange added{begin, std::min(pages * kPageBytes, begin + below(100 * kPageBytes))};
      touched.add(added);
      for (std::int64_t byte = added.begin; byte < added.end; byte += kPageBytes - byte % kPageBytes)
        is_touched[static_cast<std::size_t>(byte / kPageBytes)] = true;
      // All gaps of any range, one after the other, are what has not been touched of it.
      const std::int64_t first = below(pages * kPageBytes);
      const std::int64_t end = first + below(pages * kPageBytes + 1 - first);
      std::int64_t next = first;
      for (;;) {
        const std::optional<ByteRange> gap = touched.first_gap({next, end});
        const ByteRange found = gap.value_or(ByteRange{end, end});
        for (std::int64_t byte = next; byte < found.begin; byte += kPageBytes - byte % kPageBytes)
          ASSERT_TRUE(is_touched[static_cast<std::size_t>(byte / kPageBytes)]);
        for (std::int64_t byte = found.begin; byte < found.end; byte += kPageBytes - byte % kPageBytes)
          ASSERT_FALSE(is_touched[static_cast<std::size_t>(byte / kPageBytes)]);
        ASSERT_LE(found.end, end);
        if (!gap) break;
        ASSERT_GE(gap->begin, next);
        ASSERT_GT(gap->end, gap->begin);
        next = gap->end;
      }
    }
  }
}

TEST(TouchedPages, RanksNoteTheirPagesAtOnce) {
  // Each rank has every so many pages: all of them write every word.
  const Topology topology = Topology::discover(1);
  const ArrayShape shape{"a", ElementType::float64, {100 * kExtentPages, kPageBytes / 8}};
  NodeMemory memory(topology, {.arrays = {shape}});
  TouchedPages touched(memory.control().extents);
  topology.world.barrier();
  for (std::int64_t page = topology.node_rank(); page < shape.extents.rows; page += topology.node.size())
    touched.add({page * kPageBytes, (page + 1) * kPageBytes});
  memory.publish();
  EXPECT_EQ(touched.first_gap({0, shape.extents.rows * kPageBytes}), std::nullopt);
  memory.publish();
}

}  // namespace
}  // namespace windrow
