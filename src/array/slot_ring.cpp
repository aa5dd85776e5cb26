#include "array/slot_ring.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>

namespace windrow {
namespace {

using Clock = std::chrono::steady_clock;

std::span<QueuePlace> lines_of(NodeMemory& memory, const RingShape& shape, std::size_t number) {
  const std::int64_t count = RingWords::lines(shape, memory.topology().node.size());
  return memory.control().ring_lines.subspan(static_cast<std::size_t>(memory.layout().rings[number].first_line),
                                             static_cast<std::size_t>(count));
}

/// The places of one of the two queues.
std::span<QueuePlace> places_of(NodeMemory& memory, const RingShape& shape, std::size_t number, std::size_t queue) {
  const auto count = static_cast<std::size_t>(RingWords::places(shape, memory.topology().node.size()));
  return lines_of(memory, shape, number).subspan(sizeof(RingWords) / sizeof(QueuePlace) + queue * count, count);
}

}  // namespace

SlotRing::SlotRing(NodeMemory& memory, const RingShape& shape, std::size_t number, const Options& options)
    : memory_(&memory),
      shape_(shape),
      layout_(memory.layout().rings[number]),
      options_(options),
      // Zeroed memory of a type without constructors, as all control words.
      words_(reinterpret_cast<RingWords*>(lines_of(memory, shape, number).data())),
      // Slots come back from those that give one up as well as from consumers.
      free_(words_->free, places_of(memory, shape, number, 0), {.out = options.producers > 1},
            memory.rendezvous().waiter()),
      filled_(words_->filled, places_of(memory, shape, number, 1),
              {.in = options.producers > 1, .out = options.consumers > 1}, memory.rendezvous().waiter()) {
  const int ranks = memory.topology().node.size();
  for (std::int64_t slot = memory.topology().node_rank(); slot < shape.slots; slot += ranks) {
    const std::int64_t begin = layout_.offset + slot * layout_.stride;
    memory.window().touch(begin, begin + shape.slot_bytes);
    free_.push({.slot = static_cast<std::int32_t>(slot)});
  }
  memory.publish();
}

std::span<std::byte> SlotRing::slot_to_fill(std::int32_t number) const {
  return memory_->window().bytes().subspan(static_cast<std::size_t>(layout_.offset + number * layout_.stride),
                                           static_cast<std::size_t>(shape_.slot_bytes));
}

std::span<const std::byte> SlotRing::slot_to_read(std::int32_t number) const {
  return slot_to_fill(number);
}

std::optional<Handover> SlotRing::pop(HandoverQueue& queue, Waits& waits, Deadline deadline) {
  if (std::optional<Handover> item = queue.pop_at_once()) return item;
  const Clock::time_point begin = Clock::now();
  std::optional<Handover> item = queue.pop(deadline);
  ++waits.count;
  waits.seconds += std::chrono::duration<double>(Clock::now() - begin).count();
  return item;
}

std::optional<BorrowedSlot> SlotRing::borrow(Deadline deadline) {
  const std::optional<Handover> free = pop(free_, statistics_.for_slots, deadline);
  if (!free) return std::nullopt;
  return borrowed(free->slot);
}

bool SlotRing::hand_over(const Handover& item, Deadline /*deadline*/) {
  if (options_.order == Order::by_tag)
    filled_.push_at(static_cast<std::uint64_t>(item.tag), item);
  else
    filled_.push(item);
  return true;
}

bool SlotRing::close(Deadline /*deadline*/) {
  const std::atomic_ref published(words_->published);
  published.fetch_add(static_cast<std::uint64_t>(statistics_.published), std::memory_order_relaxed);
  const std::uint32_t closed = std::atomic_ref(words_->closed).fetch_add(1, std::memory_order_acq_rel) + 1;
  if (closed != static_cast<std::uint32_t>(options_.producers)) return true;
  const std::uint64_t items = published.load(std::memory_order_relaxed);
  for (int consumer = 0; consumer < options_.consumers; ++consumer) {
    const Handover end{.kind = Handover::Kind::end};
    if (options_.order == Order::by_tag)
      filled_.push_at(items + static_cast<std::uint64_t>(consumer), end);
    else
      filled_.push(end);
  }
  return true;
}

std::optional<Handover> SlotRing::next(Deadline deadline) {
  return pop(filled_, statistics_.for_items, deadline);
}

bool SlotRing::wait_until_returned(Deadline deadline) {
  return memory_->rendezvous().waiter().poll_until([this] { return free_.size() == shape_.slots; },
                                                   OnFailure::throw_peer_failure, deadline);
}

void SlotRing::give_back(std::int32_t slot) noexcept {
  try {
    free_.push({.slot = slot});
  } catch (const PeerFailure&) {
    // The run is over: nobody will ask for the slot.
  }
}

}  // namespace windrow
