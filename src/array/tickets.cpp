#include "array/tickets.hpp"

#include <atomic>

namespace windrow {

TicketCounter::TicketCounter(NodeMemory& memory, std::int64_t number)
    : shares_(memory.control().tickets.subspan(static_cast<std::size_t>(number * memory.layout().control.ranks),
                                               static_cast<std::size_t>(memory.layout().control.ranks))) {}

std::int64_t TicketCounter::draw(int node_rank) noexcept {
  return std::atomic_ref(shares_[static_cast<std::size_t>(node_rank)].next).fetch_add(1, std::memory_order_relaxed);
}

}  // namespace windrow
