#pragma once

#include <cstddef>
#include <vector>

#include "array/slot_stream.hpp"
#include "mpi/mail.hpp"

namespace windrow {

/// The stream of a SlotRing by messages: between ranks of any nodes, and with a copy of each slot. A producer has one
/// slot of its own, and publishing waits until a consumer has asked; a consumer has one that it receives into.
class MessageStream final : public SlotStream {
 public:
  struct Options {
    std::vector<int> producers;  ///< ranks of the communicator
    std::vector<int> consumers;  ///< likewise, none of which is a producer
    std::int64_t slot_bytes = 0;
    int number = 0;  ///< of the stream, among those of a run
  };

  /// Local. *Cost*: memory for a slot.
  MessageStream(const Communicator& ranks, const Waiter& waiter, Options options);

  /// There is a slot unless it is borrowed already.
  [[nodiscard]] std::optional<BorrowedSlot> borrow(Deadline deadline = {}) override;
  bool close(Deadline deadline = {}) override;

 private:
  [[nodiscard]] bool hand_over(const Handover& item, Deadline deadline) override;
  [[nodiscard]] std::optional<Handover> next(Deadline deadline) override;
  [[nodiscard]] std::span<std::byte> slot_to_fill(std::int32_t) const override;
  [[nodiscard]] std::span<const std::byte> slot_to_read(std::int32_t) const override { return slot_; }
  void give_up(std::int32_t) noexcept override { is_lent_ = false; }
  void give_back(std::int32_t) noexcept override {}
  /// To a consumer that asks for it.
  [[nodiscard]] bool send(const Handover& item, Deadline deadline) const;

  /// What a consumer knows of a producer.
  struct Producer {
    int rank = 0;
    bool is_asked = false;  ///< for an item that has not come yet
    bool is_over = false;
  };

  Options options_;
  Mail mail_;
  std::vector<Producer> producers_;
  std::vector<std::byte> slot_;
  bool is_lent_ = false;
};

}  // namespace windrow
