#include "job/host_resources.hpp"

#include <sys/statvfs.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>
#include <string_view>

#include "base/units.hpp"
#include "mpi/launcher.hpp"

namespace windrow {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kUnlimited = std::numeric_limits<std::int64_t>::max();

std::int64_t free_bytes(const std::string& folder) {
  struct statvfs status {};
  if (statvfs(folder.c_str(), &status) != 0) return kUnlimited;
  // A tmpfs mounted without a limit has no blocks at all.
  if (status.f_blocks == 0) return kUnlimited;
  return static_cast<std::int64_t>(status.f_bavail) * static_cast<std::int64_t>(status.f_frsize);
}

std::int64_t available_memory() {
  std::ifstream meminfo("/proc/meminfo");
  for (std::string line; std::getline(meminfo, line);) {
    std::istringstream words(line);
    std::string name;
    std::int64_t kibibytes = 0;
    if (words >> name >> kibibytes && name == "MemAvailable:") return kibibytes * kKiB;
  }
  return kUnlimited;
}

/// The number in a control file; none for "max", and for files that are not there.
std::optional<std::int64_t> number_in(const fs::path& path) {
  std::ifstream file(path);
  std::int64_t number = 0;
  if (file >> number) return number;
  return std::nullopt;
}

/// Memory in a group that the kernel can drop: it counts as used but does not keep anybody from using it.
std::int64_t reclaimable(const fs::path& group) {
  std::ifstream file(group / "memory.stat");
  std::string name;
  std::int64_t number = 0;
  std::int64_t own = 0;
  std::int64_t with_children = 0;
  while (file >> name >> number) {
    if (name == "inactive_file") own = number;
    if (name == "total_inactive_file") with_children = number;
  }
  return std::max(own, with_children);
}

/// Lowers the free memory to what a control group and those above it leave.
void bound_by_groups(fs::path group, const fs::path& root, const char* limit_file, const char* usage_file,
                     HostResources& resources) {
  while (true) {
    const std::optional<std::int64_t> limit = number_in(group / limit_file);
    const std::optional<std::int64_t> usage = number_in(group / usage_file);
    if (limit && usage && *limit < std::numeric_limits<std::int64_t>::max() / 2) {
      const std::int64_t free = std::max<std::int64_t>(*limit - *usage + reclaimable(group), 0);
      if (free < resources.memory_free) {
        resources.memory_free = free;
        resources.memory_limit = "the control group " + group.string();
      }
    }
    if (group == root || !group.has_relative_path()) return;
    group = group.parent_path();
  }
}

void bound_by_control_groups(HostResources& resources) {
  const fs::path root = "/sys/fs/cgroup";
  std::error_code ignored;
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    // "0::/path" is version 2; "7:memory:/path" is version 1.
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string path = line.substr(second + 1);
    const bool is_version_2 = controllers.empty();
    if (!is_version_2 && ("," + controllers + ",").find(",memory,") == std::string::npos) continue;
    fs::path top = is_version_2 ? root : root / "memory";
    if (is_version_2 && fs::exists(root / "unified", ignored)) top = root / "unified";
    // Inside a container the path may be that of the host, which is not to be seen; the container's own group is the
    // top.
    fs::path group = top / fs::path(path).relative_path();
    if (!fs::exists(group, ignored)) group = top;
    if (is_version_2)
      bound_by_groups(group, top, "memory.max", "memory.current", resources);
    else
      bound_by_groups(group, top, "memory.limit_in_bytes", "memory.usage_in_bytes", resources);
  }
}

}  // namespace

HostResources find_host_resources() {
  HostResources resources;
  resources.shared_memory_folder = shared_memory_folder();
  resources.shared_memory_free = free_bytes(resources.shared_memory_folder);
  resources.memory_free = available_memory();
  resources.memory_limit = "the memory of this host";
  bound_by_control_groups(resources);
  return resources;
}

}  // namespace windrow
