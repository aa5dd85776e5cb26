#pragma once

#include <benchmark/benchmark.h>

#include <functional>
#include <optional>
#include <string>

#include "mpi/topology.hpp"

// Comparisons over MPI ranks. Two programs for the same work are run in turn, baseline and candidate, in one process;
// what counts is what each pair yields, since the speed of a machine drifts by more than the differences of interest.
// Whole commands are compared by scripts tests/bench/*/compare, with comparison.py; tests/bench/table prints all rows.
namespace windrow::bench {

/// The ranks of the running benchmark.
[[nodiscard]] const Topology& topology();

/// Whether it is only to be seen that the benchmarks run (`--smoke`): one pair each, and small arrays.
[[nodiscard]] bool is_smoke();

/// Measures the part of a program between begin() and end(): from a barrier to the end of the slowest rank.
class Clock {
 public:
  /// *Collective over* the world.
  void begin();
  void end();
  /// What was measured in another way: seconds of another process, or bytes (Kind::memory). On rank 0; others:
  /// anything.
  void record(double value) { value_ = value; }
  [[nodiscard]] double value() const { return value_; }

 private:
  double begin_ = 0.0;
  double value_ = 0.0;
};

/// One of the two programs of a comparison: does the work once, on every rank.
using Program = std::function<void(Clock& clock)>;

/// What is made of a pair, and on which side of it the aim is.
enum class Kind {
  speed,   ///< baseline / candidate: how many times as fast; at least the aim
  share,   ///< candidate / baseline: which part of its time; at most the aim
  extra,   ///< candidate / baseline - 1: what is paid on top; at most the aim
  above,   ///< candidate - baseline, in seconds; at most the aim
  memory,  ///< candidate / baseline, of bytes given to Clock::record(); at most the aim
};

/// A row of the table. `section` is one of first fill, fill again, random numbers, control, output, compressed output,
/// whole job, memory, start, or a new one, which comes last.
struct Comparison {
  std::string name;     ///< for --benchmark_filter: "cold/static/auto"
  std::string section;  ///< of the table: "first fill"
  std::string what;     ///< "every rank its own rows"
  std::string against;  ///< "shared window of MPI, plain stores"
  Program baseline;
  Program candidate;
  Kind kind = Kind::speed;
  std::optional<double> aim = std::nullopt;
  std::int64_t bytes = 0;       ///< that the candidate moves, where a rate means something
  std::int64_t operations = 1;  ///< that a run does, where the time of one means more
  int pairs = 21;
  /// For the README: rows with the same headline are one line there, told apart by their variants.
  std::string headline = {};
  std::string variant = {};
};

/// Registers a comparison. Reported are, as counters, `value` (the median of what the pairs yield) with its quartiles
/// `q1` and `q3`, the medians `baseline` and `candidate` (seconds of one operation, or bytes) and the rest of the row.
void compare(Comparison comparison);

/// The main function of a benchmark: MPI around Google Benchmark, with rank 0 as reporter. `declare` calls compare();
/// `clean_up` frees, on all ranks, what lasts from one comparison to the next and needs MPI.
int run(
    int argc, char** argv, const std::function<void()>& declare, const std::function<void()>& clean_up = [] {});

}  // namespace windrow::bench
