#include "harness.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <string_view>
#include <thread>
#include <vector>

#include "mpi/environment.hpp"

namespace windrow::bench {
namespace {

std::unique_ptr<Topology> ranks;
bool smoke = false;

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

std::string_view name_of(Kind kind) {
  switch (kind) {
    case Kind::speed:
      return "speed";
    case Kind::share:
      return "share";
    case Kind::extra:
      return "extra";
    case Kind::above:
      return "above";
    case Kind::memory:
      break;
  }
  return "memory";
}

double yield(Kind kind, double baseline, double candidate) {
  switch (kind) {
    case Kind::speed:
      return baseline / candidate;
    case Kind::extra:
      return candidate / baseline - 1.0;
    case Kind::above:
      return candidate - baseline;
    case Kind::share:
    case Kind::memory:
      break;
  }
  return candidate / baseline;
}

/// What the table says of a row apart from its figures; comparison.py writes the same.
std::string label(const Comparison& row) {
  nlohmann::ordered_json text{{"section", row.section},    {"what", row.what},         {"against", row.against},
                              {"kind", name_of(row.kind)}, {"headline", row.headline}, {"variant", row.variant}};
  if (row.aim) text["aim"] = *row.aim;
  return text.dump();
}

double measured(const Program& program) {
  Clock clock;
  program(clock);
  return clock.value();
}

void run_pairs(benchmark::State& state, const Comparison& row) {
  // Once without being counted: caches, the allocator, the host's memory behind a virtual machine's.
  if (!smoke) {
    (void)measured(row.baseline);
    (void)measured(row.candidate);
  }
  std::vector<double> values;
  std::vector<double> baselines;
  std::vector<double> candidates;
  bool baseline_first = true;
  for (auto _ : state) {
    const double first = measured(baseline_first ? row.baseline : row.candidate);
    const double second = measured(baseline_first ? row.candidate : row.baseline);
    baselines.push_back(baseline_first ? first : second);
    candidates.push_back(baseline_first ? second : first);
    values.push_back(yield(row.kind, baselines.back(), candidates.back()));
    state.SetIterationTime(row.kind == Kind::memory ? 1.0 : candidates.back());
    baseline_first = !baseline_first;
  }
  const auto operations = static_cast<double>(row.operations);
  state.counters["value"] = quantile(values, 0.5);
  state.counters["q1"] = quantile(values, 0.25);
  state.counters["q3"] = quantile(values, 0.75);
  state.counters["baseline"] = quantile(baselines, 0.5) / operations;
  state.counters["candidate"] = quantile(candidates, 0.5) / operations;
  if (row.bytes != 0) state.counters["GB/s"] = 1e-9 * static_cast<double>(row.bytes) / quantile(candidates, 0.5);
  state.SetLabel(label(row));
}

/// A barrier at which a rank sleeps: one that has nothing to measure leaves the processor to the others.
void wait_asleep() {
  MPI_Request request = MPI_REQUEST_NULL;
  check_mpi(MPI_Ibarrier(ranks->world.handle(), &request), "MPI_Ibarrier");
  for (int done = 0; done == 0;) {
    check_mpi(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "MPI_Test");
    if (done == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

/// Takes `--smoke` out of the arguments: Google Benchmark would not know it.
void read_arguments(int& argc, char** argv) {
  char** const end = std::remove_if(
      argv + 1, argv + argc, [](const char* word) { return std::string_view(word) == "--smoke" && (smoke = true); });
  argc = static_cast<int>(end - argv);
  benchmark::Initialize(&argc, argv);
}

}  // namespace

const Topology& topology() {
  return *ranks;
}

bool is_smoke() {
  return smoke;
}

void Clock::begin() {
  ranks->world.barrier();
  begin_ = MPI_Wtime();
}

void Clock::end() {
  value_ = ranks->world.maximum(MPI_Wtime() - begin_);
}

void compare(Comparison comparison) {
  const std::string name = comparison.name;
  const int pairs = smoke ? 1 : comparison.pairs;
  // The same number on all ranks: programs are collective, and ranks that stopped at different times would wait for
  // ever.
  benchmark::RegisterBenchmark(name.c_str(),
                               [row = std::move(comparison)](benchmark::State& state) { run_pairs(state, row); })
      ->Iterations(pairs)
      ->UseManualTime()
      ->Unit(benchmark::kMillisecond);
}

int run(int argc, char** argv, const std::function<void()>& declare, const std::function<void()>& clean_up) {
  const Environment environment;
  ranks = std::make_unique<Topology>(Topology::discover(1));
  read_arguments(argc, argv);
  declare();
  if (ranks->world_rank() == 0) {
    benchmark::RunSpecifiedBenchmarks();
  } else {
    NoReport none;
    benchmark::RunSpecifiedBenchmarks(&none);
  }
  benchmark::Shutdown();
  wait_asleep();
  clean_up();
  ranks.reset();
  return 0;
}

}  // namespace windrow::bench
