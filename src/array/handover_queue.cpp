#include "array/handover_queue.hpp"

#include <atomic>
#include <bit>
#include <stdexcept>

namespace windrow {
namespace {

using Words = decltype(QueuePlace::item);

/// Moves an end from `number` on to the next, unless another rank has.
bool move_on(std::uint64_t& end, std::uint64_t number, bool is_shared, std::memory_order order) noexcept {
  const std::atomic_ref next(end);
  if (is_shared) return next.compare_exchange_strong(number, number + 1, order, std::memory_order_relaxed);
  next.store(number + 1, order);
  return true;
}

}  // namespace

static_assert(sizeof(QueuePlace) == 64);

HandoverQueue::HandoverQueue(QueueWords& ends, std::span<QueuePlace> places, Sharing sharing, const Waiter& waiter)
    : ends_(&ends),
      places_(places),
      round_shift_(std::countr_zero(places.size())),
      sharing_(sharing),
      waiter_(&waiter) {
  if (!std::has_single_bit(places.size())) throw std::invalid_argument("a queue has a power of two of places");
}

bool HandoverQueue::has_room_for(std::uint64_t number) {
  // Signed: a number that another rank has pushed meanwhile can lie before the end; move_on() finds that out.
  const auto has_room = [&] { return static_cast<std::int64_t>(number - out_seen_) < std::ssize(places_); };
  if (has_room()) return true;
  // Acquired: the item has been read when the end is past it.
  out_seen_ = std::atomic_ref(ends_->out.next).load(std::memory_order_acquire);
  return has_room();
}

void HandoverQueue::wait_for_room(std::uint64_t number) {
  if (!has_room_for(number)) waiter_->poll_until([&] { return has_room_for(number); }, OnFailure::throw_peer_failure);
}

void HandoverQueue::fill(std::uint64_t number, const Handover& item) {
  QueuePlace& place = place_of(number);
  const auto words = std::bit_cast<Words>(item);
  // Atomic, for a rank may be reading the place that is late to find out that another has taken what was in it.
  for (std::size_t n = 0; n < words.size(); ++n)
    std::atomic_ref(place.item[n]).store(words[n], std::memory_order_relaxed);
  store_and_wake(place.round, round_of(number));
}

void HandoverQueue::push(const Handover& item) {
  while (true) {
    const std::uint64_t number = std::atomic_ref(ends_->in.next).load(std::memory_order_relaxed);
    wait_for_room(number);
    // Released for size(): what the rank has done before is done when the item counts.
    if (move_on(ends_->in.next, number, sharing_.in, std::memory_order_release)) return fill(number, item);
  }
}

void HandoverQueue::push_at(std::uint64_t number, const Handover& item) {
  wait_for_room(number);
  fill(number, item);
}

template <typename Wait>
std::optional<Handover> HandoverQueue::pop_or(const Wait& wait) {
  while (true) {
    const std::uint64_t number = std::atomic_ref(ends_->out.next).load(std::memory_order_relaxed);
    QueuePlace& place = place_of(number);
    const std::uint32_t round = load(place.round);
    const auto ahead = static_cast<std::int32_t>(round - round_of(number));
    if (ahead < 0 && !wait(place.round, round)) return std::nullopt;
    if (ahead != 0) continue;  // there is one now, or another rank was quicker
    Words words;
    for (std::size_t n = 0; n < words.size(); ++n)
      words[n] = std::atomic_ref(place.item[n]).load(std::memory_order_relaxed);
    if (move_on(ends_->out.next, number, sharing_.out, std::memory_order_release))
      return std::bit_cast<Handover>(words);
  }
}

std::optional<Handover> HandoverQueue::pop_at_once() noexcept {
  return pop_or([this](const WaitWord& round, std::uint32_t seen) { return waiter_->spin_while(round, seen); });
}

std::optional<Handover> HandoverQueue::pop(Deadline deadline) {
  return pop_or([&](WaitWord& round, std::uint32_t seen) {
    return waiter_->wait_while(round, seen, OnFailure::throw_peer_failure, deadline);
  });
}

std::int64_t HandoverQueue::size() const {
  const std::uint64_t out = std::atomic_ref(ends_->out.next).load(std::memory_order_acquire);
  return static_cast<std::int64_t>(std::atomic_ref(ends_->in.next).load(std::memory_order_acquire) - out);
}

}  // namespace windrow
