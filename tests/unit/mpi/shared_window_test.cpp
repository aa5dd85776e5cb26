#include "mpi/shared_window.hpp"

#include <gtest/gtest.h>
#include <sys/prctl.h>

#include <algorithm>

#include "base/extents.hpp"
#include "base/partition.hpp"
#include "base/units.hpp"

namespace windrow {
namespace {

std::uint64_t address(const std::byte* pointer) {
  return reinterpret_cast<std::uint64_t>(pointer);
}

/// Every rank touches and fills its part with its number; then each rank looks at all of it.
void fill_and_check(const Topology& topology, std::int64_t bytes, PageMode pages, PageCounts* counts = nullptr) {
  SharedWindow window(topology.node, {.bytes = bytes, .control_bytes = 0, .pages = pages});
  const int ranks = topology.node.size();
  const auto part = [&](int rank) { return row_block(bytes, ranks, rank); };
  const RowRange own = part(topology.node_rank());
  EXPECT_GE(window.touch(own.begin, own.end), own.end);
  std::fill(window.data() + own.begin, window.data() + own.end, static_cast<std::byte>(topology.node_rank() + 1));
  topology.node.barrier();
  for (int rank = 0; rank < ranks; ++rank) {
    const RowRange range = part(rank);
    EXPECT_EQ(std::count(window.data() + range.begin, window.data() + range.end, static_cast<std::byte>(rank + 1)),
              range.rows());
  }
  topology.node.barrier();
  if (counts != nullptr) *counts = window.pages();
}

TEST(SharedWindow, AllRanksSeeWhatEachWroteInEveryPageMode) {
  for (const int pretended : {1, 2}) {
    const Topology topology = Topology::discover(pretended);
    for (const PageMode pages : {PageMode::automatic, PageMode::collapse, PageMode::populate, PageMode::read})
      for (const std::int64_t bytes : {kPageBytes, 3 * kPageBytes, 4 * kMiB, 10 * kMiB + kPageBytes})
        fill_and_check(topology, bytes, pages);
  }
}

TEST(SharedWindow, BeginsAtAPageAndALargeOneAtAnExtent) {
  const Topology topology = Topology::discover(1);
  const SharedWindow small(topology.node, {.bytes = kPageBytes});
  EXPECT_EQ(address(small.data()) % static_cast<std::uint64_t>(kPageBytes), 0U);
  const SharedWindow large(topology.node, {.bytes = 4 * kMiB});
  EXPECT_EQ(address(large.data()) % static_cast<std::uint64_t>(kExtentBytes), 0U);
  EXPECT_EQ(large.has_alias(), topology.node.size() > 1) << "a single rank's memory is its own";
}

TEST(SharedWindow, TheModeAskedForIsTheOneThatIsCounted) {
  const Topology topology = Topology::discover(1);
  PageCounts counts;
  fill_and_check(topology, 8 * kMiB, PageMode::populate, &counts);
  EXPECT_EQ(counts.huge, 0);
  EXPECT_EQ(counts.read, 0);
  EXPECT_GE(counts.populated, 8 * kMiB / topology.ranks());
  fill_and_check(topology, 8 * kMiB, PageMode::read, &counts);
  EXPECT_EQ(counts.huge + counts.populated, 0);
  EXPECT_GE(counts.read, 8 * kMiB / topology.ranks());
}

TEST(SharedWindow, WhereHugePagesAreForbiddenSmallOnesAreTaken) {
  const Topology topology = Topology::discover(1);
  ASSERT_EQ(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0), 0);
  PageCounts counts;
  fill_and_check(topology, 8 * kMiB, PageMode::automatic, &counts);
  ASSERT_EQ(prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0), 0);
  if (topology.node.size() > 1) {
    EXPECT_EQ(counts.huge, 0);
  }
  EXPECT_GE(counts.huge + counts.populated + counts.read, 8 * kMiB / topology.ranks());
}

TEST(SharedWindow, ControlBytesAreZero) {
  const Topology topology = Topology::discover(1);
  for (int again = 0; again < 3; ++again) {
    SharedWindow window(topology.node, {.bytes = 2 * kPageBytes, .control_bytes = 2 * kPageBytes});
    EXPECT_EQ(std::count(window.data(), window.data() + 2 * kPageBytes, std::byte{0}), 2 * kPageBytes);
    topology.node.barrier();
    // Memory of a single rank comes from malloc, which gives back what was freed with its old bytes.
    if (topology.is_leader()) std::fill(window.data(), window.data() + 2 * kPageBytes, std::byte{0xff});
  }
}

TEST(FirstTouch, ReadModeLeavesTheNeighboursBytesOfASharedPage) {
  const Topology topology = Topology::discover(1);
  SharedWindow window(topology.node, {.bytes = kPageBytes, .control_bytes = 0, .pages = PageMode::read});
  if (topology.is_leader()) {
    window.touch(0, 100);
    std::fill(window.data(), window.data() + 100, std::byte{7});
  }
  topology.node.barrier();
  if (topology.node_rank() == topology.node.size() - 1) window.touch(100, 200);
  topology.node.barrier();
  EXPECT_EQ(std::count(window.data(), window.data() + 100, std::byte{7}), 100);
}

TEST(PageCounts, AreDescribedInWords) {
  EXPECT_EQ(describe({.huge = 480'000'000}), "480.0 MB in 2 MiB pages");
  EXPECT_EQ(describe({.huge = 2'000'000, .populated = 4096}),
            "2.0 MB in 2 MiB pages, 4.1 kB in 4 KiB pages (populated)");
  EXPECT_EQ(describe({}), "none touched");
}

}  // namespace
}  // namespace windrow
