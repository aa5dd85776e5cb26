#pragma once

#include <cstdint>
#include <string>

namespace windrow {

/// What this host has free, in bytes, and which limit that is.
struct HostResources {
  std::int64_t shared_memory_free = 0;
  std::string shared_memory_folder;
  std::int64_t memory_free = 0;
  std::string memory_limit;  ///< "the memory of this host" or the cgroup that bounds it
};

/// Looks at the folder of shared windows, at the available memory and at the limits of the control groups (v1 and v2)
/// of this process. *Cost*: a few small files. *Throws*: nothing; what cannot be read does not bound.
[[nodiscard]] HostResources find_host_resources();

}  // namespace windrow
