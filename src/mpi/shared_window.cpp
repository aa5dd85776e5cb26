#include "mpi/shared_window.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <exception>
#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "base/extents.hpp"
#include "base/limits.hpp"
#include "base/units.hpp"
#include "mpi/fault_point.hpp"
#include "mpi/launcher.hpp"
#include "mpi/together.hpp"

namespace windrow {
namespace {

/// A line of /proc/self/maps.
struct Mapping {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
  std::int64_t file_offset = 0;
  bool is_shared = false;
  std::string file;
};

/// The first mapping of this process that is wanted. *Throws*: Error(resources), on the calling rank.
std::optional<Mapping> find_mapping(const std::function<bool(const Mapping&)>& is_wanted) {
  std::ifstream maps("/proc/self/maps");
  if (!maps) throw Error(ExitStatus::resources, "cannot read /proc/self/maps: {}", errno_text(errno));
  for (std::string line; std::getline(maps, line);) {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    std::uint64_t offset = 0;
    char permissions[5] = {};
    int name = 0;
    if (std::sscanf(line.c_str(), "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %*s %*s %n", &begin, &end, permissions,
                    &offset, &name) != 4)
      continue;
    const Mapping mapping{begin, end, static_cast<std::int64_t>(offset), permissions[3] == 's',
                          line.substr(static_cast<std::size_t>(name))};
    if (is_wanted(mapping)) return mapping;
  }
  if (maps.bad()) throw Error(ExitStatus::resources, "cannot read /proc/self/maps");
  return std::nullopt;
}

std::optional<Mapping> mapping_of(const void* address) {
  const auto wanted = reinterpret_cast<std::uintptr_t>(address);
  return find_mapping([&](const Mapping& mapping) { return mapping.begin <= wanted && wanted < mapping.end; });
}

std::int64_t alignment_for(std::int64_t bytes) {
  return bytes >= SharedWindow::kHugeFrom ? kExtentBytes : kPageBytes;
}

/// Why a window cannot be had on this rank, with what is known of the limits it may have met.
Error allocation_failure(std::int64_t request, bool is_shared, const std::string& why) {
  const ProcessLimits limits = find_process_limits();
  const std::string folder = shared_memory_folder();
  std::string found;
  const auto add = [&](std::int64_t free, std::string_view what) {
    if (free != kUnlimited) found += fmt::format("\n  found: {} {}", format_bytes(free), what);
  };
  if (is_shared) add(free_bytes_in(folder), "free in " + folder);
  add(limits.address_bytes, "of address space left by `ulimit -v`");
  if (!is_shared) add(limits.data_bytes, "of memory left by `ulimit -d`");
  if (is_shared) add(limits.file_bytes, "allowed to a file by `ulimit -f`");
  if (const std::string choice = choice_of_windows(); !choice.empty())
    found += fmt::format("\n  found: {} in the environment, which must leave MPI its `sm`", choice);
  return {ExitStatus::resources,
          "a window of {} {} cannot be allocated: {}{}\n  try: {}",
          format_bytes(request),
          is_shared ? "in " + folder : "in the memory of a process",
          why,
          found,
          is_shared ? fmt::format("free what others hold in {0} (`df -h {0}`, `df -i {0}`), --shm-dir with another "
                                  "tmpfs, or a larger limit",
                                  folder)
                    : "a larger limit, more ranks, or a smaller type or array"};
}

/// Whether a mapping of so many bytes can be had; else an errno value.
int try_mapping(std::int64_t bytes, bool is_shared) {
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | (is_shared ? MAP_NORESERVE : 0);
  const auto length = static_cast<std::size_t>(bytes);
  void* const address = mmap(nullptr, length, is_shared ? PROT_NONE : PROT_READ | PROT_WRITE, flags, -1, 0);
  if (address == MAP_FAILED) return errno;
  munmap(address, length);
  return 0;
}

/// Whether a file of so many bytes, of which nothing is written, can be made in a folder; else an errno value.
int try_file(const std::string& folder, std::int64_t bytes) {
  const int file = open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  // Not every file system can make a file without a name.
  if (file < 0) return errno == EOPNOTSUPP || errno == EISDIR ? 0 : errno;
  const int error_number = ftruncate(file, bytes) == 0 ? 0 : errno;
  close(file);
  return error_number;
}

/// Whether a file can be opened; else an errno value.
int try_descriptor() {
  const int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (file < 0) return errno;
  close(file);
  return 0;
}

/// A folder by its number, which is the same under whatever name a process has it mounted.
struct FolderNumber {
  std::int64_t device = 0;
  std::int64_t inode = 0;
};

std::string text_of(const FolderNumber& folder) {
  return fmt::format("device {}:{}, inode {}", major(static_cast<dev_t>(folder.device)),
                     minor(static_cast<dev_t>(folder.device)), folder.inode);
}

/// Containers on one host may each have a /dev/shm of their own: Open MPI 4.1 goes down there with a segmentation
/// fault. *Collective over* `node`. *Throws*: the same Error(resources) on all ranks of the node.
void check_folder_is_common(const NodeComm& node) {
  const std::string folder = shared_memory_folder();
  FolderNumber own;
  together(node, [&] {
    struct stat status {};
    if (stat(folder.c_str(), &status) != 0)
      throw Error(ExitStatus::resources, "cannot make a shared window in {}: {}", folder, errno_text(errno));
    own = {static_cast<std::int64_t>(status.st_dev), static_cast<std::int64_t>(status.st_ino)};
  });
  const FolderNumber leaders{node.broadcast(own.device, 0), node.broadcast(own.inode, 0)};
  together(node, [&] {
    if (own.device == leaders.device && own.inode == leaders.inode) return;
    throw Error(ExitStatus::resources,
                "the ranks on {} have different folders for {}, and so no shared window: node rank {} has {}, node "
                "rank 0 has {}\n  try: one container for all ranks of a host; docker run --ipc=host; or --shm-dir "
                "with a folder that all of them have in common",
                processor_name(), folder, node.rank(), text_of(own), text_of(leaders));
  });
}

/// Does what MPI is going to do. If MPI itself fails on one rank alone, the others wait for it inside, or Open MPI 4.1
/// goes down with a segmentation fault: better that all know beforehand.
/// *Throws*: Error(resources), on the calling rank.
void rehearse_allocation(std::int64_t request, std::int64_t free_wanted, bool is_shared, bool is_leader) {
  const std::string folder = shared_memory_folder();
  int error_number = try_mapping(request, is_shared);
  if (error_number == 0 && is_shared) error_number = try_descriptor();
  if (error_number == 0 && is_shared && is_leader) error_number = try_file(folder, request);
  if (error_number == 0 && is_shared && is_leader && free_bytes_in(folder) < free_wanted) error_number = ENOSPC;
  if (error_number != 0) throw allocation_failure(request, is_shared, errno_text(error_number));
}

/// Whether this rank has the file of a window mapped. Open MPI 4.1 reports success also where a rank could not map what
/// the leader has made. *Throws*: as find_mapping().
bool maps_window() {
#ifdef OPEN_MPI
  return find_mapping([](const Mapping& mapping) { return mapping.file.find("/osc_sm.") != std::string::npos; })
      .has_value();
#else
  return true;
#endif
}

}  // namespace

/// Where the bytes of the window begin in MPI's mapping on this rank, and whether the memory is a mapped file.
struct SharedWindow::Place {
  std::byte* begin = nullptr;
  std::int64_t file_offset = 0;
  bool is_mapped_file = false;
};

SharedWindow::SharedWindow(const NodeComm& node, const Options& options)
    : bytes_(options.bytes), first_touch_(options.pages, false) {
  // Only the leader asks for memory: one contiguous piece, with room to align it.
  const bool is_leader = node.rank() == 0;
  const bool is_shared = node.size() > 1;
  const std::int64_t request = checked_add(bytes_, alignment_for(bytes_));
  if (is_shared) check_folder_is_common(node);
  together(node, [&] {
    fault_point("allocate.window");
    rehearse_allocation(request, free_bytes_wanted(bytes_), is_shared, is_leader);
  });
  void* base = nullptr;
  std::optional<UnfinishedWindow> unfinished(std::in_place);
  const int code = MPI_Win_allocate_shared(is_leader ? request : 0, 1, MPI_INFO_NULL, node.handle(), &base, &window_);
  // What MPI refuses to all of them is told once. Whom it refuses alone ends the run after the grace: the others wait
  // inside MPI.
  together(node, [&] {
    if (code == MPI_SUCCESS && (!is_shared || maps_window())) return;
    UnfinishedWindow::remove();
    throw allocation_failure(request, is_shared,
                             code == MPI_SUCCESS ? "MPI_Win_allocate_shared could not map it"
                                                 : mpi_error_text(code, "MPI_Win_allocate_shared"));
  });
  unfinished.reset();
  MPI_Aint leader_bytes = 0;
  int unit = 0;
  check_mpi(MPI_Win_shared_query(window_, 0, &leader_bytes, &unit, &base), "MPI_Win_shared_query");
  check_mpi(MPI_Win_lock_all(MPI_MODE_NOCHECK, window_), "MPI_Win_lock_all");

  // Agreed upon, as all that may fail from here on: no rank of the node goes on alone, and the window is freed.
  try {
    const Place place = find_place(node, base);
    together(node, [&] {
      mpi_data_ = place.begin;
      data_ = mpi_data_;
      first_touch_ = FirstTouch(options.pages, place.is_mapped_file);
      if (place.is_mapped_file) map_alias(place);
      fault_point("allocate.touch");
      if (!is_leader) return;
      touch(0, options.control_bytes);
      std::memset(data_, 0, static_cast<std::size_t>(options.control_bytes));
    });
  } catch (const Error&) {
    release();
    throw;
  }
}

std::int64_t SharedWindow::requested_bytes(std::int64_t bytes) {
  // Open MPI's words take a few hundred bytes a rank.
  return checked_add(bytes, alignment_for(bytes) + 16 * kPageBytes);
}

std::int64_t SharedWindow::free_bytes_wanted(std::int64_t bytes) {
  const std::int64_t request = requested_bytes(bytes);
  return checked_add(request, request / 20);
}

SharedWindow::Place SharedWindow::find_place(const NodeComm& node, const void* base) const {
  std::optional<Mapping> mapping;
  together(node, [&] {
    mapping = mapping_of(base);
    if (!mapping) throw Error(ExitStatus::internal, "the window's memory is not in /proc/self/maps");
  });
  // The file offset is the same for all; of a single rank's own memory, the address itself takes its place.
  const auto address = reinterpret_cast<std::uintptr_t>(base);
  const std::int64_t own_offset = mapping->is_shared
                                      ? mapping->file_offset + static_cast<std::int64_t>(address - mapping->begin)
                                      : static_cast<std::int64_t>(address);
  const std::int64_t aligned = node.broadcast(round_up(own_offset, alignment_for(bytes_)), 0);
  return {reinterpret_cast<std::byte*>(address + static_cast<std::uintptr_t>(aligned - own_offset)), aligned,
          mapping->is_shared};
}

void SharedWindow::map_alias(const Place& place) {
  const auto bytes = static_cast<std::size_t>(round_up(bytes_, kPageBytes));
  // Address space for the alias with room to choose a start that is congruent to the file offset modulo an extent.
  alias_bytes_ = bytes + static_cast<std::size_t>(kExtentBytes);
  void* const reserved = mmap(nullptr, alias_bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (reserved == MAP_FAILED) return;
  const auto extent = static_cast<std::uintptr_t>(kExtentBytes);
  const std::uintptr_t reserved_address = reinterpret_cast<std::uintptr_t>(reserved);
  const std::uintptr_t wanted = static_cast<std::uintptr_t>(place.file_offset) % extent;
  const std::uintptr_t shift = (wanted + extent - reserved_address % extent) % extent;
  void* const where = reinterpret_cast<void*>(reserved_address + shift);
  // From length 0, mremap makes a second mapping of a shared one's pages. If it cannot, MPI's own mapping has to do.
  // Asked of the kernel directly: UCX puts its own mremap over the C library's, and that one drops the last argument.
  if (syscall(SYS_mremap, place.begin, 0, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, where) == -1) {
    munmap(reserved, alias_bytes_);
    return;
  }
  alias_ = reserved;
  data_ = static_cast<std::byte*>(where);
}

SharedWindow::~SharedWindow() {
  if (std::uncaught_exceptions() == 0) release();
}

void SharedWindow::release() noexcept {
  // Before the window is freed: a forgotten alias would keep the memory.
  if (alias_ != nullptr) munmap(alias_, alias_bytes_);
  MPI_Win_unlock_all(window_);
  MPI_Win_free(&window_);
}

}  // namespace windrow
