#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "array/handover_queue.hpp"
#include "array/node_memory.hpp"
#include "array/slot_stream.hpp"

namespace windrow {

/// A bounded pool of equal slots in a node's window, and the stream of what is handed over in them: only the number of
/// a slot goes from rank to rank. Where no slot is free, the producers wait.
class SlotRing final : public SlotStream {
 public:
  /// In which order consumers get the items: that in which they are published, or that of their tags, which are then
  /// the numbers from 0 on, each once. A producer must have borrowed a slot before it decides on a number: otherwise
  /// all slots can be with those that wait for their turn.
  enum class Order { as_published, by_tag };

  struct Options {
    int producers = 1;  ///< ranks that will close() the ring, once each
    int consumers = 1;  ///< ranks that take() until the end
    Order order = Order::as_published;
  };

  /// Ring `number` of WindowNeeds::rings, whose shape it has; made once. *Collective over* the node. *Cost*: touches
  /// the slots, each rank its share; a cache-line transfer for each borrow(), publish() and take(). *Throws*:
  /// Error(resources), on the calling rank; PeerFailure.
  SlotRing(NodeMemory& memory, const RingShape& shape, std::size_t number, const Options& options);

  [[nodiscard]] std::optional<BorrowedSlot> borrow(Deadline deadline = {}) override;
  bool close(Deadline deadline = {}) override;

  /// Waits until every slot has been given back: once all producers have closed, that all is done. Returns whether it
  /// has.
  bool wait_until_returned(Deadline deadline = {});

 private:
  [[nodiscard]] bool hand_over(const Handover& item, Deadline deadline) override;
  [[nodiscard]] std::optional<Handover> next(Deadline deadline) override;
  [[nodiscard]] std::span<std::byte> slot_to_fill(std::int32_t number) const override;
  [[nodiscard]] std::span<const std::byte> slot_to_read(std::int32_t number) const override;
  void give_up(std::int32_t slot) noexcept override { give_back(slot); }
  void give_back(std::int32_t slot) noexcept override;
  [[nodiscard]] static std::optional<Handover> pop(HandoverQueue& queue, Waits& waits, Deadline deadline);

  NodeMemory* memory_;
  RingShape shape_;
  WindowLayout::Ring layout_;
  Options options_;
  RingWords* words_;
  HandoverQueue free_;
  HandoverQueue filled_;
};

}  // namespace windrow
