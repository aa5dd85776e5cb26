// What ranks meet at, met at by threads, for ThreadSanitizer: it finds two accesses that nothing orders also where this
// processor would not reorder them. The sources of waiting, rendezvous, failure and groups are those of the library,
// compiled with the sanitizer; what they need of MPI is replaced here by what a thread knows of itself.
//
//   litmus_threads THREADS ROUNDS      prints the rounds; the sanitizer's status is 66 if it has found something
#include <array>
#include <atomic>
#include <barrier>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "array/groups.hpp"
#include "array/handover_queue.hpp"
#include "base/partition.hpp"
#include "mpi/environment.hpp"
#include "mpi/rendezvous.hpp"

namespace windrow {
namespace {

int thread_count = 1;
thread_local int this_thread = 0;

}  // namespace

Communicator::~Communicator() = default;
int Communicator::rank() const {
  return this_thread;
}
int Communicator::size() const {
  return thread_count;
}
WorldComm WorldComm::duplicate() {
  return WorldComm(MPI_COMM_NULL);
}
HostComm HostComm::split(const WorldComm& /*world*/) {
  return HostComm(MPI_COMM_NULL);
}
NodeComm NodeComm::split(const HostComm& /*host*/, int /*groups*/) {
  return NodeComm(MPI_COMM_NULL);
}
LeaderComm LeaderComm::split(const WorldComm& /*world*/, bool /*is_leader*/) {
  return LeaderComm(MPI_COMM_NULL);
}
void check_mpi(int /*code*/, const char* /*call*/) {}
double Environment::grace_s() noexcept {
  return 10.0;
}
void Environment::abort(const Error& error) noexcept {
  std::fprintf(stderr, "%s\n", error.what());
  std::abort();
}

namespace {

constexpr std::int64_t kGroups = 7;
constexpr int kSlots = 3;
constexpr std::size_t kPlaces = 4;

/// A queue of slots in few places, so that these are soon filled anew.
struct Queue {
  QueueWords ends{};
  std::array<QueuePlace, kPlaces> places{};
};

struct Shared {
  RendezvousWords words{};
  std::vector<std::int64_t> values;         ///< two for each thread
  std::array<GroupWord, kGroups> groups{};  ///< the last one shorter
  std::vector<std::int64_t> contents;       ///< a value of each thread for each group
  std::atomic<std::int64_t> full{0};
  Queue free;
  Queue filled;
  std::array<std::int64_t, kSlots> slots{};
  std::barrier<> barrier{thread_count};
};

void expect(bool is_right, const char* what) {
  if (is_right) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

/// Writes, meets, reads what all have written; the other values are written next.
template <typename Meet>
void write_meet_read(Shared& shared, std::int64_t rounds, const Meet& meet) {
  const auto count = static_cast<std::size_t>(thread_count);
  for (std::int64_t round = 0; round < rounds; ++round) {
    std::int64_t* const values = shared.values.data() + static_cast<std::size_t>(round % 2) * count;
    values[this_thread] = round;
    meet();
    for (std::size_t other = 0; other < count; ++other) expect(values[other] == round, "a value is not there");
  }
}

/// Writes a value of each group and says that its share is filled; who is told that the group is full reads all.
void fill_groups(Shared& shared, Rendezvous& rendezvous, std::int64_t rounds) {
  constexpr std::int64_t bytes = kGroups * kGroupBytes - 13;
  NodeGroups groups({0, bytes}, bytes, shared.groups);
  const auto number = static_cast<std::size_t>(this_thread);
  const auto count = static_cast<std::size_t>(thread_count);
  for (std::int64_t round = 0; round < rounds; ++round) {
    for (std::int64_t n = 0; n < kGroups; ++n) {
      // Each begins with another group, so that all of them are the last somewhere.
      const std::int64_t group = (n + this_thread * kGroups / thread_count) % kGroups;
      std::int64_t* const content = shared.contents.data() + static_cast<std::size_t>(group) * count;
      content[number] = round;
      if (!groups.fill(group, row_block(groups.bytes_of(group).bytes(), thread_count, this_thread).rows())) continue;
      for (std::size_t other = 0; other < count; ++other) expect(content[other] == round, "a group is not full");
      groups.checksum(group) = static_cast<std::uint64_t>(round);
      shared.full.fetch_add(1, std::memory_order_relaxed);
      // For the next round, which nobody begins before.
      shared.groups[static_cast<std::size_t>(group)].bytes_filled = 0;
    }
    rendezvous.publish();
    for (std::int64_t group = 0; group < kGroups; ++group)
      expect(groups.checksum(group) == static_cast<std::uint64_t>(round), "a group has not been full");
    // Nobody changes what the others have still to look at.
    rendezvous.publish();
  }
  expect(shared.full.load() == rounds * kGroups, "a group was full twice");
}

void fail_and_agree(Shared& shared, Rendezvous& rendezvous, std::int64_t round) {
  shared.barrier.arrive_and_wait();
  if (this_thread == 0) shared.words = {};
  shared.barrier.arrive_and_wait();
  rendezvous.agree();
  const std::string message(100, static_cast<char>('a' + round % 26));
  if (this_thread == round % thread_count) {
    rendezvous.fail(ExitStatus::io, message);
  } else if (round % 2 == 0) {
    while (!rendezvous.has_failed()) std::this_thread::yield();
    expect(recorded_failure(shared.words.failure).what() == message, "the message is not whole at once");
  }
  try {
    rendezvous.agree();
    expect(false, "a failure was not agreed upon");
  } catch (const AgreedError& error) {
    expect(error.what() == message, "the message is not whole");
  }
}

/// Each fills slots that are free and reads those that any thread has filled.
void hand_over(Shared& shared, Rendezvous& rendezvous, std::int64_t rounds) {
  HandoverQueue free(shared.free.ends, shared.free.places, {}, rendezvous.waiter());
  HandoverQueue filled(shared.filled.ends, shared.filled.places, {}, rendezvous.waiter());
  if (this_thread == 0)
    for (int slot = 0; slot < kSlots; ++slot) free.push({.slot = slot});
  for (std::int64_t round = 0; round < rounds; ++round) {
    Handover item = free.pop({}).value();
    item.tag = round * thread_count + this_thread;
    shared.slots[static_cast<std::size_t>(item.slot)] = item.tag;
    filled.push(item);
    item = filled.pop({}).value();
    expect(shared.slots[static_cast<std::size_t>(item.slot)] == item.tag, "a slot does not hold what it was sent with");
    free.push({.slot = item.slot});
  }
  rendezvous.publish();
  expect(free.size() == kSlots && filled.size() == 0, "a slot is lost");
}

void run_thread(Shared& shared, int number, std::int64_t rounds) {
  this_thread = number;
  WorldComm world = WorldComm::duplicate();
  HostComm host = HostComm::split(world);
  NodeComm node = NodeComm::split(host, 1);
  LeaderComm leaders = LeaderComm::split(world, number == 0);
  const Topology topology{
      std::move(world), std::move(host), std::move(node), std::move(leaders), 0, {thread_count}, {0}, {"here"}};
  Rendezvous rendezvous(topology, shared.words);
  write_meet_read(shared, rounds, [&] { rendezvous.publish(); });
  write_meet_read(shared, rounds, [&] { rendezvous.agree(); });
  fill_groups(shared, rendezvous, rounds / 10);
  hand_over(shared, rendezvous, rounds);
  for (std::int64_t round = 0; round < rounds / 10; ++round) fail_and_agree(shared, rendezvous, round);
}

}  // namespace
}  // namespace windrow

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  windrow::thread_count = std::atoi(argv[1]);
  const std::int64_t rounds = std::atoll(argv[2]);
  windrow::Shared shared;
  shared.values.resize(2 * static_cast<std::size_t>(windrow::thread_count));
  shared.contents.resize(windrow::kGroups * static_cast<std::size_t>(windrow::thread_count));
  std::vector<std::thread> threads;
  for (int number = 0; number < windrow::thread_count; ++number)
    threads.emplace_back([&, number] { windrow::run_thread(shared, number, rounds); });
  for (std::thread& thread : threads) thread.join();
  std::printf("%lld\n", static_cast<long long>(3 * rounds + rounds / 10 + rounds / 10));
  return 0;
}
