#include "array/groups.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <vector>

#include "base/partition.hpp"

namespace windrow {
namespace {

/// Of an array that ends within a group, whose row blocks begin and end within groups, and whose nodes may have less
/// than one.
const std::vector<Extents> kExtents{{197, 23}, {3, 300'001}, {100'003, 7}, {700'001, 1}, {1, 500'000}};

void for_each_array(const std::function<void(const Topology&, SharedArray&)>& test) {
  for (const int pretended : {1, 2, 3}) {
    const Topology topology = Topology::discover(pretended);
    for (const Extents& extents : kExtents) {
      const ArrayShape other{"other", ElementType::int32, {1'000'003, 1}};
      const ArrayShape shape{"a", ElementType::float64, extents};
      NodeMemory memory(topology, {.arrays = {other, shape}});
      SharedArray array(memory, shape, 1);
      test(topology, array);
      memory.together([] {});
    }
  }
}

TEST(NodeGroups, EveryByteOfTheArrayIsInOneGroupOfOneNode) {
  for_each_array([](const Topology& topology, SharedArray& array) {
    const NodeGroups groups(array);
    std::int64_t bytes = 0;
    std::int64_t whole = 0;
    for (std::int64_t group = groups.begin(); group < groups.end(); ++group) {
      const ByteRange range = groups.bytes_of(group);
      EXPECT_EQ(range.begin / kGroupBytes, group);
      EXPECT_EQ((range.end - 1) / kGroupBytes, group);
      bytes += range.bytes();
      if (groups.is_whole(group)) ++whole;
    }
    EXPECT_EQ(bytes, array.node_rows().rows() * array.row_bytes());
    const std::int64_t all = group_count(array.extents().bytes(array.type()));
    const std::int64_t whole_of_all = topology.world.sum(topology.is_leader() ? whole : std::int64_t{0});
    if (topology.nodes() == 1)
      EXPECT_EQ(whole_of_all, all);
    else
      EXPECT_GE(whole_of_all, all - (topology.nodes() - 1));
  });
}

TEST(NodeGroups, WhoFillsTheLastBytesOfAGroupWritesItAndNobodyElse) {
  for_each_array([](const Topology& topology, SharedArray& array) {
    NodeGroups groups(array);
    const RowRange rows = array.row_block();
    std::vector<std::int64_t> given(static_cast<std::size_t>(groups.end() - groups.begin()), 0);
    // Each rank's rows in uneven pieces.
    const std::int64_t end = rows.end * array.row_bytes();
    for (std::int64_t begin = rows.begin * array.row_bytes(); begin < end;) {
      const std::int64_t group = begin / kGroupBytes;
      const std::int64_t piece = std::min({begin + 100'003, end, (group + 1) * kGroupBytes}) - begin;
      if (groups.fill(group, piece)) {
        ++given[static_cast<std::size_t>(group - groups.begin())];
        groups.checksum(group) = static_cast<std::uint64_t>(7 * group + 1);
      }
      begin += piece;
    }
    array.memory().publish();
    for (std::int64_t group = groups.begin(); group < groups.end(); ++group) {
      EXPECT_EQ(topology.node.sum(given[static_cast<std::size_t>(group - groups.begin())]), 1) << group;
      EXPECT_EQ(groups.checksum(group), static_cast<std::uint64_t>(7 * group + 1));
      EXPECT_FALSE(groups.take(group)) << "it has been written";
    }
  });
}

TEST(NodeGroups, WhatNobodyHasWrittenIsTakenOnce) {
  for_each_array([](const Topology& topology, SharedArray& array) {
    NodeGroups groups(array);
    // Every third has been filled in part, which was not its end.
    if (topology.is_leader()) {
      for (std::int64_t group = groups.begin(); group < groups.end(); group += 3) EXPECT_FALSE(groups.fill(group, 1));
    }
    array.memory().publish();
    std::vector<std::int64_t> taken;
    for (std::int64_t group = groups.begin(); group < groups.end(); ++group)
      taken.push_back(groups.take(group) ? 1 : 0);
    for (const std::int64_t mine : taken) EXPECT_EQ(topology.node.sum(mine), 1);
  });
}

}  // namespace
}  // namespace windrow
