#pragma once

#include <functional>
#include <string>

#include "mpi/failure.hpp"

namespace windrow {

/// Reads WINDROW_GRACE. *Throws*: Error(usage), on the calling rank, if it is not understood.
void read_grace();

/// MPI, from MPI_Init_thread to MPI_Finalize, and the handlers of signals. One in a process, in main.
class Environment {
 public:
  /// *Collective over* MPI_COMM_WORLD, as the destructor. *Throws*: Error(internal). Ends the run with status 3 if
  /// messages between the ranks do not get through.
  Environment();
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
  ~Environment();

  /// Ends the run on all ranks, because this rank cannot go on and others cannot be reached otherwise: removes the
  /// unfinished output, prints the message, has it reported, aborts. Of ranks that come here at the same moment one
  /// does so. *Cost*: half a second, and an empty message to every rank.
  [[noreturn]] static void abort(const Error& error) noexcept;

  /// The run is over, on all ranks, with this status; from here on a signal that ends this process ends it with that.
  static void end_with(ExitStatus status) noexcept;

  /// How long a rank waits, after a failure, for ranks that do not come: 10 seconds, or what read_grace() has read; the
  /// rank that has something to remove is half a second more impatient, so that it is the one that ends the run.
  [[nodiscard]] static double grace_s() noexcept;

  /// Whether mpirun may have begun to end this run: what is printed now would appear behind the last message.
  [[nodiscard]] static bool is_perhaps_ending() noexcept;

  /// Number of ranks of MPI_COMM_WORLD.
  [[nodiscard]] static int world_size();

  /// "Open MPI 4.1.4", as MPI itself says it.
  [[nodiscard]] static std::string library_version();
};

/// The file that must not outlive the run if a signal or Environment::abort() ends it, for the life of this object. Not
/// more than one at a time in a process. Who has made it removes it at once; a guard on another rank half a second
/// later: a process that waits for a disk does not see the signal before mpirun kills it.
class UnfinishedFile {
 public:
  enum class Role { maker, guard };

  explicit UnfinishedFile(const std::string& path, Role role = Role::maker) noexcept;
  UnfinishedFile(UnfinishedFile&& other) noexcept;
  UnfinishedFile& operator=(UnfinishedFile&& other) noexcept;
  /// The file is gone, or is to stay.
  ~UnfinishedFile();

 private:
  bool is_mine_;
};

/// The record, in memory that the ranks of a node share, by which one of them is chosen that dies when shared memory
/// runs out inside MPI, for the life of this object: the others wait for mpirun's signal, which lets each remove what
/// it has to. Not more than one at a time.
class AbortClaim {
 public:
  explicit AbortClaim(FailureRecord& record) noexcept;
  AbortClaim(const AbortClaim&) = delete;
  AbortClaim& operator=(const AbortClaim&) = delete;
  ~AbortClaim();
};

/// What Environment::abort() tells the error to, for the life of this object. Not more than one at a time.
class AbortListener {
 public:
  explicit AbortListener(std::function<void(const Error&)> tell);
  AbortListener(const AbortListener&) = delete;
  AbortListener& operator=(const AbortListener&) = delete;
  ~AbortListener();
};

}  // namespace windrow
