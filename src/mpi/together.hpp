#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "mpi/communicator.hpp"
#include "mpi/failure.hpp"

// How a run stays together. A step runs on every rank and ends with an agreement: what any rank throws in it, all
// throw, as the same AgreedError. A step may hold steps: an error between two inner ones goes to the next agreement,
// whichever that is, and an AgreedError passes through all of them. So one rule is left to keep: messages of all ranks
// begin right after an agreement, with their memory at hand, where nothing is thrown any more.
namespace windrow {

/// Runs a step on every rank and agrees by message, for as long as there is no window (then Rendezvous::together());
/// of several errors the lowest rank's is told. *Collective over* `world`; `body` must keep the rule above.
/// *Throws*: the same AgreedError on all ranks. If another does not come within the grace after an error, the run is
/// aborted with the status of the error.
void together(const WorldComm& world, const std::function<void()>& body);

/// The same within a node, without steps in the step. To the other nodes it is news: *Throws*: the same Error on all
/// ranks of the node.
void together(const NodeComm& node, const std::function<void()>& body);

/// A way to run a step together: one of the two.
using Together = std::function<void(const std::function<void()>& body)>;

/// The text of world rank 0. *Collective over* `world`. *Throws*: as `run_together`.
[[nodiscard]] std::string broadcast(const WorldComm& world, const Together& run_together, std::string text);

/// The parts of all ranks, one after the other, on rank 0; nothing elsewhere. *Collective over* `ranks`. *Cost*: no
/// rank has more than two messages for each doubling of the ranks, and memory for half of all parts at most, but rank
/// 0. *Throws*: as `run_together`.
[[nodiscard]] std::vector<std::byte> gather(const Communicator& ranks, const Together& run_together,
                                            std::span<const std::byte> part);

}  // namespace windrow
