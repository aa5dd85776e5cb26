#include "mpi/shared_window.hpp"

#include <sys/mman.h>

#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <exception>
#include <fstream>
#include <optional>
#include <string>

#include "base/extents.hpp"
#include "base/units.hpp"
#include "mpi/environment.hpp"
#include "mpi/launcher.hpp"

namespace windrow {
namespace {

/// A line of /proc/self/maps.
struct Mapping {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
  std::int64_t file_offset = 0;
  bool is_shared = false;
};

std::optional<Mapping> mapping_of(const void* address) {
  const auto wanted = reinterpret_cast<std::uintptr_t>(address);
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    std::uint64_t offset = 0;
    char permissions[5] = {};
    if (std::sscanf(line.c_str(), "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64, &begin, &end, permissions, &offset) != 4)
      continue;
    if (begin <= wanted && wanted < end)
      return Mapping{begin, end, static_cast<std::int64_t>(offset), permissions[3] == 's'};
  }
  return std::nullopt;
}

std::int64_t alignment_for(std::int64_t bytes) {
  return bytes >= SharedWindow::kHugeFrom ? kExtentBytes : kPageBytes;
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
  const MPI_Aint request = is_leader ? checked_add(bytes_, alignment_for(bytes_)) : 0;
  void* base = nullptr;
  const int code = MPI_Win_allocate_shared(request, 1, MPI_INFO_NULL, node.handle(), &base, &window_);
  if (code != MPI_SUCCESS) {
    remove_failed_windows();
    Environment::abort(Error(ExitStatus::resources, "MPI_Win_allocate_shared could not provide {} in {}",
                             format_bytes(bytes_), shared_memory_folder()));
  }
  MPI_Aint leader_bytes = 0;
  int unit = 0;
  check_mpi(MPI_Win_shared_query(window_, 0, &leader_bytes, &unit, &base), "MPI_Win_shared_query");
  check_mpi(MPI_Win_lock_all(MPI_MODE_NOCHECK, window_), "MPI_Win_lock_all");

  const Place place = find_place(node, base);
  data_ = place.begin;
  first_touch_ = FirstTouch(options.pages, place.is_mapped_file);
  if (place.is_mapped_file) map_alias(place);
  if (is_leader) {
    touch(0, options.control_bytes);
    std::memset(data_, 0, static_cast<std::size_t>(options.control_bytes));
  }
  node.barrier();
}

std::int64_t SharedWindow::requested_bytes(std::int64_t bytes) {
  // Open MPI's words take a few hundred bytes a rank.
  return checked_add(bytes, alignment_for(bytes) + 16 * kPageBytes);
}

SharedWindow::Place SharedWindow::find_place(const NodeComm& node, const void* base) const {
  const std::optional<Mapping> mapping = mapping_of(base);
  if (!mapping) throw Error(ExitStatus::internal, "the window's memory is not in /proc/self/maps");
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
  if (mremap(place.begin, 0, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, where) == MAP_FAILED) {
    munmap(reserved, alias_bytes_);
    return;
  }
  alias_ = reserved;
  data_ = static_cast<std::byte*>(where);
}

SharedWindow::~SharedWindow() {
  // Before the window is freed: a forgotten alias would keep the memory.
  if (alias_ != nullptr) munmap(alias_, alias_bytes_);
  if (std::uncaught_exceptions() != 0) return;
  MPI_Win_unlock_all(window_);
  MPI_Win_free(&window_);
}

}  // namespace windrow
