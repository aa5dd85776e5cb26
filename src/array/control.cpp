#include "array/control.hpp"

#include "base/extents.hpp"
#include "mpi/pages.hpp"

namespace windrow {

ControlWords ControlWords::at(std::byte* window, std::int64_t node_ranks, std::int64_t tickets) {
  // Zeroed memory of types without constructors: their lifetime begins with the bytes.
  auto* const rendezvous = reinterpret_cast<RendezvousWords*>(window);
  auto* const progress = reinterpret_cast<ProgressWord*>(rendezvous + 1);
  auto* const ticket_words = reinterpret_cast<TicketWord*>(progress + node_ranks);
  return {
      rendezvous, {progress, static_cast<std::size_t>(node_ranks)}, {ticket_words, static_cast<std::size_t>(tickets)}};
}

std::int64_t control_bytes(std::int64_t node_ranks, std::int64_t tickets) {
  const auto words = static_cast<std::int64_t>(sizeof(RendezvousWords)) +
                     checked_multiply(node_ranks, static_cast<std::int64_t>(sizeof(ProgressWord))) +
                     checked_multiply(tickets, static_cast<std::int64_t>(sizeof(TicketWord)));
  return round_up(words, kPageBytes);
}

}  // namespace windrow
