#include "job/preflight.hpp"

#include "mpi/together.hpp"

namespace windrow {

void check_resources(const Topology& topology, const Plan& plan) {
  together(topology.world, [&] {
    if (topology.host.rank() != 0) return;
    const int host = topology.host_of_node[static_cast<std::size_t>(topology.node_number)];
    if (const auto shortage =
            find_shortage(plan, host, topology.host_names[static_cast<std::size_t>(host)], find_host_resources()))
      throw Error(ExitStatus::resources, *shortage);
  });
  together(topology.world, [&] {
    if (topology.world_rank() != 0) return;
    if (const auto shortage = find_disk_shortage(plan)) throw Error(ExitStatus::resources, *shortage);
  });
}

}  // namespace windrow
