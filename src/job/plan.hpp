#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "array/layout.hpp"
#include "io/file_spec.hpp"
#include "job/deck_loading.hpp"
#include "job/host_resources.hpp"

namespace windrow {

/// What a run will allocate, place and write, known before it starts.
struct Plan {
  Machine machine;
  JobNeeds needs;
  std::int64_t tickets = 0;           ///< counters: those of the job, and one an array for its checksums
  std::vector<WindowLayout> windows;  ///< one a node
  std::string file;                   ///< "" if nothing is written
  std::int64_t file_bytes = 0;        ///< at most

  [[nodiscard]] static Plan make(const LoadedDeck& deck, Machine machine);

  [[nodiscard]] int hosts() const;
  [[nodiscard]] std::vector<ArrayShape> shapes() const;
  /// Of the nodes on a host together. The window of a single rank is no shared memory.
  [[nodiscard]] std::int64_t shared_memory_bytes(int host) const;
  [[nodiscard]] std::int64_t memory_bytes(int host) const;
};

/// What a rank needs besides the window: MPI, HDF5, code and stack; measured at 30 to 45 MB with Open MPI 4.1.
inline constexpr std::int64_t kRankBytes = std::int64_t{64} << 20;

/// Why a host cannot hold its part of the plan: need, free, where, and remedies; none if it can.
[[nodiscard]] std::optional<std::string> find_shortage(const Plan& plan, int host, const std::string& host_name,
                                                       const HostResources& resources);

/// Why the folder of the output cannot hold the file; none if it can or if nothing is written.
[[nodiscard]] std::optional<std::string> find_disk_shortage(const Plan& plan);

/// The datasets of the output, without contents: what the size of the file is estimated from.
[[nodiscard]] io::FileSpec planned_file(const LoadedDeck& deck, const JobNeeds& needs);

/// The plan for people, for programs, and as lines for a batch script.
[[nodiscard]] std::string plan_text(const Plan& plan, const std::optional<HostResources>& node);
[[nodiscard]] std::string plan_json(const Plan& plan);
[[nodiscard]] std::string plan_sbatch(const Plan& plan);

/// A cluster of equal nodes, the ranks dealt evenly: what `windrow plan` assumes.
[[nodiscard]] Machine equal_nodes(int ranks, int nodes);

}  // namespace windrow
