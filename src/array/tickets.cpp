#include "array/tickets.hpp"

#include <atomic>

namespace windrow {

TicketCounter::TicketCounter(NodeMemory& memory, std::int64_t number)
    : word_(&memory.control().tickets[static_cast<std::size_t>(number)]) {}

std::int64_t TicketCounter::draw() noexcept {
  return std::atomic_ref(word_->next).fetch_add(1, std::memory_order_relaxed);
}

}  // namespace windrow
