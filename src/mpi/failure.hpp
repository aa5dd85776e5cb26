#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "base/error.hpp"

namespace windrow {

/// The failure word of a node, in its window: the first failure of a phase, seen by every wait of ours.
struct FailureRecord {
  static constexpr std::size_t kMessageBytes = 2048;

  alignas(64) std::uint32_t state;  ///< 0: none, 1: being written, 2: readable
  std::int32_t world_rank;
  std::int32_t status;
  std::uint32_t message_bytes;
  std::uint32_t aborting;  ///< 1: a rank of the node ends the run, and has told why
  std::array<char, kMessageBytes> message;
};

/// Thrown by a wait on the other ranks of a node when one has failed; agree() then tells why.
class PeerFailure : public std::exception {
 public:
  [[nodiscard]] const char* what() const noexcept override { return "another rank failed"; }
};

/// The error of another rank (or of this one), the same on all ranks, once agreed upon.
class AgreedError : public Error {
 public:
  AgreedError(ExitStatus status, int world_rank, const std::string& message)
      : Error(status, message), world_rank_(world_rank) {}
  [[nodiscard]] int world_rank() const noexcept { return world_rank_; }

 private:
  int world_rank_;
};

/// The error that a step ends with, if it ends with one: what a rank tells the others. What they know already passes
/// through: PeerFailure, which another rank tells, and AgreedError.
[[nodiscard]] std::optional<Error> error_of(const std::function<void()>& body);

/// Records a failure unless one is recorded already. Returns whether this one is the first of the node.
bool raise_failure(FailureRecord& record, int world_rank, ExitStatus status, std::string_view message) noexcept;

/// Puts the failure that all nodes have agreed upon in the place of this node's own. By the leader alone, while the
/// others wait for the agreement.
void replace_failure(FailureRecord& record, const FailureRecord& agreed) noexcept;

/// Whether the caller is the first of its node to end the run for this failure: the one that tells.
[[nodiscard]] bool claim_abort(FailureRecord& record) noexcept;

[[nodiscard]] bool is_failure_raised(const FailureRecord& record) noexcept;

/// The recorded failure; waits for a record that is just being written.
[[nodiscard]] AgreedError recorded_failure(const FailureRecord& record);

}  // namespace windrow
