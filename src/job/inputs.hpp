#pragma once

#include <vector>

#include "io/input_dataset.hpp"
#include "mpi/topology.hpp"

namespace windrow {

/// Finds out whether all ranks have opened the same files: those that still have their names, and on every host files
/// of the size of world rank 0's, and of its contents at 64 places, be it a copy. *Collective over* the world. *Cost*:
/// 64 short reads a file on every node. *Throws*: Error(io), on all ranks.
void check_inputs(const Topology& topology, const std::vector<const io::InputDataset*>& inputs);

}  // namespace windrow
