#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "mpi/communicator.hpp"
#include "mpi/waiting.hpp"

namespace windrow {

/// Messages between two ranks at a time within a phase, which waits for them as for all else: it looks at the failure
/// word. Messages of one kind from one rank to another come in order.
class Mail {
 public:
  /// Kinds of messages are numbers from `first_kind` on, which nothing else uses at the same time. Local.
  Mail(const Communicator& ranks, const Waiter& waiter, int first_kind)
      : ranks_(&ranks), waiter_(&waiter), first_kind_(first_kind) {}

  /// Sends a message, in pieces if it is long, to a rank that will receive as many bytes of the kind. Returns when
  /// `bytes` can be used again, or false if the deadline comes first: then no more can be sent. *Throws*: PeerFailure,
  /// on the calling rank.
  [[nodiscard]] bool send(int kind, std::span<const std::byte> bytes, int destination, Deadline deadline) const;

  /// Receives a message from `source`. Returns whether it has come before the deadline. *Throws*: likewise.
  [[nodiscard]] bool receive(int kind, std::span<std::byte> bytes, int source, Deadline deadline) const;
  /// The same of any rank, of at most a piece: tells of which.
  [[nodiscard]] std::optional<int> receive_from_any(int kind, std::span<std::byte> bytes, Deadline deadline) const;

 private:
  const Communicator* ranks_;
  const Waiter* waiter_;
  int first_kind_;
};

}  // namespace windrow
