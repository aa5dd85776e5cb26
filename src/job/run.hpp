#pragma once

#include <optional>
#include <string>

#include "job/deck_loading.hpp"
#include "job/progress.hpp"
#include "job/report.hpp"
#include "mpi/topology.hpp"

namespace windrow {

struct RunOptions {
  std::string deck;                    ///< path, or "-"
  std::vector<std::string> overrides;  ///< key=value
  std::string report;                  ///< path of the report, "" for none
  ProgressStyle progress = ProgressStyle::automatic;
  bool quiet = false;
  double process_start_s = 0.0;  ///< of the steady clock
  std::optional<Error> mistake;  ///< what this process has found wrong before MPI started
};

/// Runs a deck from its first byte to the last message. *Collective over* MPI_COMM_WORLD. Returns the same status on
/// every rank; errors, the mistake of any rank among them, are printed by world rank 0.
[[nodiscard]] ExitStatus run_deck(const Topology& topology, const RunOptions& options, Registry registry);

}  // namespace windrow
