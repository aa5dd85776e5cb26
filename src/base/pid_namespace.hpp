#pragma once

#include <cstdint>
#include <optional>

namespace windrow {

/// The number of the pid namespace that this process is in; none for the host's own, in which all processes are seen.
/// Elsewhere, as in a container, a process that is not seen may be alive, and a number means another process than
/// outside. *Throws*: nothing; where the kernel does not tell, it is 0.
[[nodiscard]] std::optional<std::uint64_t> nested_pid_namespace();

}  // namespace windrow
