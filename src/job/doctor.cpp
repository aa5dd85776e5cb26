#include "job/doctor.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/pid_namespace.hpp"
#include "base/processors.hpp"
#include "base/standard_output.hpp"
#include "base/units.hpp"
#include "job/host_resources.hpp"
#include "job/placement.hpp"
#include "kernel/level.hpp"
#include "mpi/environment.hpp"
#include "mpi/launcher.hpp"
#include "mpi/pages.hpp"

namespace windrow {
namespace {

namespace fs = std::filesystem;

void good(const std::string& what, const std::string& found) {
  show(fmt::format("ok    {:<16} {}\n", what, found));
}

/// Of several findings with one remedy the last one tells it.
void warn(const std::string& what, const std::string& found, const std::string& remedy) {
  show(fmt::format("warn  {:<16} {}\n", what, found));
  if (!remedy.empty()) show(fmt::format("{:<23}try: {}\n", "", remedy));
}

void touch_extent(std::byte* extent, const std::string& folder) {
  FirstTouch touch(PageMode::automatic, true);
  try {
    touch.touch(extent, extent + 1, extent + kExtentBytes);
    if (touch.counts().huge > 0)
      good("pages", "2 MiB pages without privilege");
    else
      warn("pages", "4 KiB pages only: a first fill takes 5 to 7 times longer",
           "Linux 6.1 or later; or a tmpfs mounted with huge=always and --shm-dir");
  } catch (const Error& error) {
    warn("shared memory", error.what(), "free some of it: `df -h " + folder + "`");
  }
}

/// Which pages a window would get: a small file in the folder of the windows is mapped and touched as they are.
void examine_pages(const std::string& folder) {
  std::string path = folder + "/windrow-doctor-XXXXXX";
  const int file = mkstemp(path.data());
  if (file < 0) {
    warn("shared memory", fmt::format("{} cannot be written to: {}", folder, errno_text(errno)),
         "--shm-dir DIR, a tmpfs that this user may write to");
    return;
  }
  unlink(path.c_str());
  constexpr auto bytes = static_cast<std::size_t>(kExtentBytes);
  // A huge page needs an address that is congruent to the file offset: the first extent of twice the address space.
  void* const space = mmap(nullptr, 2 * bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (space != MAP_FAILED && ftruncate(file, static_cast<off_t>(bytes)) == 0) {
    const std::size_t shift = bytes - reinterpret_cast<std::uintptr_t>(space) % bytes;
    auto* const extent = static_cast<std::byte*>(space) + shift;
    if (mmap(extent, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0) != MAP_FAILED)
      touch_extent(extent, folder);
    munmap(space, 2 * bytes);
  }
  close(file);
}

void examine_memory(const HostResources& resources) {
  good("memory", fmt::format("{} available within {}", format_bytes(resources.memory_free), resources.memory_limit));
  const std::string found =
      fmt::format("{} free in {}", format_bytes(resources.shared_memory_free), resources.shared_memory_folder);
  if (!resources.shared_memory_disk.empty())
    warn("shared memory", fmt::format("{}, which is on a disk ({})", found, resources.shared_memory_disk),
         "--shm-dir DIR, a tmpfs");
  else if (resources.shared_memory_free < resources.memory_free / 3)
    warn("shared memory", found,
         "mount -o remount,size=90% /dev/shm (as root), docker run --shm-size=..., or --shm-dir DIR");
  else
    good("shared memory", found);
}

/// What runs of this host have, and what of it a run has that is started like this process.
void examine_processors() {
  const ProcessorSet own = processors_of_this_process();
  const std::vector<Processor> processors = find_processors();
  const HostPlacement all = place_ranks(processors, std::span(&own, 1));
  good("processors", fmt::format("{} on {} core{} in {} NUMA domain{}, vector kernels: {}", all.processors, all.cores,
                                 all.cores == 1 ? "" : "s", all.domains, all.domains == 1 ? "" : "s",
                                 kernel::name_of(kernel::best_level())));
  if (all.bound == 0) return;
  const std::string found = fmt::format("this process may run on {} of them: {}", own.count(), processor_list(own));
  // All ranks of a run that is started here would share what one rank is meant to have.
  if (!is_launched() && own.count() == 1)
    warn("binding", found, more_cores_advice(all.cores));
  else
    good("binding", found);
}

void examine_launcher() {
  good("MPI", Environment::library_version());
  if (launched_processes() > 1) good("launcher", fmt::format("started {} processes", launched_processes()));
  if (geteuid() == 0 && std::getenv("OMPI_ALLOW_RUN_AS_ROOT") == nullptr)
    warn("user", "root, whom Open MPI's mpirun refuses",
         "an ordinary user; or OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1");
  // A Conda environment's mpirun cannot start the ranks of a program built with the system's MPI.
  if (const char* const conda = std::getenv("CONDA_PREFIX");
      conda != nullptr && fs::exists(fs::path(conda) / "bin/mpirun"))
    warn("launcher", fmt::format("{}/bin/mpirun comes first on the PATH", conda),
         "`conda deactivate`, or name the mpirun that belongs to windrow's MPI");
}

bool remove(const Leftover& leftover) {
  std::error_code error;
  fs::remove_all(leftover.path, error);
  return !error;
}

void examine_leftovers(bool clean) {
  const std::vector<Leftover> leftovers = find_leftovers();
  if (leftovers.empty()) good("leftovers", "none of this user's dead runs; those of the last minute are not looked at");
  if (nested_pid_namespace()) {
    for (const Leftover& leftover : leftovers)
      warn("leftovers",
           fmt::format("{}, {}, perhaps of a live run: not all processes are seen in this container", leftover.path,
                       format_bytes(leftover.bytes)),
           "windrow doctor --clean outside of it; or rm -r " + leftover.path + ", if no other run shares its folder");
    return;
  }
  for (const Leftover& leftover : leftovers) {
    const std::string found = fmt::format("{} of a dead run, {}", leftover.path, format_bytes(leftover.bytes));
    if (!clean)
      warn("leftovers", found, &leftover == &leftovers.back() ? "windrow doctor --clean" : "");
    else if (remove(leftover))
      good("leftovers", found + ": removed");
    else
      warn("leftovers", found + ": could not be removed", "rm -r " + leftover.path);
  }
}

}  // namespace

ExitStatus doctor_command(bool clean) {
  const HostResources resources = find_host_resources();
  examine_processors();
  examine_launcher();
  examine_memory(resources);
  examine_pages(resources.shared_memory_folder);
  examine_leftovers(clean);
  return ExitStatus::done;
}

}  // namespace windrow
