#pragma once

#include <string>

#include "mpi/topology.hpp"

// What the other ranks have to do with the temporary that world rank 0 has made.
namespace windrow::io {

/// Finds out, before anything is computed, whether this node sees the temporary at `path` of world rank 0. Local.
/// *Cost*: a look at the folder, for some seconds where the file is not there. *Throws*: Error(io), on the calling
/// rank.
void check_sees_temporary(const Topology& topology, const std::string& path);

}  // namespace windrow::io
