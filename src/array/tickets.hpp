#pragma once

#include <cstdint>

#include "array/node_memory.hpp"

namespace windrow {

/// The task counter of a node: its ranks draw the numbers 0, 1, 2, ... from it, each number once.
class TicketCounter {
 public:
  /// Counter `number` of those that were asked for in NodeMemory::Options.
  TicketCounter(NodeMemory& memory, std::int64_t number);

  /// The next number. It orders no stores: what was written for a number is there for others after a publish().
  /// *Cost*: one atomic addition in the window. *Throws*: nothing.
  [[nodiscard]] std::int64_t draw() noexcept;

 private:
  TicketWord* word_;
};

}  // namespace windrow
