#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/processors.hpp"
#include "mpi/pages.hpp"
#include "mpi/together.hpp"
#include "mpi/topology.hpp"

namespace windrow {

/// How the ranks of a host lie on its processors, in numbers: all that is sent of it.
struct HostPlacement {
  std::int64_t host = 0;
  std::int64_t ranks = 0;
  std::int64_t processors = 0;  ///< that ranks may run on, or could if they were not bound
  std::int64_t cores = 0;
  std::int64_t domains = 0;        ///< of memory (NUMA)
  std::int64_t bound = 0;          ///< ranks that may run on a part of the processors
  std::int64_t in_one_domain = 0;  ///< ranks whose processors are in one domain
  std::int64_t places = 0;         ///< cores; where there are more ranks than cores, processors
  std::int64_t reachable = 0;      ///< places that any rank may run on
  std::int64_t at_once = 0;        ///< ranks that can run at the same time, each at a place of its own
  std::int64_t pages = 0;          ///< of the ranks that are in one domain, as far as they have been looked at
  std::int64_t pages_apart = 0;    ///< of those in another domain than their rank
};

/// Looks at the processors that each rank of a host may run on. *Cost*: ranks times places, squared at worst.
[[nodiscard]] HostPlacement place_ranks(std::span<const Processor> processors, std::span<const ProcessorSet> ranks);

/// Counts the pages that are, and are not, in the domain of their rank. Not judged are those of ranks that may run in
/// several domains, and those in memory that no processor has for its own.
void count_pages(std::span<const Processor> processors, std::span<const ProcessorSet> ranks,
                 std::span<const PageSample::Domains> pages, HostPlacement& placement);

/// What makes a run slow, with the remedies, none if nothing does: ranks that share a core while others are idle; or
/// ranks that can be moved away from their memory. `host_names` are of all hosts.
[[nodiscard]] std::optional<std::string> placement_warning(std::span<const HostPlacement> hosts,
                                                           std::span<const std::string> host_names);

/// The same of pages in a domain that is not their rank's.
[[nodiscard]] std::optional<std::string> pages_warning(std::span<const HostPlacement> hosts,
                                                       std::span<const std::string> host_names);

/// "node1, node2 (16 cores)": the hosts, with their cores where more ranks are on them.
[[nodiscard]] std::string hosts_text(std::span<const HostPlacement> hosts, std::span<const std::string> host_names);

/// Where the ranks of a run may run, and where their memory is.
class Placement {
 public:
  /// *Collective over* the world. *Cost*: one rank of each host asks for its processors. *Throws*: AgreedError.
  explicit Placement(const Topology& topology);

  /// A host each, in their order, on world rank 0; elsewhere nothing.
  [[nodiscard]] const std::vector<HostPlacement>& hosts() const { return hosts_; }

  /// Finds out where sampled pages of each rank lie, where any host has several domains. *Collective over* the world.
  /// *Throws*: as `run_together`.
  void look_at_pages(const Topology& topology, const Together& run_together, const PageSample& sample);

 private:
  void gather_hosts(const Topology& topology, const Together& run_together);

  std::vector<Processor> processors_;  ///< on rank 0 of each host, as the following two
  std::vector<ProcessorSet> ranks_;
  HostPlacement own_;
  std::vector<HostPlacement> hosts_;
  bool has_domains_ = false;  ///< whether any host of the run has several
};

}  // namespace windrow
