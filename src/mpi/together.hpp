#pragma once

#include <functional>

#include "mpi/communicator.hpp"
#include "mpi/failure.hpp"

namespace windrow {

/// Runs a step on every rank and agrees by message, for as long as there is no window (then Rendezvous::together()):
/// what any rank throws, all throw, as the same AgreedError; of several the lowest rank's.
/// *Collective over* `world`; `body` must be local.
void together(const WorldComm& world, const std::function<void()>& body);

}  // namespace windrow
