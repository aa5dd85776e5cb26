#pragma once

#include <mpi.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>

#include "mpi/failure.hpp"

namespace windrow {

/// A word in a window that ranks wait on until it changes, and the number of ranks asleep on it.
struct WaitWord {
  std::uint32_t value;
  std::uint32_t sleepers;
};

using Deadline = std::optional<std::chrono::steady_clock::time_point>;

/// What a wait does when a rank of the node has failed: end, or go on for a while and then end the run with the status
/// of the failure, since a rank that does not come hangs (in a message, say).
enum class OnFailure { throw_peer_failure, abort_after_grace };

/// The one primitive for every wait of ours: spins briefly, then sleeps on a process-shared futex with a time-out, and
/// looks at the failure word in between.
class Waiter {
 public:
  /// `sharing_ranks` is the number of ranks on this host: more than the processors, and spinning would only keep the
  /// one waited for from running.
  Waiter(FailureRecord& failure, int sharing_ranks);

  /// Called every kNap while a wait lasts, by the rank that waits (progress, for one).
  void on_idle(std::function<void()> idle) { idle_ = std::move(idle); }

  /// Waits until `word.value` differs from `seen`, or to the deadline: returns whether it differs. *Cost*: a cache-line
  /// transfer; less than 1 % of a processor when it lasts. *Throws*: PeerFailure, on the calling rank, if asked to.
  bool wait_while(WaitWord& word, std::uint32_t seen, OnFailure on_failure, Deadline deadline = {}) const;

  /// The spin alone, with which a wait begins: whether `word.value` differs by its end. *Throws*: nothing.
  [[nodiscard]] bool spin_while(const WaitWord& word, std::uint32_t seen) const noexcept;

  /// Waits until `ready` holds, by looking every now and then: for what no futex tells, such as a message. Returns
  /// whether it does. *Throws* as above.
  bool poll_until(const std::function<bool()>& ready, OnFailure on_failure, Deadline deadline = {}) const;

  /// Waits for a message of ranks that come in any case, if they do not hang.
  void wait_for_message(MPI_Request& request) const;

 private:
  void idle(OnFailure on_failure) const;

  FailureRecord* failure_;
  int spins_;
  mutable std::optional<std::chrono::steady_clock::time_point> failure_seen_;
  std::function<void()> idle_;
};

/// Gives `word` a new value and wakes those who wait for it. Stores before the call are visible to them.
void store_and_wake(WaitWord& word, std::uint32_t value) noexcept;

/// Adds one, and wakes likewise. Returns the new value.
std::uint32_t add_and_wake(WaitWord& word) noexcept;

[[nodiscard]] std::uint32_t load(const WaitWord& word) noexcept;

}  // namespace windrow
