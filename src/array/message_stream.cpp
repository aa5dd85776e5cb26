#include "array/message_stream.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace windrow {
namespace {

/// Kinds of messages: a consumer asks for an item; the item; the bytes of its slot.
enum Kind : int { kAsk, kItem, kSlot, kKinds };
constexpr int kFirstKind = 16;  // below are those of collective exchanges

}  // namespace

MessageStream::MessageStream(const Communicator& ranks, const Waiter& waiter, Options options)
    : options_(std::move(options)),
      mail_(ranks, waiter, kFirstKind + options_.number * kKinds),
      slot_(static_cast<std::size_t>(options_.slot_bytes)) {
  for (const int rank : options_.producers) producers_.push_back({.rank = rank});
}

std::optional<BorrowedSlot> MessageStream::borrow(Deadline /*deadline*/) {
  if (std::exchange(is_lent_, true)) return std::nullopt;
  return borrowed(0);
}

std::span<std::byte> MessageStream::slot_to_fill(std::int32_t) const {
  return {const_cast<std::byte*>(slot_.data()), slot_.size()};
}

bool MessageStream::send(const Handover& item, Deadline deadline) const {
  const std::optional<int> consumer = mail_.receive_from_any(kAsk, {}, deadline);
  return consumer && mail_.send(kItem, std::as_bytes(std::span(&item, 1)), *consumer, deadline) &&
         (item.kind != Handover::Kind::slot || mail_.send(kSlot, slot_, *consumer, deadline));
}

bool MessageStream::hand_over(const Handover& item, Deadline deadline) {
  const auto begin = std::chrono::steady_clock::now();
  if (!send(item, deadline)) return false;
  if (item.kind == Handover::Kind::slot) is_lent_ = false;
  ++statistics_.for_slots.count;
  statistics_.for_slots.seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return true;
}

/// Each consumer asks until it has heard the end from every producer.
bool MessageStream::close(Deadline deadline) {
  return std::ranges::all_of(options_.consumers, [&](int) { return send({.kind = Handover::Kind::end}, deadline); });
}

std::optional<Handover> MessageStream::next(Deadline deadline) {
  const auto begin = std::chrono::steady_clock::now();
  for (;;) {
    for (Producer& producer : producers_)
      if (!producer.is_over && !std::exchange(producer.is_asked, true) &&
          !mail_.send(kAsk, {}, producer.rank, deadline))
        return std::nullopt;
    Handover item;
    const std::optional<int> source =
        mail_.receive_from_any(kItem, std::as_writable_bytes(std::span(&item, 1)), deadline);
    if (!source || (item.kind == Handover::Kind::slot && !mail_.receive(kSlot, slot_, *source, deadline)))
      return std::nullopt;
    Producer& producer = *std::ranges::find(producers_, *source, &Producer::rank);
    producer.is_asked = false;
    producer.is_over = item.kind == Handover::Kind::end;
    if (producer.is_over && !std::ranges::all_of(producers_, &Producer::is_over)) continue;
    ++statistics_.for_items.count;
    statistics_.for_items.seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    return item;
  }
}

}  // namespace windrow
