// The efficiency of the task pool: of the time in which the ranks had tasks to do, how much they were doing them.
#include <chrono>
#include <cmath>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include "array/task_pool.hpp"
#include "base/partition.hpp"
#include "harness.hpp"

namespace windrow::bench {
namespace {

constexpr double kTaskSeconds = 1e-4;  // of an equal task, and of lognormal ones in the mean

std::int64_t tasks() {
  return is_smoke() ? 50 : 4'000;
}

double now_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Arithmetic that cannot be shortened: each step needs the one before.
void compute(std::int64_t steps) {
  double x = 0.5;
  for (std::int64_t n = 0; n < steps; ++n) x = 3.7 * x * (1.0 - x);
  benchmark::DoNotOptimize(x);
}

std::int64_t steps_per_second() {
  constexpr std::int64_t steps = 5'000'000;
  const double begin = now_s();
  compute(steps);
  return static_cast<std::int64_t>(static_cast<double>(steps) / (now_s() - begin));
}

/// How many steps each task takes; the same on all ranks.
std::vector<std::int64_t> steps_of_tasks(double sigma) {
  static const std::int64_t per_second = topology().world.broadcast(steps_per_second(), 0);
  const double mean = kTaskSeconds * static_cast<double>(per_second);
  std::mt19937_64 random(7);
  std::normal_distribution<double> normal;
  std::vector<std::int64_t> steps;
  for (std::int64_t task = 0; task < tasks(); ++task)
    steps.push_back(static_cast<std::int64_t>(mean * std::exp(sigma * normal(random) - sigma * sigma / 2.0)));
  return steps;
}

/// The times of one run of the pool.
struct Run {
  double task_s = 0.0;  ///< of all tasks together, over the ranks
  double elapsed_s = 0.0;
};

Run run_pool(double sigma, Schedule schedule) {
  const std::vector<std::int64_t> steps = steps_of_tasks(sigma);
  const int ranks = topology().node.size();
  std::vector<std::int64_t> shares;
  for (int rank = 0; rank < ranks; ++rank) shares.push_back(row_block(tasks(), ranks, rank).rows());
  NodeMemory memory(topology(), {.tickets = 1});
  TaskPool pool(shares, topology().node_rank(), schedule, TicketCounter(memory, 0));
  double busy_s = 0.0;
  Clock clock;
  clock.begin();
  while (const std::optional<Task> task = pool.next()) {
    const double begin = now_s();
    compute(steps[static_cast<std::size_t>(row_block(tasks(), ranks, task->share).begin + task->number)]);
    busy_s += now_s() - begin;
  }
  clock.end();
  return {topology().world.sum(busy_s) / ranks, clock.value()};
}

/// Both times of a pair are of one run: the program that comes first runs the pool, the other takes what is left.
Program timed(double sigma, Schedule schedule, double Run::*time) {
  return [=](Clock& clock) {
    static std::optional<Run> left;
    const bool is_second = left.has_value();
    const Run run = is_second ? *std::exchange(left, std::nullopt) : run_pool(sigma, schedule);
    if (!is_second) left = run;
    clock.record(run.*time);
  };
}

/// `efficiency` is the least that is aimed at: the tasks' times over the ranks, divided by the time that it took.
void declare_pool(const char* name, const char* what, double sigma, Schedule schedule, double efficiency) {
  compare({.name = fmt::format("pool/{}", name),
           .section = "task pool",
           .what = what,
           .against = "the sum of the tasks' times, over the ranks",
           .baseline = timed(sigma, schedule, &Run::task_s),
           .candidate = timed(sigma, schedule, &Run::elapsed_s),
           .kind = Kind::extra,
           .aim = 1.0 / efficiency - 1.0});
}

void declare_comparisons() {
  declare_pool("equal", "4000 tasks of 0.1 ms each, one by one", 0.0, Schedule::dynamic, 0.98);
  declare_pool("equal/guided", "the same, guided", 0.0, Schedule::guided, 0.98);
  declare_pool("lognormal", "4000 tasks of 0.1 ms in the mean, lognormal (sigma = 1.5), one by one", 1.5,
               Schedule::dynamic, 0.95);
  declare_pool("lognormal/guided", "the same, guided", 1.5, Schedule::guided, 0.95);
}

}  // namespace
}  // namespace windrow::bench

int main(int argc, char** argv) {
  return windrow::bench::run(argc, argv, windrow::bench::declare_comparisons);
}
