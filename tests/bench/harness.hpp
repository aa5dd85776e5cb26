#pragma once

#include <benchmark/benchmark.h>

#include <functional>
#include <string>

#include "mpi/topology.hpp"

// Comparisons over MPI ranks. Two programs for the same work are run in turn, baseline and candidate, in one process;
// what counts is the ratio of each pair, since the speed of a machine drifts by more than the differences of interest.
namespace windrow::bench {

/// The ranks of the running benchmark.
[[nodiscard]] const Topology& topology();

/// Measures the part of a program between begin() and end(): from a barrier to the end of the slowest rank.
class Clock {
 public:
  /// *Collective over* the world.
  void begin();
  void end();
  [[nodiscard]] double seconds() const { return seconds_; }

 private:
  double begin_ = 0.0;
  double seconds_ = 0.0;
};

/// One of the two programs of a comparison: does the work once, on every rank.
using Program = std::function<void(Clock& clock)>;

/// Registers a comparison. Reported are the candidate's time, the rate at which it moves `bytes`, and, as counters, the
/// median of the ratios (baseline's time / candidate's: above 1 the candidate is faster) with their quartiles.
void compare(const std::string& name, std::int64_t bytes, Program baseline, Program candidate, int pairs = 21);

/// The main function of a benchmark: MPI around Google Benchmark, with rank 0 as reporter. `clean_up` frees, on all
/// ranks, what lasts from one comparison to the next and needs MPI.
int run(
    int argc, char** argv, const std::function<void()>& clean_up = [] {});

}  // namespace windrow::bench
