#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>

namespace windrow {

/// What does not bound.
inline constexpr std::int64_t kUnlimited = std::numeric_limits<std::int64_t>::max();

/// Bytes that this user can still put into the file system of a folder; kUnlimited if it does not say.
[[nodiscard]] std::int64_t free_bytes_in(const std::string& folder);

/// The device number of the tmpfs, ramfs or hugetlbfs that a folder lies in, whose files are memory; none on a disk,
/// and where the kernel does not tell.
[[nodiscard]] std::optional<std::uint64_t> device_in_memory(const std::string& folder);

/// The limits of a process that a run can meet.
struct ProcessLimits {
  std::int64_t file_bytes = kUnlimited;     ///< `ulimit -f`: of a file that it writes, or makes for shared memory
  std::int64_t address_bytes = kUnlimited;  ///< `ulimit -v`: left of its address space
  std::int64_t data_bytes = kUnlimited;     ///< `ulimit -d`: left of its own memory, which shared memory is not
};

/// Those of this process, now. *Throws*: nothing; what cannot be read does not bound.
[[nodiscard]] ProcessLimits find_process_limits();

}  // namespace windrow
