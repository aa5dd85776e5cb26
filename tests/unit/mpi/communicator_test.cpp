#include "mpi/communicator.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "base/error.hpp"
#include "mpi/count.hpp"

namespace windrow {
namespace {

TEST(Communicator, SumsAndFindsExtremesOverAllRanks) {
  const WorldComm world = WorldComm::duplicate();
  const std::int64_t n = world.size();
  const std::int64_t mine = world.rank() + 1;
  EXPECT_EQ(world.sum(mine), n * (n + 1) / 2);
  EXPECT_EQ(world.minimum(mine), 1);
  EXPECT_EQ(world.maximum(mine), n);
  EXPECT_EQ(world.maximum(0.5 * static_cast<double>(mine)), 0.5 * static_cast<double>(n));
}

TEST(Communicator, BroadcastsFromARootThatIsNotZero) {
  const WorldComm world = WorldComm::duplicate();
  const int root = world.size() - 1;
  const std::string text = world.rank() == root ? std::string("deck\0bytes", 10) : "";
  EXPECT_EQ(world.broadcast(text, root), std::string("deck\0bytes", 10));
  EXPECT_EQ(world.broadcast(world.rank() == root ? std::int64_t{42} : -1, root), 42);
}

TEST(Communicator, GathersPartsOfUnequalLengthInRankOrder) {
  const WorldComm world = WorldComm::duplicate();
  const auto part_of = [](int rank) {
    return std::vector<std::byte>(static_cast<std::size_t>(rank % 3), static_cast<std::byte>(rank));
  };
  const std::vector<std::byte> part = part_of(world.rank());
  const GatheredBytes sizes = world.gathered_bytes(std::ssize(part));
  EXPECT_EQ(sizes.own(), std::ssize(part));
  std::vector<std::byte> gathered(static_cast<std::size_t>(sizes.total()));
  std::ranges::copy(part, gathered.begin());
  world.gather(sizes, gathered);
  // Those of the ranks from this one on; of all of them on rank 0.
  std::vector<std::byte> expected;
  for (int rank = world.rank(); rank < world.size(); ++rank) {
    const std::vector<std::byte> other = part_of(rank);
    expected.insert(expected.end(), other.begin(), other.end());
  }
  ASSERT_LE(gathered.size(), expected.size());
  if (world.rank() == 0) {
    EXPECT_EQ(gathered.size(), expected.size());
  }
  expected.resize(gathered.size());
  EXPECT_EQ(gathered, expected);
}

TEST(Communicator, GathersTextsOfUnequalLengthOnAllRanks) {
  const WorldComm world = WorldComm::duplicate();
  const std::vector<std::string> all = world.all_gather(std::string(static_cast<std::size_t>(world.rank()), 'x'));
  ASSERT_EQ(std::ssize(all), world.size());
  for (int rank = 0; rank < world.size(); ++rank) EXPECT_EQ(std::ssize(all[static_cast<std::size_t>(rank)]), rank);
}

TEST(Communicator, NodeCommsDivideAHostIntoNeighbours) {
  const WorldComm world = WorldComm::duplicate();
  const HostComm host = HostComm::split(world);
  EXPECT_EQ(host.size(), world.size()) << "the tests run on one host";
  for (const int groups : {1, 2, 3, 100}) {
    const NodeComm node = NodeComm::split(host, groups);
    const std::int64_t leaders = world.sum(std::int64_t{node.rank() == 0 ? 1 : 0});
    EXPECT_EQ(leaders, std::min(groups, world.size()));
    EXPECT_EQ(node.broadcast(std::int64_t{world.rank()}, 0) + node.rank(), world.rank());
  }
}

TEST(MpiCount, RefusesWhatDoesNotFitIntoAnInt) {
  EXPECT_EQ(mpi_count(2147483647), 2147483647);
  EXPECT_THROW((void)mpi_count(2147483648), Error);
  EXPECT_THROW((void)mpi_count(-1), Error);
}

}  // namespace
}  // namespace windrow
