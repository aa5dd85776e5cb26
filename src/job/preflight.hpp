#pragma once

#include "job/plan.hpp"
#include "mpi/topology.hpp"

namespace windrow {

/// Compares what the plan needs with what every host has free and every rank is allowed, and the file with the disk,
/// before anything is allocated; warns of windows on a disk. *Collective over* the world. *Throws*:
/// AgreedError(resources) on all ranks.
void check_resources(const Topology& topology, const LoadedDeck& deck, const Plan& plan);

}  // namespace windrow
