#pragma once

#include "mpi/failure.hpp"

namespace windrow {

/// MPI, from MPI_Init_thread to MPI_Finalize, and the handlers of signals. One in a process, in main.
class Environment {
 public:
  /// *Collective over* MPI_COMM_WORLD, as the destructor. *Throws*: Error(internal).
  Environment();
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
  ~Environment();

  /// Ends the run on all ranks at once, because this rank cannot go on and others cannot be reached otherwise: removes
  /// the unfinished output, prints the message, aborts.
  [[noreturn]] static void abort(const Error& error) noexcept;

  /// Number of ranks of MPI_COMM_WORLD.
  [[nodiscard]] static int world_size();

  /// "Open MPI 4.1.4", as MPI itself says it.
  [[nodiscard]] static std::string library_version();
};

/// The file that must not outlive this process if a signal ends it; "" for none. Not for more than one file at a time.
void remove_if_killed(const std::string& path) noexcept;

}  // namespace windrow
