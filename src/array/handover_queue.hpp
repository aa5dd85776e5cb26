#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "mpi/waiting.hpp"

namespace windrow {

/// What one rank hands to another: the number of a slot, or nothing but a few bytes.
struct Handover {
  enum class Kind : std::uint32_t { slot, small, end };
  static constexpr std::size_t kSmallBytes = 32;

  Kind kind = Kind::slot;
  std::int32_t slot = -1;
  std::int64_t tag = 0;
  std::array<std::byte, kSmallBytes> bytes = {};
};

/// A place in a queue: a cache line that carries the item and is waited for, so that an item moves in one transfer.
/// `round.value` is how often the place has been filled.
struct alignas(64) QueuePlace {
  WaitWord round;
  std::array<std::int64_t, sizeof(Handover) / sizeof(std::int64_t)> item;  ///< the bytes of a Handover
};

/// One end of a queue: the number of the next item, counted from its begin.
struct alignas(64) QueueEnd {
  std::uint64_t next;
};

/// The ends of a queue; its places follow.
struct QueueWords {
  QueueEnd in;
  QueueEnd out;
};

/// A bounded queue in the window, any number of ranks at both ends. A view: its words live in the window, zeroed before
/// anybody comes here.
///
/// Items are numbered; number n lies in place n modulo the number of places. A rank takes an item by reading it and
/// then moving the end on, if it is still where it was: what lies before that end has been read, and can be
/// overwritten. So a place is stored to by those that fill it alone, and moves to whoever takes the item once.
class HandoverQueue {
 public:
  /// Whether more than one rank at a time comes to an end.
  struct Sharing {
    bool in = true;
    bool out = true;
  };

  /// *Throws*: std::invalid_argument if the number of places is no power of two.
  HandoverQueue(QueueWords& ends, std::span<QueuePlace> places, Sharing sharing, const Waiter& waiter);

  /// Adds an item; waits while the queue is full, by looking every now and then. *Cost*: a cache-line transfer.
  /// *Throws*: PeerFailure, on the calling rank.
  void push(const Handover& item);

  /// Adds the item that is the `number`-th to come out. Of the numbers from 0 on each is pushed once, by this call
  /// alone. *Throws* as above.
  void push_at(std::uint64_t number, const Handover& item);

  /// Takes the next item, if there is one, or will be in a moment: waits for as long as spinning pays. *Cost*: a
  /// cache-line transfer. *Throws*: nothing.
  [[nodiscard]] std::optional<Handover> pop_at_once() noexcept;

  /// Takes the next item; waits for one while there is none, to the deadline. *Throws* as push().
  [[nodiscard]] std::optional<Handover> pop(Deadline deadline);

  /// How many items there are, of a queue from which nobody takes at the moment: else it can tell too many.
  [[nodiscard]] std::int64_t size() const;

 private:
  [[nodiscard]] QueuePlace& place_of(std::uint64_t number) { return places_[number & (places_.size() - 1)]; }
  /// What the place counts when it holds the item.
  [[nodiscard]] std::uint32_t round_of(std::uint64_t number) const {
    return static_cast<std::uint32_t>((number >> round_shift_) + 1);
  }
  /// Whether all that the place of a new item has held is read.
  [[nodiscard]] bool has_room_for(std::uint64_t number);
  void wait_for_room(std::uint64_t number);
  void fill(std::uint64_t number, const Handover& item);
  /// Takes the next item; while there is none, calls `wait`, and gives up when that returns false.
  template <typename Wait>
  [[nodiscard]] std::optional<Handover> pop_or(const Wait& wait);

  QueueWords* ends_;
  std::span<QueuePlace> places_;
  int round_shift_;
  Sharing sharing_;
  const Waiter* waiter_;
  std::uint64_t out_seen_ = 0;  ///< where the end has been at least: its cache line is the takers'
};

}  // namespace windrow
