#pragma once

#include <optional>
#include <string>

#include "job/host_resources.hpp"
#include "job/plan.hpp"

// What a plan needs against what there is. Each function returns the message for the user: need, free, where, and
// remedies that were tried on the plan before they are told; none if all fits. Local.
namespace windrow {

/// Why a host cannot hold its part of the plan in shared memory or memory.
[[nodiscard]] std::optional<std::string> find_memory_shortage(const LoadedDeck& deck, const Plan& plan, int host,
                                                              const std::string& host_name,
                                                              const HostResources& resources);

/// Why the windows of a host will be slow, although they fit: their folder is not in memory.
[[nodiscard]] std::optional<std::string> find_windows_on_disk(const Plan& plan, int host,
                                                              const HostResources& resources);

/// Why the limits of a process of a node do not let it make its window or write the output, as a leader does.
[[nodiscard]] std::optional<std::string> find_limit_shortage(const Plan& plan, int node, bool is_leader,
                                                             const ProcessLimits& limits);

/// Why the folder of the output cannot hold the file.
[[nodiscard]] std::optional<std::string> find_disk_shortage(const LoadedDeck& deck, const Plan& plan);

}  // namespace windrow
