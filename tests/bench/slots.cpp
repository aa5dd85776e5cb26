// Arrays on the move between two ranks of a node: the number of a slot against a bouncing cache line, an array in a
// slot against MPI_Send and MPI_Recv.
#include <mpi.h>

#include <atomic>
#include <memory>
#include <numeric>
#include <vector>

#include "array/slot_ring.hpp"
#include "harness.hpp"

namespace windrow::bench {
namespace {

constexpr std::int64_t kArrayBytes = 8'000'000;

std::int64_t repetitions() {
  return is_smoke() ? 1'000 : 100'000;
}

std::int64_t arrays() {
  return is_smoke() ? 5 : 100;
}

bool is_producer() {
  return topology().world_rank() == 0;
}

/// Two ranks take part, whatever the number of ranks is; a single one has nobody to hand anything to.
bool is_consumer() {
  return topology().world_rank() == 1;
}

/// The words that bounce, at the begin of a window.
struct alignas(64) BouncingLine {
  std::int64_t value;
};

struct Ring {
  explicit Ring(const RingShape& shape) : memory(topology(), {.rings = {shape}}), ring(memory, shape, 0, {}) {}
  NodeMemory memory;
  SlotRing ring;
};

/// A program that hands over so many items, `fill` and `read` being done with each.
template <typename Fill, typename Read>
Program through_ring(const RingShape& shape, std::int64_t items, Fill fill, Read read) {
  return [=](Clock& clock) {
    Ring slots(shape);
    clock.begin();
    if (is_producer())
      for (std::int64_t n = 0; n < items; ++n) {
        BorrowedSlot slot = slots.ring.borrow().value();
        fill(slot.bytes());
        slots.ring.publish(std::move(slot), n);
      }
    if (is_consumer())
      for (std::int64_t n = 0; n < items; ++n) read(slots.ring.take().value().bytes());
    clock.end();
  };
}

Program numbers_through_ring(std::int64_t slots, std::int64_t slot_bytes) {
  return through_ring(
      {.slots = slots, .slot_bytes = slot_bytes}, repetitions(), [](auto) {}, [](auto) {});
}

void bounce(Clock& clock) {
  NodeMemory memory(topology(), {.tickets = 1});
  const std::atomic_ref word(memory.control().tickets[0].next);
  clock.begin();
  if (is_producer() || is_consumer())
    for (std::int64_t n = 0; n < repetitions(); ++n) {
      const std::int64_t mine = 2 * n + (is_producer() ? 0 : 1);
      while (word.load(std::memory_order_acquire) != mine) {
      }
      word.store(mine + 1, std::memory_order_release);
    }
  clock.end();
}

void fill(std::span<std::byte> bytes) {
  auto* const numbers = reinterpret_cast<double*>(bytes.data());
  std::fill(numbers, numbers + bytes.size() / sizeof(double), 2.5);
}

void read(std::span<const std::byte> bytes) {
  const auto* const numbers = reinterpret_cast<const double*>(bytes.data());
  double sums[8] = {};
  const std::size_t count = bytes.size() / sizeof(double);
  for (std::size_t n = 0; n + 8 <= count; n += 8)
    for (std::size_t lane = 0; lane < 8; ++lane) sums[lane] += numbers[n + lane];
  benchmark::DoNotOptimize(sums);
}

void through_messages(Clock& clock) {
  std::vector<std::byte> array(kArrayBytes);
  const MPI_Comm world = topology().world.handle();
  fill(array);
  clock.begin();
  if (is_producer())
    for (std::int64_t n = 0; n < arrays(); ++n) {
      fill(array);
      check_mpi(MPI_Send(array.data(), static_cast<int>(kArrayBytes), MPI_BYTE, 1, 0, world), "MPI_Send");
    }
  if (is_consumer())
    for (std::int64_t n = 0; n < arrays(); ++n) {
      check_mpi(MPI_Recv(array.data(), static_cast<int>(kArrayBytes), MPI_BYTE, 0, 0, world, MPI_STATUS_IGNORE),
                "MPI_Recv");
      read(array);
    }
  clock.end();
}

void declare_comparisons() {
  if (topology().node.size() < 2) return;
  compare({.name = "slots/number",
           .section = "slots",
           .what = "the number of a slot, there and back",
           .against = "a cache line, there and back",
           .baseline = bounce,
           .candidate = numbers_through_ring(1, 64),
           .kind = Kind::share,
           .aim = 1.25,
           .operations = repetitions()});
  compare({.name = "slots/cycle",
           .section = "slots",
           .what = "borrow, publish, take and give back, 8 slots",
           .against = "200 ns",
           .baseline = [](Clock& clock) { clock.record(200e-9 * static_cast<double>(repetitions())); },
           .candidate = numbers_through_ring(8, 64),
           .kind = Kind::share,
           .aim = 1.0,
           .operations = repetitions()});
  compare({.name = "slots/size",
           .section = "slots",
           .what = "the same with slots of 8 MB",
           .against = "with slots of 64 bytes",
           .baseline = numbers_through_ring(8, 64),
           .candidate = numbers_through_ring(8, kArrayBytes),
           .kind = Kind::extra,
           .aim = 0.05,
           .operations = repetitions()});
  compare({.name = "slots/array",
           .section = "slots",
           .what = "8 MB filled, handed over and read, 3 slots",
           .against = "`MPI_Send` and `MPI_Recv`",
           .baseline = through_messages,
           .candidate = through_ring({.slots = 3, .slot_bytes = kArrayBytes}, arrays(), fill, read),
           .aim = 2.0,
           .bytes = kArrayBytes,
           .operations = arrays()});
}

}  // namespace
}  // namespace windrow::bench

int main(int argc, char** argv) {
  return windrow::bench::run(argc, argv, windrow::bench::declare_comparisons);
}
