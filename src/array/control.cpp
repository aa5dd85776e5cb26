#include "array/control.hpp"

#include <bit>

#include "base/error.hpp"
#include "base/extents.hpp"
#include "mpi/pages.hpp"

namespace windrow {

std::int64_t RingWords::places(const RingShape& shape, int ranks) {
  constexpr std::int64_t spare = 64;
  constexpr std::int64_t most = std::int64_t{1} << 30;  // their numbers have 32 bits
  if (shape.slots < 1 || shape.slots > most)
    throw Error(ExitStatus::usage, "a ring of {} slots; it has from 1 to {}", shape.slots, most);
  return static_cast<std::int64_t>(std::bit_ceil(static_cast<std::uint64_t>(shape.slots + ranks + spare)));
}

std::int64_t RingWords::lines(const RingShape& shape, int ranks) {
  static_assert(sizeof(RingWords) % sizeof(QueuePlace) == 0);
  return checked_add(checked_multiply(2, places(shape, ranks)), sizeof(RingWords) / sizeof(QueuePlace));
}

ControlWords ControlWords::at(std::byte* window, const ControlCounts& counts) {
  // Zeroed memory of types without constructors: their lifetime begins with the bytes.
  auto* const rendezvous = reinterpret_cast<RendezvousWords*>(window);
  auto* const progress = reinterpret_cast<ProgressWord*>(rendezvous + 1);
  auto* const tickets = reinterpret_cast<TicketWord*>(progress + counts.ranks);
  auto* const extents = reinterpret_cast<PageBits*>(tickets + counts.tickets * counts.ranks);
  auto* const ring_lines = reinterpret_cast<QueuePlace*>(extents + counts.extents);
  auto* const groups = reinterpret_cast<GroupWord*>(ring_lines + counts.ring_lines);
  return {rendezvous,
          {progress, static_cast<std::size_t>(counts.ranks)},
          {tickets, static_cast<std::size_t>(counts.tickets * counts.ranks)},
          {extents, static_cast<std::size_t>(counts.extents)},
          {ring_lines, static_cast<std::size_t>(counts.ring_lines)},
          {groups, static_cast<std::size_t>(counts.groups)}};
}

std::int64_t control_bytes(const ControlCounts& counts) {
  std::int64_t bytes = sizeof(RendezvousWords);
  bytes = checked_add(bytes, checked_multiply(counts.ranks, sizeof(ProgressWord)));
  bytes = checked_add(bytes, checked_multiply(checked_multiply(counts.tickets, counts.ranks), sizeof(TicketWord)));
  bytes = checked_add(bytes, checked_multiply(counts.extents, sizeof(PageBits)));
  bytes = checked_add(bytes, checked_multiply(counts.ring_lines, sizeof(QueuePlace)));
  bytes = checked_add(bytes, checked_multiply(counts.groups, sizeof(GroupWord)));
  return round_up(bytes, kPageBytes);
}

}  // namespace windrow
