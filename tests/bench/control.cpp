// What ranks meet at: a ticket against a contended atomic addition and MPI_Fetch_and_op, publish() against MPI_Barrier.
#include <mpi.h>

#include <atomic>
#include <memory>

#include "array/tickets.hpp"
#include "harness.hpp"

namespace windrow::bench {
namespace {

/// How often a program does its one thing, so that a run takes about a hundredth of a second.
std::int64_t repetitions() {
  return is_smoke() ? 1'000 : 100'000;
}

/// Two counters on cache lines of their own, and a window of MPI with one.
struct Control {
  NodeMemory memory{topology(), {.tickets = 2}};
  TicketCounter counter{memory, 0};
  TicketWord& word = memory.control().tickets.back();
  MPI_Win window = MPI_WIN_NULL;
  std::int64_t* mpi_word = nullptr;

  Control() {
    const bool is_leader = topology().is_leader();
    check_mpi(MPI_Win_allocate_shared(is_leader ? 64 : 0, sizeof(std::int64_t), MPI_INFO_NULL, topology().node.handle(),
                                      &mpi_word, &window),
              "MPI_Win_allocate_shared");
    if (is_leader) *mpi_word = 0;
    check_mpi(MPI_Win_lock_all(MPI_MODE_NOCHECK, window), "MPI_Win_lock_all");
    topology().node.barrier();
  }
  Control(const Control&) = delete;
  Control& operator=(const Control&) = delete;
  ~Control() {
    MPI_Win_unlock_all(window);
    MPI_Win_free(&window);
  }
};

std::unique_ptr<Control> control_of_node;

Control& control() {
  if (!control_of_node) control_of_node = std::make_unique<Control>();
  return *control_of_node;
}

void atomic_additions(Clock& clock) {
  Control& c = control();
  clock.begin();
  for (std::int64_t n = 0; n < repetitions(); ++n)
    benchmark::DoNotOptimize(std::atomic_ref(c.word.next).fetch_add(1, std::memory_order_relaxed));
  clock.end();
}

void additions_by_mpi(Clock& clock) {
  Control& c = control();
  const std::int64_t one = 1;
  std::int64_t drawn = 0;
  clock.begin();
  for (std::int64_t n = 0; n < repetitions(); ++n) {
    check_mpi(MPI_Fetch_and_op(&one, &drawn, MPI_INT64_T, 0, 0, MPI_SUM, c.window), "MPI_Fetch_and_op");
    check_mpi(MPI_Win_flush(0, c.window), "MPI_Win_flush");
    benchmark::DoNotOptimize(drawn);
  }
  clock.end();
}

void tickets(Clock& clock) {
  Control& c = control();
  clock.begin();
  for (std::int64_t n = 0; n < repetitions(); ++n) benchmark::DoNotOptimize(c.counter.draw());
  clock.end();
}

void barriers(Clock& clock) {
  clock.begin();
  for (std::int64_t n = 0; n < repetitions(); ++n) check_mpi(MPI_Barrier(topology().node.handle()), "MPI_Barrier");
  clock.end();
}

void publications(Clock& clock) {
  Control& c = control();
  clock.begin();
  for (std::int64_t n = 0; n < repetitions(); ++n) c.memory.publish();
  clock.end();
}

void declare_comparisons() {
  compare({.name = "control/ticket/atomic",
           .section = "control",
           .what = "a ticket, drawn by all at once",
           .against = "an atomic addition, contended the same way",
           .baseline = atomic_additions,
           .candidate = tickets,
           .kind = Kind::share,
           .aim = 1.5,
           .operations = repetitions()});
  compare({.name = "control/ticket/mpi",
           .section = "control",
           .what = "a ticket, drawn by all at once",
           .against = "`MPI_Fetch_and_op` + `MPI_Win_flush`",
           .baseline = additions_by_mpi,
           .candidate = tickets,
           .aim = 6.0,
           .operations = repetitions()});
  compare({.name = "control/publish",
           .section = "control",
           .what = "`publish()`",
           .against = "`MPI_Barrier`",
           .baseline = barriers,
           .candidate = publications,
           .kind = Kind::share,
           .aim = 0.5,
           .operations = repetitions()});
}

}  // namespace
}  // namespace windrow::bench

int main(int argc, char** argv) {
  return windrow::bench::run(argc, argv, windrow::bench::declare_comparisons,
                             [] { windrow::bench::control_of_node.reset(); });
}
