#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/error.hpp"
#include "job/placement.hpp"
#include "kernel/kernels.hpp"
#include "mpi/pages.hpp"

namespace windrow {

/// A phase of the run, over all ranks.
struct PhaseReport {
  std::string name;
  double seconds = 0.0;    ///< of the slowest rank
  double mean_s = 0.0;     ///< over the ranks
  std::int64_t bytes = 0;  ///< moved by all ranks; 0 where a rate means nothing
};

/// A number that the job has found.
struct ScalarResult {
  std::string name;
  std::variant<std::int64_t, double> value;
};

/// What is not finite of an array of floats.
struct NotFiniteElements {
  std::string array;
  kernel::NotFinite count = {};
};

/// What `--report` writes and the closing table shows.
struct Report {
  std::string job;
  int ranks = 0;
  int nodes = 0;
  ExitStatus status = ExitStatus::internal;
  std::string error;
  std::string output;
  std::string level;              ///< of the vector kernels
  std::int64_t window_bytes = 0;  ///< of all nodes
  PageCounts pages;               ///< of all ranks
  std::vector<std::string> host_names;
  std::vector<HostPlacement> placement;  ///< of the hosts that are known so far
  std::vector<ScalarResult> results;
  std::vector<NotFiniteElements> not_finite;
  std::vector<std::string> remarks;  ///< of the job, for people
  std::vector<PhaseReport> phases;
};

[[nodiscard]] std::string report_json(const Report& report);

/// Replaces an earlier report or an empty file, but no other: at once, so that who is killed meanwhile leaves one of
/// the two whole; where only the file itself may be changed, in place. *Throws*: Error(io), on the calling rank.
void write_report(const std::string& path, const Report& report);

/// A line for each array with elements that are not finite, "v: 3 NaN, 1 infinite"; "" if all are.
[[nodiscard]] std::string not_finite_text(const Report& report);

/// The table that ends a run: phase, seconds, GB/s, imbalance.
[[nodiscard]] std::string phase_table(const Report& report);

}  // namespace windrow
