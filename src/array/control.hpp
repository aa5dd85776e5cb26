#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "array/handover_queue.hpp"
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

/// The words of a ring of slots: two queues of slot numbers, of those that are free and of those that are filled.
struct RingWords {
  QueueWords free;
  QueueWords filled;
  alignas(64) std::uint64_t published;  ///< items, of the producers that have closed the ring
  std::uint32_t closed;                 ///< how many producers have

  /// Places of each queue: more than slots, ends for all ranks, and items without a slot take, so that whoever fills
  /// one looks seldom how far the others have read. *Throws*: Error(usage), on the calling rank, for no slots, or more
  /// than there can be numbers for.
  [[nodiscard]] static std::int64_t places(const RingShape& shape, int ranks);
  /// Cache lines for the words and the places of both queues.
  [[nodiscard]] static std::int64_t lines(const RingShape& shape, int ranks);
};

/// The control words at the begin of a window. A view: the words live in the window.
struct ControlWords {
  RendezvousWords* rendezvous = nullptr;
  std::span<ProgressWord> progress;  ///< one a rank of the node
  std::span<TicketWord> tickets;     ///< one a counter and rank of the node
  std::span<PageBits> extents;       ///< of all arrays
  std::span<QueuePlace> ring_lines;  ///< of all rings
  std::span<GroupWord> groups;       ///< of all arrays

  /// `window` is zeroed up to control_bytes().
  [[nodiscard]] static ControlWords at(std::byte* window, const ControlCounts& counts);
};

/// *Throws*: Error(usage), on the calling rank, on overflow.
[[nodiscard]] std::int64_t control_bytes(const ControlCounts& counts);

}  // namespace windrow
