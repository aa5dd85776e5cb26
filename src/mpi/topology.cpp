#include "mpi/topology.hpp"

#include <algorithm>
#include <numeric>

namespace windrow {
namespace {

/// Numbers the distinct values of `first` in the order in which they appear: a group is known by its first world rank.
std::vector<int> number_groups(const std::vector<std::int64_t>& first) {
  std::vector<int> numbers(first.size());
  int groups = 0;
  for (std::size_t rank = 0; rank < first.size(); ++rank) {
    const auto leader = static_cast<std::size_t>(first[rank]);
    numbers[rank] = leader == rank ? groups++ : numbers[leader];
  }
  return numbers;
}

}  // namespace

Topology Topology::discover(int pretend_nodes) {
  WorldComm world = WorldComm::duplicate();
  HostComm host = HostComm::split(world);
  NodeComm node = NodeComm::split(host, pretend_nodes);
  LeaderComm leaders = LeaderComm::split(world, node.rank() == 0);

  const std::int64_t own_world_rank = world.rank();
  const std::vector<int> node_of_world = number_groups(world.all_gather(node.broadcast(own_world_rank, 0)));
  const std::vector<int> host_of_world = number_groups(world.all_gather(host.broadcast(own_world_rank, 0)));
  const std::vector<std::string> names = world.all_gather(processor_name());

  Topology topology{std::move(world), std::move(host), std::move(node), std::move(leaders), 0, {}, {}, {}};
  topology.node_number = node_of_world[static_cast<std::size_t>(own_world_rank)];
  const auto nodes = static_cast<std::size_t>(*std::ranges::max_element(node_of_world)) + 1;
  const auto hosts = static_cast<std::size_t>(*std::ranges::max_element(host_of_world)) + 1;
  topology.ranks_per_node.assign(nodes, 0);
  topology.world_ranks.assign(nodes, {});
  topology.host_of_node.assign(nodes, 0);
  topology.host_names.assign(hosts, {});
  for (std::size_t rank = 0; rank < names.size(); ++rank) {
    const auto node_number = static_cast<std::size_t>(node_of_world[rank]);
    ++topology.ranks_per_node[node_number];
    topology.world_ranks[node_number].push_back(static_cast<int>(rank));
    topology.host_of_node[node_number] = host_of_world[rank];
    topology.host_names[static_cast<std::size_t>(host_of_world[rank])] = names[rank];
  }
  return topology;
}

int Topology::first_row_rank(int of_node) const {
  return std::accumulate(ranks_per_node.begin(), ranks_per_node.begin() + of_node, 0);
}

}  // namespace windrow
