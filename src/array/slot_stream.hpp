#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include "array/handover_queue.hpp"

namespace windrow {

class SlotStream;

/// A slot that this rank has borrowed, to be filled in place and published. One that is given up goes back unread.
class BorrowedSlot {
 public:
  BorrowedSlot(BorrowedSlot&& other) noexcept : stream_(std::exchange(other.stream_, nullptr)), slot_(other.slot_) {}
  BorrowedSlot& operator=(BorrowedSlot&&) = delete;
  ~BorrowedSlot();

  [[nodiscard]] std::span<std::byte> bytes() const;

 private:
  friend class SlotStream;
  BorrowedSlot(SlotStream& stream, std::int32_t slot) : stream_(&stream), slot_(slot) {}

  SlotStream* stream_;
  std::int32_t slot_;
};

/// What a consumer has taken: a slot, to be read in place, which goes back when this object ends; or an item without
/// one.
class TakenItem {
 public:
  TakenItem(TakenItem&& other) noexcept : stream_(std::exchange(other.stream_, nullptr)), item_(other.item_) {}
  TakenItem& operator=(TakenItem&&) = delete;
  ~TakenItem();

  [[nodiscard]] std::int64_t tag() const { return item_.tag; }
  [[nodiscard]] bool has_slot() const { return item_.kind == Handover::Kind::slot; }
  /// Of the slot; nothing without one.
  [[nodiscard]] std::span<const std::byte> bytes() const;
  /// What came with the tag.
  [[nodiscard]] std::span<const std::byte, Handover::kSmallBytes> small_bytes() const { return item_.bytes; }

 private:
  friend class SlotStream;
  TakenItem(SlotStream& stream, const Handover& item) : stream_(&stream), item_(item) {}

  SlotStream* stream_;
  Handover item_;
};

/// What producers hand to consumers: a producer borrows a slot, fills it in place and publishes it; a consumer takes
/// it, reads it in place and gives it back. With a SlotRing nothing is copied; with a MessageStream, which also goes
/// from node to node, each slot is, by the message.
class SlotStream {
 public:
  /// How often this rank has waited for the others, and how long; not counted is what spinning was enough for.
  struct Waits {
    std::int64_t count = 0;
    double seconds = 0;
  };
  struct Statistics {
    std::int64_t borrowed = 0;
    std::int64_t published = 0;  ///< with and without a slot
    std::int64_t taken = 0;      ///< likewise
    Waits for_slots;             ///< of a producer, for consumers
    Waits for_items;             ///< of a consumer, for producers
  };

  SlotStream() = default;
  SlotStream(const SlotStream&) = delete;
  SlotStream& operator=(const SlotStream&) = delete;
  virtual ~SlotStream() = default;

  /// A free slot; waits for one, to the deadline. *Throws*: PeerFailure, on the calling rank, as all that follow.
  [[nodiscard]] virtual std::optional<BorrowedSlot> borrow(Deadline deadline = {}) = 0;

  /// Hands a slot over; what this rank has stored in it is there for who takes it. `small` are at most
  /// Handover::kSmallBytes that go with it. Where consumers must ask first, it waits for that, to the deadline; returns
  /// whether it is handed over.
  bool publish(BorrowedSlot&& slot, std::int64_t tag, std::span<const std::byte> small = {}, Deadline deadline = {});
  /// Hands over an item without a slot.
  bool publish_small(std::int64_t tag, std::span<const std::byte> small, Deadline deadline = {});

  /// Tells that this rank will publish no more. When all producers have, each consumer gets to the end. Returns whether
  /// consumers have asked before the deadline, where they must.
  virtual bool close(Deadline deadline = {}) = 0;

  /// The next item; waits for one, to the deadline. None at the end of the stream, or when time is over.
  [[nodiscard]] std::optional<TakenItem> take(Deadline deadline = {});
  /// Whether this rank has come to the end.
  [[nodiscard]] bool is_over() const { return is_over_; }

  [[nodiscard]] const Statistics& statistics() const { return statistics_; }

 protected:
  [[nodiscard]] BorrowedSlot borrowed(std::int32_t slot);
  [[nodiscard]] virtual bool hand_over(const Handover& item, Deadline deadline) = 0;
  /// The next item, or the end of all; none when time is over.
  [[nodiscard]] virtual std::optional<Handover> next(Deadline deadline) = 0;

  Statistics statistics_;

 private:
  friend class BorrowedSlot;
  friend class TakenItem;
  [[nodiscard]] virtual std::span<std::byte> slot_to_fill(std::int32_t number) const = 0;
  [[nodiscard]] virtual std::span<const std::byte> slot_to_read(std::int32_t number) const = 0;
  virtual void give_up(std::int32_t slot) noexcept = 0;
  virtual void give_back(std::int32_t slot) noexcept = 0;
  bool publish(Handover item, std::span<const std::byte> small, Deadline deadline);

  bool is_over_ = false;
};

}  // namespace windrow
