#pragma once

#include <cstdint>
#include <span>

#include "mpi/rendezvous.hpp"

namespace windrow {

/// A counter that ranks draw numbers from, on a cache line of its own.
struct alignas(64) TicketWord {
  std::int64_t next;
};

/// What a rank tells the others of its progress, on a cache line of its own.
struct alignas(64) ProgressWord {
  std::int64_t bytes_done;
};

/// The control words at the begin of a window. A view: the words live in the window.
struct ControlWords {
  RendezvousWords* rendezvous = nullptr;
  std::span<ProgressWord> progress;  ///< one a rank of the node
  std::span<TicketWord> tickets;

  /// `window` is zeroed up to control_bytes().
  [[nodiscard]] static ControlWords at(std::byte* window, std::int64_t node_ranks, std::int64_t tickets);
};

[[nodiscard]] std::int64_t control_bytes(std::int64_t node_ranks, std::int64_t tickets);

}  // namespace windrow
