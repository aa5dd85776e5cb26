#include "io/node_shares.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "base/partition.hpp"

namespace windrow::io::test {
namespace {

/// Prime extents; fewer rows than ranks, nodes that have less than a group, or none of it; rows of several groups.
const std::vector<Extents> kExtents{{197, 23},    {1, 1},       {2, 70'001},  {5, 1},       {3, 300'007},
                                    {100'003, 7}, {700'001, 1}, {1, 500'009}, {131'072, 8}, {13, 40'009}};
const std::vector<std::vector<int>> kMachines{{1}, {4}, {1, 1}, {3, 1}, {1, 3}, {2, 2, 2, 1}, {1, 1, 1, 1, 1, 1, 1}};

void for_each_case(const std::function<void(const NodeShares& shares, std::int64_t bytes, int writers)>& test) {
  for (const std::vector<int>& ranks : kMachines)
    for (const Extents& extents : kExtents)
      for (std::int64_t writers = kEveryNode; writers <= std::ssize(ranks) + 1; ++writers) {
        SCOPED_TRACE(fmt::format("{} x {}, {} nodes, {} writers", extents.rows, extents.cols, ranks.size(), writers));
        const ArrayShape shape{"a", ElementType::float64, extents};
        const NodeShares shares({.ranks_per_node = ranks, .host_of_node = {}}, shape, writers);
        test(shares, shape.bytes(), writing_nodes(shares.nodes(), writers));
      }
}

TEST(NodeShares, EveryByteIsWrittenOnceAndInOrder) {
  for_each_case([](const NodeShares& shares, std::int64_t bytes, int writers) {
    std::int64_t has = 0;
    std::int64_t written = 0;
    int writing = 0;
    for (int node = 0; node < shares.nodes(); ++node) {
      EXPECT_EQ(shares.has(node).begin, has);
      has = shares.has(node).end;
      if (!shares.writes(node)) {
        EXPECT_TRUE(shares.written(node).empty());
        EXPECT_TRUE(shares.direct(node).empty());
        EXPECT_TRUE(shares.moved(node).empty());
        continue;
      }
      ++writing;
      EXPECT_EQ(shares.written(node).begin, written);
      EXPECT_EQ(shares.direct(node).begin, written);
      EXPECT_EQ(shares.direct(node).end, shares.moved(node).begin);
      EXPECT_EQ(shares.moved(node).end, shares.written(node).end);
      written = shares.written(node).end;
    }
    EXPECT_EQ(has, bytes);
    EXPECT_EQ(written, bytes);
    EXPECT_EQ(writing, writers);
  });
}

TEST(NodeShares, NoGroupIsWrittenByTwoNodes) {
  for_each_case([](const NodeShares& shares, std::int64_t bytes, int /*writers*/) {
    for (int node = 0; node < shares.nodes(); ++node) {
      const ByteRange written = shares.written(node);
      if (written.empty()) continue;
      EXPECT_EQ(written.begin % kGroupBytes, 0);
      EXPECT_TRUE(written.end % kGroupBytes == 0 || written.end == bytes);
    }
  });
}

TEST(NodeShares, WhatIsWrittenDirectlyIsThere) {
  for_each_case([](const NodeShares& shares, std::int64_t bytes, int writers) {
    for (int node = 0; node < shares.nodes(); ++node) {
      const ByteRange direct = shares.direct(node);
      if (!direct.empty()) {
        EXPECT_EQ(intersect(direct, shares.has(node)), direct);
      }
      // What every node writes of others is the rest of a group.
      if (writers == shares.nodes() && shares.moved(node).end < bytes) {
        EXPECT_LE(shares.moved(node).bytes(), kGroupBytes);
      }
      // Rows go to this node or an earlier one, so that messages cannot wait for each other in a ring.
      for (int other = node + 1; other < shares.nodes(); ++other)
        EXPECT_TRUE(intersect(shares.has(node), shares.written(other)).empty());
    }
  });
}

TEST(NodeShares, NeighboursShareAWriter) {
  const ArrayShape shape{"a", ElementType::float64, {100'003, 7}};
  const auto writers_of = [&](std::int64_t writers) {
    const NodeShares shares({.ranks_per_node = std::vector<int>(7, 1), .host_of_node = {}}, shape, writers);
    std::vector<int> all;
    for (int node = 0; node < 7; ++node) all.push_back(shares.writer_of(node));
    return all;
  };
  EXPECT_EQ(writers_of(kEveryNode), (std::vector{0, 1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(writers_of(9), (std::vector{0, 1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(writers_of(3), (std::vector{0, 0, 0, 3, 3, 5, 5}));
  EXPECT_EQ(writers_of(1), (std::vector{0, 0, 0, 0, 0, 0, 0}));
}

}  // namespace
}  // namespace windrow::io::test
