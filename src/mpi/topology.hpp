#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mpi/communicator.hpp"

namespace windrow {

/// Which ranks there are, which of them share a node, and in which order they own rows.
///
/// The row blocks of a node's ranks must be neighbours, since they lie in one window: ranks are ordered by node first
/// and by node rank within it. A rank's place in that order is its `row_rank`; it equals the world rank unless the
/// launcher deals ranks to the nodes in turn.
struct Topology {
  WorldComm world;
  HostComm host;
  NodeComm node;
  LeaderComm leaders;

  int node_number = 0;
  std::vector<int> ranks_per_node;                 ///< one entry a node
  std::vector<int> host_of_node;                   ///< number of the host each node is on: pretended nodes share one
  std::vector<std::string> host_names;             ///< one entry a host
  std::vector<std::vector<int>> world_ranks = {};  ///< of each node, in the order of node ranks

  /// *Collective over* MPI_COMM_WORLD. Every host is divided into `pretend_nodes` nodes (at most one a rank).
  [[nodiscard]] static Topology discover(int pretend_nodes);

  [[nodiscard]] int world_rank() const { return world.rank(); }
  [[nodiscard]] int node_rank() const { return node.rank(); }
  [[nodiscard]] bool is_leader() const { return node_rank() == 0; }
  [[nodiscard]] int ranks() const { return world.size(); }
  [[nodiscard]] int nodes() const { return static_cast<int>(ranks_per_node.size()); }
  [[nodiscard]] int row_rank() const { return first_row_rank(node_number) + node_rank(); }
  /// Row rank of the leader of a node.
  [[nodiscard]] int first_row_rank(int of_node) const;
};

}  // namespace windrow
