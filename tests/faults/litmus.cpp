// Litmus tests of the memory order of what ranks meet at: each repeats a few loads and stores around a meeting, for
// some seconds, and counts what should not have been seen.
//
//   litmus SECONDS      of each test; rank 0 prints a line a test: name, rounds, looks, wrong looks
#include <dlfcn.h>
#include <fmt/format.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstdarg>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>

#include "array/groups.hpp"
#include "array/shared_array.hpp"
#include "array/slot_ring.hpp"
#include "array/tickets.hpp"
#include "base/partition.hpp"
#include "mpi/environment.hpp"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace {

// Sleeps that lasted until their time-out although the word had changed: nobody had woken the sleeper.
std::atomic<std::int64_t> lost_wake_ups{0};

}  // namespace

/// In the place of the C library's: the same, and looks at how sleeps end.
extern "C" long syscall(long number, ...) noexcept {
  using Function = long (*)(long, ...);
  static const auto next = reinterpret_cast<Function>(dlsym(RTLD_NEXT, "syscall"));
  va_list list;
  va_start(list, number);
  long a[6];
  for (long& argument : a) argument = va_arg(list, long);
  va_end(list);
  const long result = next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
  if (number == SYS_futex && a[1] == FUTEX_WAIT && result != 0 && errno == ETIMEDOUT) {
    const std::atomic_ref word(*reinterpret_cast<std::uint32_t*>(a[0]));
    if (word.load(std::memory_order_relaxed) != static_cast<std::uint32_t>(a[2])) ++lost_wake_ups;
    errno = ETIMEDOUT;
  }
  return result;
}

namespace windrow {
namespace {

struct Count {
  std::int64_t rounds = 0;
  std::int64_t looks = 0;
  std::int64_t wrong = 0;

  void look(bool is_right) {
    ++looks;
    if (!is_right) ++wrong;
  }
};

constexpr std::int64_t kLines = 16;      // cache lines that a rank writes in a round
constexpr std::int64_t kLineWords = 8;   // of eight bytes
constexpr std::int64_t kPages = 2 + 64;  // rendezvous words, the word of turns, and the ranks' lines

/// A window with rendezvous words, a word of turns, and two buffers of lines for each rank.
class Place {
 public:
  explicit Place(const Topology& ranks)
      : topology(ranks),
        window(topology.node, {.bytes = kPages * kPageBytes, .control_bytes = kPages * kPageBytes}),
        words(*reinterpret_cast<RendezvousWords*>(window.data())),
        rendezvous(std::make_unique<Rendezvous>(topology, words)) {
    static_assert(sizeof(RendezvousWords) <= kPageBytes);
  }

  [[nodiscard]] std::int64_t* lines(std::int64_t round, int rank) const {
    const std::int64_t buffer = 2 * rank + round % 2;
    return reinterpret_cast<std::int64_t*>(window.data() + (2 + buffer) * kPageBytes);
  }

  [[nodiscard]] WaitWord& turn() const { return *reinterpret_cast<WaitWord*>(window.data() + kPageBytes); }

  /// Words that nobody has met at.
  void renew() {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    topology.node.barrier();
    if (topology.is_leader()) std::memset(window.data(), 0, sizeof(RendezvousWords));
    std::atomic_thread_fence(std::memory_order_seq_cst);
    topology.node.barrier();
    rendezvous = std::make_unique<Rendezvous>(topology, words);
  }

  const Topology& topology;
  SharedWindow window;
  RendezvousWords& words;
  std::unique_ptr<Rendezvous> rendezvous;
};

/// Repeats a round for so long, all ranks the same number of times.
void repeat(Place& place, double seconds, std::int64_t batch, Count& count,
            const std::function<void(std::int64_t round)>& run_round) {
  const auto begin = std::chrono::steady_clock::now();
  std::int64_t is_over = 0;
  while (is_over == 0) {
    for (std::int64_t n = 0; n < batch; ++n) run_round(count.rounds++);
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
    is_over = place.topology.node.broadcast(std::int64_t{elapsed.count() > seconds ? 1 : 0}, 0);
  }
}

std::int64_t value_of(std::int64_t round, int rank, std::int64_t line) {
  return round * 1'000'003 + rank * 101 + line;
}

/// Past the caches in every other round: such stores are ordered by nothing but fences and locked instructions.
void store_line(std::int64_t* word, std::int64_t value, [[maybe_unused]] std::int64_t round) {
#if defined(__SSE2__)
  if (round % 4 >= 2) {
    _mm_stream_si64(reinterpret_cast<long long*>(word), value);
    return;
  }
#endif
  *word = value;
}

/// Everybody writes, meets, and reads what everybody has written. The other buffer is written next: a load that came
/// after the next meeting would be seen as well.
void write_meet_read(const Place& place, std::int64_t round, Count& count, const std::function<void()>& meet) {
  const int rank = place.topology.node_rank();
  for (std::int64_t line = 0; line < kLines; ++line)
    store_line(place.lines(round, rank) + line * kLineWords, value_of(round, rank, line), round);
  meet();
  for (int other = 0; other < place.topology.node.size(); ++other)
    for (std::int64_t line = kLines - 1; line >= 0; --line)
      count.look(place.lines(round, other)[line * kLineWords] == value_of(round, other, line));
}

Count publish(Place& place, double seconds) {
  Count count;
  repeat(place, seconds, 1000, count,
         [&](std::int64_t round) { write_meet_read(place, round, count, [&] { place.rendezvous->publish(); }); });
  return count;
}

Count agree(Place& place, double seconds) {
  Count count;
  repeat(place, seconds, 1000, count,
         [&](std::int64_t round) { write_meet_read(place, round, count, [&] { place.rendezvous->agree(); }); });
  return count;
}

/// Store buffering: of two ranks that store to a word of their own, arrive, and look at the other's, both see it.
Count store_buffering(Place& place, double seconds) {
  Count count;
  const int rank = place.topology.node_rank();
  repeat(place, seconds, 1000, count, [&](std::int64_t round) {
    *place.lines(round, rank) = round;
    place.rendezvous->publish();
    for (int other = 0; other < place.topology.node.size(); ++other) count.look(*place.lines(round, other) == round);
  });
  return count;
}

/// A turn goes round. Ranks sleep at once when they wait, or look without end and answer after more or less of a
/// moment: just when the others are about to fall asleep.
Count sleep_and_wake(Place& place, double seconds) {
  Count count;
  const Waiter sleeper(place.words.failure, INT_MAX);
  const auto ranks = static_cast<std::uint32_t>(place.topology.node.size());
  const auto rank = static_cast<std::uint32_t>(place.topology.node_rank());
  const std::int64_t lost_before = lost_wake_ups;
  std::uint32_t turn = 0;
  repeat(place, seconds, 200, count, [&](std::int64_t round) {
    const bool sleeps = (round + rank) % 2 == 0;
    for (std::uint32_t n = 0; n < ranks; ++n, ++turn) {
      const std::atomic_ref message(*place.lines(0, 0));
      if (turn % ranks == rank) {
        for (std::int64_t moment = round * 37 % 1500; moment > 0; --moment)
          std::atomic_signal_fence(std::memory_order_seq_cst);
        message.store(turn, std::memory_order_relaxed);
        store_and_wake(place.turn(), turn + 1);
        continue;
      }
      for (std::int64_t looks = 1; load(place.turn()) == turn; ++looks)
        if (sleeps)
          sleeper.wait_while(place.turn(), turn, OnFailure::throw_peer_failure);
        else if (looks % 10'000 == 0)
          sched_yield();
      // The others' turns may have come and gone, but not mine.
      count.look(message.load(std::memory_order_relaxed) >= turn);
    }
  });
  count.wrong += lost_wake_ups - lost_before;
  return count;
}

/// Of two agreements, somebody fails right after the first: the slowest to leave it must not take that failure for one
/// of the phase that all have passed, and the second must tell all the same, whole.
Count failures(Place& place, double seconds) {
  Count count;
  repeat(place, seconds, 50, count, [&](std::int64_t round) {
    place.renew();
    const auto failing = static_cast<int>(round % place.topology.node.size());
    const std::string message(FailureRecord::kMessageBytes, static_cast<char>('a' + round % 26));
    try {
      place.rendezvous->agree();
      count.look(true);
    } catch (const AgreedError&) {
      count.look(false);
    }
    if (place.topology.node_rank() == failing) {
      place.rendezvous->fail(ExitStatus::io, message);
    } else if (round % 2 == 0) {
      while (!place.rendezvous->has_failed()) std::atomic_signal_fence(std::memory_order_seq_cst);
      const AgreedError error = recorded_failure(place.words.failure);
      count.look(error.what() == message && error.status() == ExitStatus::io && error.world_rank() == failing);
    }
    try {
      place.rendezvous->agree();
      count.look(false);
    } catch (const AgreedError& error) {
      count.look(error.what() == message && error.status() == ExitStatus::io && error.world_rank() == failing);
    }
  });
  place.renew();
  return count;
}

/// Every number is drawn by one rank, which leases the row of that number and writes it.
Count tickets(Place& place, double seconds) {
  constexpr std::int64_t rows = 4096;
  const Topology& topology = place.topology;
  const ArrayShape even{"even", ElementType::int64, {rows, 1}};
  const ArrayShape odd{"odd", ElementType::int64, {rows, 1}};
  NodeMemory memory(topology, {.arrays = {even, odd}, .tickets = 1});
  std::array<SharedArray, 2> arrays{SharedArray(memory, even, 0), SharedArray(memory, odd, 1)};
  TicketCounter counter(memory, 0);
  Count count;
  std::int64_t drawn = 0;
  repeat(place, seconds, 10, count, [&](std::int64_t round) {
    SharedArray& array = arrays[static_cast<std::size_t>(round % 2)];
    // Every rank draws one number past the last row.
    const std::int64_t base = round * (rows + topology.ranks());
    for (std::int64_t row = counter.draw() - base; row < rows; row = counter.draw() - base) {
      const std::int64_t value = value_of(round, 0, row);
      std::memcpy(array.lease({row, row + 1}).bytes().data(), &value, sizeof value);
      ++drawn;
    }
    memory.publish();
    const std::span<const std::byte> bytes = array.read({0, rows});
    for (std::int64_t row = 0; row < rows; ++row) {
      std::int64_t value = 0;
      std::memcpy(&value, bytes.data() + row * std::ssize(bytes) / rows, sizeof value);
      count.look(value == value_of(round, 0, row));
    }
  });
  if (topology.world.sum(drawn) != count.rounds * rows) ++count.wrong;
  return count;
}

/// Every rank writes a line of each group and says that it has filled its share: one of them is told that the group is
/// full, and reads all lines of it. Each rank begins with another group, so that all of them are the last somewhere.
Count groups(Place& place, double seconds) {
  const Topology& topology = place.topology;
  const auto ranks = std::int64_t{topology.node.size()};
  const std::int64_t rank = topology.node_rank();
  // Of the array only the words of its groups are used.
  const ArrayShape shape{"a", ElementType::int64, {kLines * kGroupBytes / 8, 1}};
  NodeMemory memory(topology, {.arrays = {shape}});
  const SharedArray array(memory, shape, 0);
  NodeGroups node_groups(array);
  const std::int64_t share = row_block(kGroupBytes, ranks, rank).rows();
  Count count;
  std::int64_t full = 0;
  repeat(place, seconds, 200, count, [&](std::int64_t round) {
    for (std::int64_t n = 0; n < kLines; ++n) {
      const std::int64_t group = (n + rank * kLines / ranks + round) % kLines;
      store_line(place.lines(round, static_cast<int>(rank)) + group * kLineWords,
                 value_of(round, static_cast<int>(rank), group), round);
      if (!node_groups.fill(group, share)) continue;
      for (int other = 0; other < topology.node.size(); ++other)
        count.look(place.lines(round, other)[group * kLineWords] == value_of(round, other, group));
      ++full;
      // For the next round, which nobody begins before.
      array.group_words()[static_cast<std::size_t>(group)].bytes_filled = 0;
    }
    place.rendezvous->publish();
  });
  if (topology.world.sum(full) != count.rounds * kLines) ++count.wrong;
  return count;
}

/// One rank fills slots past the caches and others read them: each item goes to one of them, with all its lines.
Count slots(Place& place, double seconds) {
  const Topology& topology = place.topology;
  const RingShape shape{.slots = 3, .slot_bytes = kLines * kLineWords * 8};
  NodeMemory memory(topology, {.rings = {shape}});
  const int consumers = topology.ranks() - 1;
  SlotRing ring(memory, shape, 0, {.consumers = consumers});
  Count count;
  std::int64_t tags = 0;
  repeat(place, seconds, 200, count, [&](std::int64_t round) {
    if (topology.node_rank() == 0) {
      for (std::int64_t item = round * consumers; item < (round + 1) * consumers; ++item) {
        BorrowedSlot slot = ring.borrow().value();
        auto* const words = reinterpret_cast<std::int64_t*>(slot.bytes().data());
        for (std::int64_t line = 0; line < kLines; ++line)
          store_line(words + line * kLineWords, value_of(item, 0, line), round);
        ring.publish(std::move(slot), item);
      }
      return;
    }
    const TakenItem item = ring.take().value();
    const auto* const words = reinterpret_cast<const std::int64_t*>(item.bytes().data());
    for (std::int64_t line = kLines - 1; line >= 0; --line)
      count.look(words[line * kLineWords] == value_of(item.tag(), 0, line));
    tags += item.tag();
  });
  const std::int64_t items = count.rounds * consumers;
  if (topology.world.sum(tags) != items * (items - 1) / 2) ++count.wrong;
  topology.world.barrier();
  return count;
}

void run(double seconds) {
  const Environment environment;
  const Topology topology = Topology::discover(1);
  Place place(topology);
  const auto report = [&](const char* name, const Count& count) {
    const std::int64_t looks = topology.world.sum(count.looks);
    const std::int64_t wrong = topology.world.sum(count.wrong);
    if (topology.world_rank() == 0) fmt::print("{} {} {} {}\n", name, count.rounds, looks, wrong);
  };
  report("publish", publish(place, seconds));
  report("store_buffering", store_buffering(place, seconds));
  report("agree", agree(place, seconds));
  report("sleep_and_wake", sleep_and_wake(place, seconds));
  report("failures", failures(place, seconds));
  report("tickets", tickets(place, seconds));
  report("groups", groups(place, seconds));
  report("slots", slots(place, seconds));
}

}  // namespace
}  // namespace windrow

int main(int argc, char** argv) {
  windrow::run(argc > 1 ? std::strtod(argv[1], nullptr) : 1.0);
  return 0;
}
