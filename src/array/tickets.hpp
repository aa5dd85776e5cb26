#pragma once

#include <cstdint>
#include <span>

#include "array/node_memory.hpp"

namespace windrow {

/// A task counter of a node: its ranks draw the numbers 0, 1, 2, ... from it, each number once. It has a share for each
/// rank of the node, with numbers of its own; who needs no more than one draws from the first.
class TicketCounter {
 public:
  /// Counter `number` of those that were asked for in WindowNeeds.
  TicketCounter(NodeMemory& memory, std::int64_t number);

  /// The next number of the share of a rank of the node. It orders no stores: what was written for a number is there
  /// for others after a publish(). *Cost*: one atomic addition in the window. *Throws*: nothing.
  [[nodiscard]] std::int64_t draw(int node_rank = 0) noexcept;

 private:
  std::span<TicketWord> shares_;
};

}  // namespace windrow
