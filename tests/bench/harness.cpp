#include "harness.hpp"

#include <algorithm>
#include <memory>
#include <vector>

#include "mpi/environment.hpp"

namespace windrow::bench {
namespace {

std::unique_ptr<Topology> ranks;

/// What the ranks that do not report print: nothing.
class NoReport : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context& /*context*/) override { return true; }
  void ReportRuns(const std::vector<Run>& /*report*/) override {}
};

double quantile(std::vector<double> values, double fraction) {
  std::ranges::sort(values);
  return values[static_cast<std::size_t>(fraction * static_cast<double>(values.size() - 1) + 0.5)];
}

double timed(const Program& program) {
  Clock clock;
  program(clock);
  return clock.seconds();
}

void run_pairs(benchmark::State& state, std::int64_t bytes, const Program& baseline, const Program& candidate) {
  // Once without being counted: caches, the allocator, the host's memory behind a virtual machine's.
  (void)timed(baseline);
  (void)timed(candidate);
  std::vector<double> ratios;
  std::vector<double> baseline_s;
  std::vector<double> candidate_s;
  bool baseline_first = true;
  for (auto _ : state) {
    const double first = timed(baseline_first ? baseline : candidate);
    const double second = timed(baseline_first ? candidate : baseline);
    baseline_s.push_back(baseline_first ? first : second);
    candidate_s.push_back(baseline_first ? second : first);
    ratios.push_back(baseline_s.back() / candidate_s.back());
    state.SetIterationTime(candidate_s.back());
    baseline_first = !baseline_first;
  }
  state.counters["ratio"] = quantile(ratios, 0.5);
  state.counters["ratio_q1"] = quantile(ratios, 0.25);
  state.counters["ratio_q3"] = quantile(ratios, 0.75);
  state.counters["baseline_ms"] = 1e3 * quantile(baseline_s, 0.5);
  state.counters["candidate_ms"] = 1e3 * quantile(candidate_s, 0.5);
  state.counters["GB/s"] = 1e-9 * static_cast<double>(bytes) / quantile(candidate_s, 0.5);
}

}  // namespace

const Topology& topology() {
  return *ranks;
}

void Clock::begin() {
  ranks->world.barrier();
  begin_ = MPI_Wtime();
}

void Clock::end() {
  seconds_ = ranks->world.maximum(MPI_Wtime() - begin_);
}

void compare(const std::string& name, std::int64_t bytes, Program baseline, Program candidate, int pairs) {
  // The same number on all ranks: programs are collective, and ranks that stopped at different times would wait for
  // ever.
  benchmark::RegisterBenchmark(name.c_str(),
                               [bytes, baseline = std::move(baseline), candidate = std::move(candidate)](
                                   benchmark::State& state) { run_pairs(state, bytes, baseline, candidate); })
      ->Iterations(pairs)
      ->UseManualTime()
      ->Unit(benchmark::kMillisecond);
}

int run(int argc, char** argv, const std::function<void()>& clean_up) {
  const Environment environment;
  ranks = std::make_unique<Topology>(Topology::discover(1));
  benchmark::Initialize(&argc, argv);
  if (ranks->world_rank() == 0) {
    benchmark::RunSpecifiedBenchmarks();
  } else {
    NoReport none;
    benchmark::RunSpecifiedBenchmarks(&none);
  }
  benchmark::Shutdown();
  clean_up();
  ranks.reset();
  return 0;
}

}  // namespace windrow::bench
