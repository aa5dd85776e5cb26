#include "base/pid_namespace.hpp"

#include <sys/stat.h>

namespace windrow {

std::optional<std::uint64_t> nested_pid_namespace() {
  // PROC_PID_INIT_INO of the kernel: the same number on every host since Linux 3.8.
  constexpr std::uint64_t of_the_host = 0xEFFFFFFC;
  struct stat status {};
  if (stat("/proc/self/ns/pid", &status) != 0) return 0;
  if (status.st_ino == of_the_host) return std::nullopt;
  return status.st_ino;
}

}  // namespace windrow
