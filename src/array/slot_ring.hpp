#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include "array/handover_queue.hpp"
#include "array/node_memory.hpp"

namespace windrow {

class SlotRing;

/// A slot that this rank has borrowed, to be filled in place and published. One that is given up goes back unread.
class BorrowedSlot {
 public:
  BorrowedSlot(BorrowedSlot&& other) noexcept : ring_(std::exchange(other.ring_, nullptr)), slot_(other.slot_) {}
  BorrowedSlot& operator=(BorrowedSlot&&) = delete;
  ~BorrowedSlot();

  [[nodiscard]] std::span<std::byte> bytes() const;

 private:
  friend class SlotRing;
  BorrowedSlot(SlotRing& ring, std::int32_t slot) : ring_(&ring), slot_(slot) {}

  SlotRing* ring_;
  std::int32_t slot_;
};

/// What a consumer has taken: a slot, to be read in place, which goes back when this object ends; or an item without
/// one.
class TakenItem {
 public:
  TakenItem(TakenItem&& other) noexcept : ring_(std::exchange(other.ring_, nullptr)), item_(other.item_) {}
  TakenItem& operator=(TakenItem&&) = delete;
  ~TakenItem();

  [[nodiscard]] std::int64_t tag() const { return item_.tag; }
  [[nodiscard]] bool has_slot() const { return item_.kind == Handover::Kind::slot; }
  /// Of the slot; nothing without one.
  [[nodiscard]] std::span<const std::byte> bytes() const;
  /// What came with the tag.
  [[nodiscard]] std::span<const std::byte, Handover::kSmallBytes> small_bytes() const { return item_.bytes; }

 private:
  friend class SlotRing;
  TakenItem(SlotRing& ring, const Handover& item) : ring_(&ring), item_(item) {}

  SlotRing* ring_;
  Handover item_;
};

/// A bounded pool of equal slots in a node's window, and the stream of what is handed over in them: a producer borrows
/// a free slot, fills it in place and hands over its number; a consumer reads it in place and gives it back. Where no
/// slot is free, the producers wait.
class SlotRing {
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

  /// How often this rank has waited for the others, and how long; not counted is what spinning was enough for.
  struct Waits {
    std::int64_t count = 0;
    double seconds = 0;
  };
  struct Statistics {
    std::int64_t borrowed = 0;
    std::int64_t published = 0;  ///< with and without a slot
    std::int64_t taken = 0;      ///< likewise
    Waits for_slots;
    Waits for_items;
  };

  /// Ring `number` of WindowNeeds::rings, whose shape it has; made once. *Collective over* the node. *Cost*: touches
  /// the slots, each rank its share. *Throws*: Error(resources), on the calling rank; PeerFailure.
  SlotRing(NodeMemory& memory, const RingShape& shape, std::size_t number, const Options& options);
  SlotRing(const SlotRing&) = delete;
  SlotRing& operator=(const SlotRing&) = delete;

  /// A free slot; waits for one, to the deadline. *Cost*: a cache-line transfer, as all that follow. *Throws*:
  /// PeerFailure, on the calling rank, likewise.
  [[nodiscard]] std::optional<BorrowedSlot> borrow(Deadline deadline = {});

  /// Hands a slot over; what this rank has stored in it is there for who takes it. `small` are at most
  /// Handover::kSmallBytes that go with it.
  void publish(BorrowedSlot&& slot, std::int64_t tag, std::span<const std::byte> small = {});
  /// Hands over an item without a slot.
  void publish_small(std::int64_t tag, std::span<const std::byte> small);

  /// Tells that this rank will publish no more. When all producers have, each consumer gets to the end.
  void close();

  /// The next item; waits for one, to the deadline. None at the end of the stream, or when time is over.
  [[nodiscard]] std::optional<TakenItem> take(Deadline deadline = {});
  /// Whether this rank has come to the end.
  [[nodiscard]] bool is_over() const { return is_over_; }

  /// Waits until every slot has been given back: once all producers have closed, that all is done. Returns whether it
  /// has.
  bool wait_until_returned(Deadline deadline = {});

  [[nodiscard]] const Statistics& statistics() const { return statistics_; }

 private:
  friend class BorrowedSlot;
  friend class TakenItem;
  [[nodiscard]] std::span<std::byte> slot(std::int32_t number) const;
  void hand_over(Handover item, std::span<const std::byte> small);
  void give_back(std::int32_t slot) noexcept;
  [[nodiscard]] std::optional<Handover> pop(HandoverQueue& queue, Waits& waits, Deadline deadline);

  NodeMemory* memory_;
  RingShape shape_;
  WindowLayout::Ring layout_;
  Options options_;
  RingWords* words_;
  HandoverQueue free_;
  HandoverQueue filled_;
  Statistics statistics_;
  bool is_over_ = false;
};

}  // namespace windrow
