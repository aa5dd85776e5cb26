#include "array/lending.hpp"

#include <algorithm>
#include <exception>
#include <utility>

namespace windrow {
namespace {

// Of all messages between ranks in a phase there are only these.
constexpr int kAsk = 1;
constexpr int kOffer = 2;
constexpr int kResult = 3;
constexpr int kRows = 4;

/// Asks for a block: the least that a message can be.
using Ask = std::byte;

/// A block, or no rows: then so many nodes, from that of the lender on, have none.
struct Offer {
  std::int64_t exhausted = 0;
  std::int64_t number = 0;
  std::int64_t offset = 0;
  RowRange rows = {};
};

/// Announces the rows of a block, or that they will not come.
struct Result {
  std::int64_t has_rows = 0;
  double start_s = 0.0;
  double seconds = 0.0;
};

/// Small messages do not wait for their receiver.
template <typename Message>
void send(const WorldComm& world, const Message& message, int to, int tag) {
  world.send(std::as_bytes(std::span(&message, 1)), to, tag);
}

template <typename Message>
Message receive(const WorldComm& world, int from, int tag) {
  Message message;
  world.receive(std::as_writable_bytes(std::span(&message, 1)), from, tag);
  return message;
}

}  // namespace

Lending::Lending(SharedArray& array, BlockSchedule& blocks, Store store)
    : array_(&array), topology_(&array.memory().topology()), blocks_(&blocks), store_(std::move(store)) {}

void Lending::run(const std::function<void()>& body) {
  try {
    body();
    finish(OnFailure::throw_peer_failure);
  } catch (...) {
    leave();
    throw;
  }
}

void Lending::serve() {
  const WorldComm& world = topology_->world;
  while (const std::optional<int> client = world.sender_of_next(kAsk)) answer(*client);
  while (const std::optional<int> client = world.sender_of_next(kResult)) take_back(*client);
}

void Lending::answer(int client) {
  const WorldComm& world = topology_->world;
  static_cast<void>(receive<Ask>(world, client, kAsk));
  std::optional<Block> block;
  if (!has_failed_) block = blocks_->next();
  Offer offer{.exhausted = exhausted_};
  if (block) {
    offer = {0, block->number, block->offset, block->lease.rows()};
    lent_.push_back({client, std::move(*block)});
  }
  send(world, offer, client, kOffer);
}

void Lending::take_back(int client) {
  const WorldComm& world = topology_->world;
  const auto result = receive<Result>(world, client, kResult);
  // Of several that a rank has, the one that it got first comes back first.
  const auto found = std::ranges::find(lent_, client, &Lent::client);
  Block block = std::move(found->block);
  lent_.erase(found);
  if (result.has_rows == 0) return;
  std::vector<std::byte> rows(static_cast<std::size_t>(block.lease.rows().rows() * array_->row_bytes()));
  world.receive(rows, client, kRows);
  if (!has_failed_) store_(block, rows, {client, result.start_s, result.seconds});
}

/// Waits for something, answering others meanwhile.
void Lending::wait_until(const std::function<bool()>& ready, OnFailure on_failure) {
  array_->memory().rendezvous().waiter().poll_until(
      [&] {
        serve();
        return ready();
      },
      on_failure);
}

void Lending::ask() {
  if (exhausted_ >= topology_->nodes()) return;
  const auto node = static_cast<std::size_t>((topology_->node_number + exhausted_) % topology_->nodes());
  const std::vector<int>& ranks = topology_->world_ranks[node];
  const int lender = ranks[static_cast<std::size_t>(topology_->node_rank()) % ranks.size()];
  send(topology_->world, Ask{}, lender, kAsk);
  asked_ = lender;
}

std::optional<Lending::Borrowed> Lending::wait_for_answer(OnFailure on_failure) {
  const WorldComm& world = topology_->world;
  const int lender = *asked_;
  wait_until([&] { return world.sender_of_next(kOffer) == lender; }, on_failure);
  const auto offer = receive<Offer>(world, lender, kOffer);
  asked_.reset();
  if (!offer.rows.empty()) return Borrowed{{offer.number, offer.offset}, offer.rows, lender};
  exhausted_ += offer.exhausted;
  return std::nullopt;
}

std::optional<Lending::Borrowed> Lending::borrow() {
  if (!asked_) ask();
  while (asked_ && !in_hand_) {
    in_hand_ = wait_for_answer(OnFailure::throw_peer_failure);
    ask();
  }
  return in_hand_;
}

void Lending::give_back(std::vector<std::byte> rows, double start_s, double seconds) {
  // One after the other: a lender that is long in answering does not fill this rank's memory.
  wait_until([this] { return sent_.is_done(); }, OnFailure::throw_peer_failure);
  send(topology_->world, Result{1, start_s, seconds}, in_hand_->lender, kResult);
  sent_ = topology_->world.start_send(std::move(rows), in_hand_->lender, kRows);
  in_hand_.reset();
}

/// This rank will ask for no more: it answers the others until none will, and until all that it has lent is back.
void Lending::finish(OnFailure on_failure) {
  if (!end_) end_ = topology_->world.start_barrier();
  wait_until([this] { return end_->is_done() && lent_.empty() && sent_.is_done(); }, on_failure);
}

/// After a failure: those who wait for this rank are told not to, and those who will ask are told that there is nothing
/// more. Who cannot even do that leaves the others to their grace.
void Lending::leave() noexcept {
  has_failed_ = true;
  try {
    if (in_hand_) send(topology_->world, Result{}, in_hand_->lender, kResult);
    if (asked_)
      if (const std::optional<Borrowed> next = wait_for_answer(OnFailure::abort_after_grace))
        send(topology_->world, Result{}, next->lender, kResult);
    finish(OnFailure::abort_after_grace);
  } catch (const std::exception&) {
    return;
  }
}

}  // namespace windrow
