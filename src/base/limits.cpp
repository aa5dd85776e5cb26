#include "base/limits.hpp"

#include <linux/magic.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>

namespace windrow {
namespace {

template <typename Resource>
std::int64_t limit_of(Resource resource) {
  rlimit limit{};
  if (getrlimit(resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return kUnlimited;
  return static_cast<std::int64_t>(std::min<rlim_t>(limit.rlim_cur, static_cast<rlim_t>(kUnlimited)));
}

/// What this process takes of its limits now.
struct Taken {
  std::int64_t address_bytes = 0;
  std::int64_t data_bytes = 0;
};

Taken taken_by_this_process() {
  // Pages: all, resident, shared, text, 0, data.
  std::ifstream statm("/proc/self/statm");
  std::array<std::int64_t, 6> pages{};
  for (std::int64_t& number : pages) statm >> number;
  const std::int64_t page_bytes = sysconf(_SC_PAGESIZE);
  return {pages[0] * page_bytes, pages[5] * page_bytes};
}

std::int64_t left(std::int64_t limit, std::int64_t taken) {
  return limit == kUnlimited ? kUnlimited : std::max<std::int64_t>(limit - taken, 0);
}

}  // namespace

std::int64_t free_bytes_in(const std::string& folder) {
  struct statvfs status {};
  if (statvfs(folder.c_str(), &status) != 0) return kUnlimited;
  // A tmpfs mounted without a limit has no blocks at all.
  if (status.f_blocks == 0) return kUnlimited;
  return static_cast<std::int64_t>(status.f_bavail) * static_cast<std::int64_t>(status.f_frsize);
}

std::optional<std::uint64_t> device_in_memory(const std::string& folder) {
  struct statfs system {};
  struct stat status {};
  if (statfs(folder.c_str(), &system) != 0 || stat(folder.c_str(), &status) != 0) return std::nullopt;
  const auto type = static_cast<std::uint32_t>(system.f_type);
  if (type != TMPFS_MAGIC && type != RAMFS_MAGIC && type != HUGETLBFS_MAGIC) return std::nullopt;
  return status.st_dev;
}

ProcessLimits find_process_limits() {
  const Taken taken = taken_by_this_process();
  return {.file_bytes = limit_of(RLIMIT_FSIZE),
          .address_bytes = left(limit_of(RLIMIT_AS), taken.address_bytes),
          .data_bytes = left(limit_of(RLIMIT_DATA), taken.data_bytes)};
}

}  // namespace windrow
