#include "array/slot_stream.hpp"

#include <algorithm>

namespace windrow {

BorrowedSlot::~BorrowedSlot() {
  if (stream_ != nullptr) stream_->give_up(slot_);
}

std::span<std::byte> BorrowedSlot::bytes() const {
  return stream_->slot_to_fill(slot_);
}

TakenItem::~TakenItem() {
  if (stream_ != nullptr && has_slot()) stream_->give_back(item_.slot);
}

std::span<const std::byte> TakenItem::bytes() const {
  return has_slot() ? stream_->slot_to_read(item_.slot) : std::span<const std::byte>();
}

BorrowedSlot SlotStream::borrowed(std::int32_t slot) {
  ++statistics_.borrowed;
  return {*this, slot};
}

bool SlotStream::publish(BorrowedSlot&& slot, std::int64_t tag, std::span<const std::byte> small, Deadline deadline) {
  const Handover item{.kind = Handover::Kind::slot, .slot = slot.slot_, .tag = tag};
  if (!publish(item, small, deadline)) return false;
  slot.stream_ = nullptr;
  return true;
}

bool SlotStream::publish_small(std::int64_t tag, std::span<const std::byte> small, Deadline deadline) {
  return publish({.kind = Handover::Kind::small, .tag = tag}, small, deadline);
}

bool SlotStream::publish(Handover item, std::span<const std::byte> small, Deadline deadline) {
  if (small.size() > Handover::kSmallBytes)
    throw Error(ExitStatus::internal, "{} bytes with an item of a stream; at most {}", small.size(),
                Handover::kSmallBytes);
  std::ranges::copy(small, item.bytes.begin());
  if (!hand_over(item, deadline)) return false;
  ++statistics_.published;
  return true;
}

std::optional<TakenItem> SlotStream::take(Deadline deadline) {
  if (is_over_) return std::nullopt;
  const std::optional<Handover> item = next(deadline);
  if (!item) return std::nullopt;
  is_over_ = item->kind == Handover::Kind::end;
  if (is_over_) return std::nullopt;
  ++statistics_.taken;
  return TakenItem(*this, *item);
}

}  // namespace windrow
