#include "job/host_resources.hpp"

#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <vector>

#include "base/units.hpp"
#include "io/output_target.hpp"
#include "mpi/launcher.hpp"

namespace windrow {
namespace {

namespace fs = std::filesystem;

std::int64_t available_memory(const fs::path& root) {
  std::ifstream meminfo(root / "proc/meminfo");
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

/// Memory in a group that the kernel drops before it kills, the cache of files: it counts as used but does not keep
/// anybody from using it.
std::int64_t reclaimable(const fs::path& group) {
  std::ifstream file(group / "memory.stat");
  std::string name;
  std::int64_t number = 0;
  std::int64_t own = 0;
  std::int64_t with_children = 0;
  while (file >> name >> number) {
    if (name == "inactive_file" || name == "active_file") own += number;
    if (name == "total_inactive_file" || name == "total_active_file") with_children += number;
  }
  return std::max(own, with_children);
}

/// The names that a version of control groups has for what bounds memory.
struct GroupFiles {
  std::vector<const char*> limits;
  const char* usage;
};

/// Lowers the free memory to what a control group leaves.
void bound_by_group(const fs::path& group, const GroupFiles& files, HostResources& resources) {
  const std::optional<std::int64_t> usage = number_in(group / files.usage);
  if (!usage) return;
  for (const char* const limit_file : files.limits) {
    const std::optional<std::int64_t> limit = number_in(group / limit_file);
    // Without a limit version 1 has a very large one.
    if (!limit || *limit >= kUnlimited / 2) continue;
    const std::int64_t used = std::max<std::int64_t>(*usage - reclaimable(group), 0);
    const std::int64_t free = std::max<std::int64_t>(*limit - used, 0);
    if (free >= resources.memory_free) continue;
    resources.memory_free = free;
    resources.memory_limit = "the control group " + group.string();
    resources.control_group = group.string();
    resources.control_group_used = used;
  }
}

/// Where in a hierarchy a process is: "/" and "/../x" stand for its top. Inside a container the path may be that of the
/// host, which is not to be seen; the container's own group is the top.
fs::path group_below(const fs::path& top, const fs::path& path) {
  std::error_code ignored;
  fs::path group = top;
  for (const fs::path& part : path.relative_path()) {
    if (part == "..") return top;
    if (!part.empty() && part != ".") group /= part;
  }
  return fs::exists(group, ignored) ? group : top;
}

void bound_by_control_groups(const fs::path& root, HostResources& resources) {
  const fs::path groups = root / "sys/fs/cgroup";
  std::error_code ignored;
  std::ifstream memberships(root / "proc/self/cgroup");
  for (std::string line; std::getline(memberships, line);) {
    // "0::/path" is version 2; "7:memory:/path" is version 1.
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const bool is_version_2 = controllers.empty();
    if (!is_version_2 && ("," + controllers + ",").find(",memory,") == std::string::npos) continue;
    fs::path top = is_version_2 ? groups : groups / "memory";
    if (is_version_2 && fs::exists(groups / "unified", ignored)) top = groups / "unified";
    // Beyond memory.high a group is held up rather than killed: no less a limit.
    const GroupFiles files = is_version_2 ? GroupFiles{{"memory.max", "memory.high"}, "memory.current"}
                                          : GroupFiles{{"memory.limit_in_bytes"}, "memory.usage_in_bytes"};
    for (fs::path group = group_below(top, line.substr(second + 1));; group = group.parent_path()) {
      bound_by_group(group, files, resources);
      if (group == top) break;
    }
  }
}

/// What the mounts tell of a folder of the system.
struct Mount {
  std::string folder;
  std::string type;
};

std::vector<Mount> read_mounts(const fs::path& root) {
  std::vector<Mount> found;
  std::ifstream mounts(root / "proc/self/mounts");
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream words(line);
    std::string device;
    Mount mount;
    // Names with blanks are written with backslashes: no folders to advise.
    if (words >> device >> mount.folder >> mount.type && mount.folder.find('\\') == std::string::npos)
      found.push_back(std::move(mount));
  }
  return found;
}

std::int64_t total_bytes_of(const std::string& folder) {
  struct statvfs status {};
  if (statvfs(folder.c_str(), &status) != 0) return 0;
  return static_cast<std::int64_t>(status.f_blocks) * static_cast<std::int64_t>(status.f_frsize);
}

bool is_below(const std::string& folder, const std::string& mount) {
  return mount == "/" || folder == mount || folder.starts_with(mount + "/");
}

/// Not the system's own, which programs are not to fill.
bool is_for_programs(const std::string& mount) {
  for (const char* const system : {"/sys", "/proc", "/dev", "/run"})
    if (is_below(mount, system)) return is_below(mount, "/dev/shm") || is_below(mount, "/run/user");
  return true;
}

/// The file system of the shared windows, and the roomiest tmpfs beside it.
void find_tmpfs(const fs::path& root, HostResources& resources) {
  std::error_code ignored;
  const std::string own = fs::weakly_canonical(resources.shared_memory_folder, ignored).string();
  const std::vector<Mount> mounts = read_mounts(root);
  Mount own_mount;
  // Of mounts over each other the last one is seen.
  for (const Mount& mount : mounts)
    if (is_below(own, mount.folder) && mount.folder.size() >= own_mount.folder.size()) own_mount = mount;
  if (own_mount.type == "tmpfs") {
    resources.shared_memory_mount = own_mount.folder;
    resources.shared_memory_total = total_bytes_of(own_mount.folder);
  } else if (!device_in_memory(own)) {
    resources.shared_memory_disk = own_mount.type;
  }
  for (const Mount& mount : mounts) {
    if (mount.type != "tmpfs" || mount.folder == own_mount.folder || !is_for_programs(mount.folder)) continue;
    if (access(mount.folder.c_str(), W_OK | X_OK) != 0) continue;
    const std::int64_t free = free_bytes_in(mount.folder);
    if (free <= resources.other_tmpfs_free) continue;
    resources.other_tmpfs = mount.folder;
    resources.other_tmpfs_free = free;
  }
}

bool looks_like_container(const fs::path& root, const HostResources& resources) {
  // What Docker gives a container that asks for nothing else.
  constexpr std::int64_t dockers_default = 64 * kMiB;
  std::error_code ignored;
  return fs::exists(root / ".dockerenv", ignored) || fs::exists(root / "run/.containerenv", ignored) ||
         (resources.shared_memory_mount == "/dev/shm" && resources.shared_memory_total == dockers_default);
}

}  // namespace

HostResources find_host_resources(const std::string& root) {
  HostResources resources;
  resources.shared_memory_folder = shared_memory_folder();
  resources.shared_memory_free = free_bytes_in(resources.shared_memory_folder);
  find_tmpfs(root, resources);
  resources.host_memory_free = available_memory(root);
  resources.memory_free = resources.host_memory_free;
  resources.memory_limit = "the memory of this host";
  resources.is_container = looks_like_container(root, resources);
  bound_by_control_groups(root, resources);
  return resources;
}

OutputPlace find_output_place(const std::string& output, const HostResources& resources) {
  if (output.empty()) return OutputPlace::elsewhere;
  const std::optional<std::uint64_t> device = device_in_memory(io::output_folder(output));
  if (!device) return OutputPlace::elsewhere;
  return device == device_in_memory(resources.shared_memory_folder) ? OutputPlace::shared_memory : OutputPlace::memory;
}

}  // namespace windrow
