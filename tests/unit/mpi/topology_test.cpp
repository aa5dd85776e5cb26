#include "mpi/topology.hpp"

#include <gtest/gtest.h>

#include <numeric>

namespace windrow {
namespace {

TEST(Topology, OneHostIsOneNode) {
  const Topology topology = Topology::discover(1);
  EXPECT_EQ(topology.nodes(), 1);
  EXPECT_EQ(topology.ranks_per_node.front(), topology.ranks());
  EXPECT_EQ(topology.row_rank(), topology.world_rank());
  EXPECT_EQ(topology.is_leader(), topology.world_rank() == 0);
  EXPECT_EQ(topology.host_names.size(), 1U);
}

TEST(Topology, PretendedNodesShareTheHostAndTogetherHaveAllRanks) {
  for (const int pretended : {2, 3, 5}) {
    const Topology topology = Topology::discover(pretended);
    EXPECT_EQ(topology.nodes(), std::min(pretended, topology.ranks()));
    EXPECT_EQ(std::accumulate(topology.ranks_per_node.begin(), topology.ranks_per_node.end(), 0), topology.ranks());
    EXPECT_EQ(topology.host_of_node, std::vector<int>(static_cast<std::size_t>(topology.nodes()), 0));
    EXPECT_EQ(topology.node.size(), topology.ranks_per_node[static_cast<std::size_t>(topology.node_number)]);
    if (topology.is_leader()) {
      EXPECT_EQ(topology.leaders.size(), topology.nodes());
    }
  }
}

}  // namespace
}  // namespace windrow
