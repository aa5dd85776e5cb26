#pragma once

#include <string>

#include "mpi/topology.hpp"

// What the other ranks have to do with the temporary that world rank 0 has made.
namespace windrow::io {

/// Finds out, before anything is computed, whether every other node sees the temporary at `path` of world rank 0, and
/// returns that path on all ranks. *Collective over* the world, right after an agreement. *Cost*: a message, and a look
/// at the folder by the other leaders, for some seconds where the file is not there. *Throws*: Error(io), on the
/// leaders of the nodes that do not see it.
[[nodiscard]] std::string share_temporary(const Topology& topology, std::string path);

}  // namespace windrow::io
