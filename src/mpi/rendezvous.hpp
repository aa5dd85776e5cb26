#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "mpi/topology.hpp"
#include "mpi/waiting.hpp"

namespace windrow {

/// What the ranks of a node meet at, in the node's window.
struct RendezvousWords {
  FailureRecord failure;
  alignas(64) std::uint32_t arrived_to_publish;
  alignas(64) WaitWord publications;
  alignas(64) WaitWord arrived_to_agree;
  alignas(64) WaitWord agreements;
  /// Whether the leader had seen a failure when it ended the last agreement. A rank that is slow to leave must not take
  /// the failure of a later phase, raised by a quicker one, for one of the phase that all have passed.
  std::uint32_t is_failure_agreed;
};

/// Where the ranks meet: publish() within a node, agree() across all of them.
class Rendezvous {
 public:
  /// `words` lie in the window, zeroed, before any rank comes here.
  Rendezvous(const Topology& topology, RendezvousWords& words);

  /// My stores are now readable by the node, everybody's by me. *Collective over* the node.
  /// *Cost*: a barrier inside the window, no message. *Throws*: PeerFailure, on every rank of the node but the failed.
  void publish();

  /// Records that this rank has failed: the others' waits end, and agree() tells everybody.
  void fail(ExitStatus status, const std::string& message) noexcept;

  /// The end of a phase, for every rank, failed or not: a publish() over all nodes. *Collective over* the world.
  /// *Cost*: a barrier in each window, and between nodes an all-reduce of one number.
  /// *Throws*: the same AgreedError on all ranks if any has failed. If one does not come within the grace after a
  /// failure, the run is aborted with the status of the failure.
  void agree();

  /// Runs a step on this rank and agrees at its end, so that what any rank throws in it, all throw, as the same
  /// AgreedError. *Collective over* the world; what `body` may do is told in together.hpp.
  void together(const std::function<void()>& body);

  /// Whether a rank of this node has failed; long loops look at it.
  [[nodiscard]] bool has_failed() const { return is_failure_raised(words_->failure); }
  /// *Throws*: PeerFailure, on the calling rank, if so.
  void throw_if_failed() const;

  [[nodiscard]] Waiter& waiter() { return waiter_; }

 private:
  void agree_between_leaders();

  const Topology* topology_;
  RendezvousWords* words_;
  Waiter waiter_;
};

}  // namespace windrow
