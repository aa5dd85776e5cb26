#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// All that is particular to one MPI implementation or launcher: Open MPI's parameters and traces, and the environment
/// variables by which mpirun, mpiexec and srun tell a process of the others. Everything else is MPI-3 and Linux.
namespace windrow {

/// The name of this host, as MPI_Get_processor_name() has it, also before MPI_Init.
[[nodiscard]] std::string host_name();

/// Parameters that must be set before MPI_Init. A parameter that the user has set is left as it is.
void set_launcher_defaults();

/// Has shared windows backed by files in `folder` from the next MPI_Init on. *Throws*: Error(usage) if it is no folder,
/// on the calling rank.
void use_shared_memory_folder(const std::string& folder);

/// The folder whose free space bounds the shared windows of this host.
[[nodiscard]] std::string shared_memory_folder();

/// What the environment says on who makes shared windows, "OMPI_MCA_osc=^sm" for one; "" if nothing.
[[nodiscard]] std::string choice_of_windows();

/// Whether a launcher says that it started this process, be it the only one.
[[nodiscard]] bool is_launched();

/// How many processes the launcher of this one says that it started; 1 without a launcher.
[[nodiscard]] std::int64_t launched_processes();

/// The number that the launcher gave this process among them; 0 without a launcher.
[[nodiscard]] std::int64_t launched_number();

/// Where srun has started several processes without PMIx, Open MPI ends them in MPI_Init, in words that tell no remedy:
/// the first process does so before.
void warn_of_failing_start();

/// The option that has the launcher of this process bind each rank to a core of its own, "mpirun --bind-to core"; ""
/// without a launcher.
[[nodiscard]] std::string binding_advice();

/// How so many ranks on a host get a core each, where the run as a whole has been given fewer.
[[nodiscard]] std::string more_cores_advice(std::int64_t ranks);

/// *Throws*: Error(usage), on the calling rank, if the launcher started several processes and MPI knows of one: they
/// would each believe to be the whole run, and overwrite each other's output.
void refuse_lost_processes(int world_size);

/// The columns of the terminal that the launcher's own standard output is; none if it is no terminal. (A rank's own
/// always is one under mpirun.)
[[nodiscard]] std::optional<int> terminal_columns();

/// A window that this run allocates, for the life of this object. MPI makes a file for it, and unlinks it once all
/// ranks of the node have mapped it: where that does not come to pass, it must be removed. Not more than one at a time.
class UnfinishedWindow {
 public:
  UnfinishedWindow() noexcept;
  UnfinishedWindow(const UnfinishedWindow&) = delete;
  UnfinishedWindow& operator=(const UnfinishedWindow&) = delete;
  ~UnfinishedWindow();

  /// Removes the files of windows of this run on this host, if one is being allocated. Signal handlers may call it.
  static void remove() noexcept;
};

/// The empty folders, one in the other, that MPI has made for this process, which has no launcher, by the path of the
/// innermost; "" for none. Other such processes have the same ones.
[[nodiscard]] std::string session_folders();

/// A file or folder that a killed run has left behind.
struct Leftover {
  std::string path;
  std::int64_t bytes = 0;
};

/// What runs of this user left in shared memory and the folder for temporary files, of which no process is seen any
/// more. Those are dead where all processes are seen (nested_pid_namespace()). *Cost*: two folders read.
[[nodiscard]] std::vector<Leftover> find_leftovers();

}  // namespace windrow
