#pragma once

#include <cstdint>
#include <string>

#include "base/limits.hpp"

namespace windrow {

/// What of a host an output takes.
enum class OutputPlace { elsewhere, memory, shared_memory };

/// What a host has free, in bytes, and which limit that is. Further what remedies are computed from.
struct HostResources {
  std::int64_t shared_memory_free = 0;
  std::string shared_memory_folder;
  std::int64_t memory_free = 0;
  std::string memory_limit;  ///< "the memory of this host", or the control group that bounds it

  std::string shared_memory_mount = {};  ///< the tmpfs that the folder lies in; "" if it is none
  std::int64_t shared_memory_total = 0;  ///< its size
  std::string shared_memory_disk = {};   ///< the kind of file system instead, if that is not in memory: "ext4"
  std::string other_tmpfs = {};          ///< the roomiest other tmpfs that this user may write to; "" if there is none
  std::int64_t other_tmpfs_free = 0;
  bool is_container = false;            ///< Docker's or its like
  std::int64_t host_memory_free = 0;    ///< whatever the control groups leave of it
  std::string control_group = {};       ///< "" unless one is the limit of the memory
  std::int64_t control_group_used = 0;  ///< of its limit, by what cannot be dropped

  OutputPlace output_place = OutputPlace::elsewhere;  ///< memory where rank 0 is on this host and writes to a tmpfs
};

/// Looks at the folder of shared windows, at the available memory and at the limits of the control groups (v1 and v2)
/// of this process. The system's own files are looked for below `root`. *Cost*: a few small files. *Throws*: nothing;
/// what cannot be read does not bound.
[[nodiscard]] HostResources find_host_resources(const std::string& root = "/");

/// What an output written on this host takes of it: memory if its folder is a tmpfs or ramfs, and shared memory if that
/// is the file system of the windows. "" is no output. *Throws*: as io::output_folder().
[[nodiscard]] OutputPlace find_output_place(const std::string& output, const HostResources& resources);

}  // namespace windrow
