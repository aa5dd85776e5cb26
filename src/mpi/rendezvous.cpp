#include "mpi/rendezvous.hpp"

#include <atomic>
#include <limits>
#include <optional>

namespace windrow {

Rendezvous::Rendezvous(const Topology& topology, RendezvousWords& words)
    : topology_(&topology), words_(&words), waiter_(words.failure, topology.host.size()) {}

void Rendezvous::publish() {
  const auto ranks = static_cast<std::uint32_t>(topology_->node.size());
  const std::uint32_t publication = load(words_->publications);
  std::atomic_ref arrived(words_->arrived_to_publish);
  if (arrived.fetch_add(1, std::memory_order_acq_rel) + 1 == ranks) {
    arrived.store(0, std::memory_order_relaxed);
    store_and_wake(words_->publications, publication + 1);
  } else {
    waiter_.wait_while(words_->publications, publication, OnFailure::throw_peer_failure);
  }
  throw_if_failed();
}

void Rendezvous::fail(ExitStatus status, const std::string& message) noexcept {
  raise_failure(words_->failure, topology_->world_rank(), status, message);
}

void Rendezvous::throw_if_failed() const {
  if (has_failed()) throw PeerFailure();
}

void Rendezvous::agree() {
  // Words of its own: a rank that left publish() by an exception has been counted there and must not be counted here.
  const auto ranks = static_cast<std::uint32_t>(topology_->node.size());
  const std::uint32_t agreement = load(words_->agreements);
  std::uint32_t arrived = add_and_wake(words_->arrived_to_agree);
  if (topology_->is_leader()) {
    for (; arrived != ranks; arrived = load(words_->arrived_to_agree))
      waiter_.wait_while(words_->arrived_to_agree, arrived, OnFailure::abort_after_grace);
    if (topology_->nodes() > 1) agree_between_leaders();
    words_->is_failure_agreed = has_failed() ? 1 : 0;
    std::atomic_ref(words_->arrived_to_agree.value).store(0, std::memory_order_relaxed);
    store_and_wake(words_->agreements, agreement + 1);
  } else {
    waiter_.wait_while(words_->agreements, agreement, OnFailure::abort_after_grace);
  }
  if (words_->is_failure_agreed != 0) throw recorded_failure(words_->failure);
}

void Rendezvous::together(const std::function<void()>& body) {
  try {
    if (const std::optional<Error> error = error_of(body)) fail(error->status(), error->what());
  } catch (const PeerFailure&) {
    // agree() tells what the peer has met.
  }
  agree();
}

void Rendezvous::agree_between_leaders() {
  const LeaderComm& leaders = topology_->leaders;
  // The failure of the lowest world rank is told to all; the number also names the leader that knows it.
  constexpr std::int64_t none = std::numeric_limits<std::int64_t>::max();
  const std::int64_t nodes = topology_->nodes();
  std::int64_t mine = none;
  if (has_failed()) mine = recorded_failure(words_->failure).world_rank() * nodes + leaders.rank();
  std::int64_t first = none;
  MPI_Request request = MPI_REQUEST_NULL;
  check_mpi(MPI_Iallreduce(&mine, &first, 1, MPI_INT64_T, MPI_MIN, leaders.handle(), &request), "MPI_Iallreduce");
  waiter_.wait_for_message(request);
  if (first == none) return;

  FailureRecord record{};
  const auto root = static_cast<int>(first % nodes);
  if (root == leaders.rank()) record = words_->failure;
  check_mpi(MPI_Ibcast(&record, static_cast<int>(sizeof record), MPI_BYTE, root, leaders.handle(), &request),
            "MPI_Ibcast");
  waiter_.wait_for_message(request);
  replace_failure(words_->failure, record);
}

}  // namespace windrow
