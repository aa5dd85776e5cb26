#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "array/layout.hpp"
#include "mpi/pages.hpp"
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

inline constexpr std::int64_t kExtentPages = kExtentBytes / kPageBytes;

/// Which pages of 2 MiB of an array have been touched, a bit each: see TouchedPages.
struct alignas(64) PageBits {
  std::array<std::uint64_t, kExtentPages / 64> words;
};

/// What the ranks of a node know of a group of an array's bytes: see NodeGroups.
struct GroupWord {
  std::int64_t bytes_filled;
  std::uint64_t checksum;
};

/// The control words at the begin of a window. A view: the words live in the window.
struct ControlWords {
  RendezvousWords* rendezvous = nullptr;
  std::span<ProgressWord> progress;  ///< one a rank of the node
  std::span<TicketWord> tickets;     ///< one a counter and rank of the node
  std::span<PageBits> extents;       ///< of all arrays
  std::span<GroupWord> groups;       ///< of all arrays

  /// `window` is zeroed up to control_bytes().
  [[nodiscard]] static ControlWords at(std::byte* window, const ControlCounts& counts);
};

/// *Throws*: Error(usage), on the calling rank, on overflow.
[[nodiscard]] std::int64_t control_bytes(const ControlCounts& counts);

}  // namespace windrow
