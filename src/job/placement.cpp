#include "job/placement.hpp"

#include <algorithm>
#include <cstring>
#include <functional>
#include <limits>
#include <set>
#include <type_traits>

#include "base/error.hpp"
#include "mpi/fault_point.hpp"
#include "mpi/launcher.hpp"

namespace windrow {
namespace {

bool is_in(const ProcessorSet& set, const Processor& processor) {
  return set[static_cast<std::size_t>(processor.number)];
}

/// The different numbers that processors of a set have: of their cores, of their domains.
std::set<int> numbers_of(std::span<const Processor> processors, const ProcessorSet& set, int Processor::*number) {
  std::set<int> numbers;
  for (const Processor& processor : processors)
    if (is_in(set, processor)) numbers.insert(processor.*number);
  return numbers;
}

/// Gives ranks places of their own, as many as can have one: the largest matching, by augmenting paths.
class Seating {
 public:
  explicit Seating(std::size_t places) : holder_(places, kNobody) {}

  /// Whether one more rank, that can be at these places, gets one; others may have to move for it.
  bool seat(const std::vector<std::size_t>& wanted) {
    wanted_.push_back(wanted);
    visited_.assign(holder_.size(), false);
    return seat(wanted_.size() - 1);
  }

 private:
  static constexpr std::size_t kNobody = std::numeric_limits<std::size_t>::max();

  // NOLINTNEXTLINE(misc-no-recursion): as deep as there are places
  bool seat(std::size_t rank) {
    for (const std::size_t place : wanted_[rank]) {
      if (holder_[place] != kNobody) continue;
      holder_[place] = rank;
      return true;
    }
    for (const std::size_t place : wanted_[rank]) {
      if (visited_[place]) continue;
      visited_[place] = true;
      if (!seat(holder_[place])) continue;
      holder_[place] = rank;
      return true;
    }
    return false;
  }

  std::vector<std::vector<std::size_t>> wanted_;
  std::vector<std::size_t> holder_;
  std::vector<bool> visited_;
};

/// The first of the hosts to which something applies, and how many others there are.
std::string some_hosts(std::span<const HostPlacement> hosts, std::span<const std::string> host_names,
                       bool (*applies)(const HostPlacement&)) {
  const auto others = std::ranges::count_if(hosts, applies) - 1;
  const auto first = std::ranges::find_if(hosts, applies);
  return host_names[static_cast<std::size_t>(first->host)] +
         (others > 0 ? fmt::format(" (and alike on {} other host{})", others, others == 1 ? "" : "s") : "");
}

/// Ranks share a place while another is idle.
bool is_crowded(const HostPlacement& host) {
  return host.at_once < std::min(host.ranks, host.places);
}

/// Ranks can be moved away from the memory that they have filled. More ranks than processors take turns anyway, and a
/// single one is seldom moved.
bool is_loose(const HostPlacement& host) {
  return host.domains > 1 && host.ranks > 1 && host.ranks <= host.processors && host.in_one_domain < host.ranks;
}

/// A page now and then is elsewhere on any host.
bool is_apart(const HostPlacement& host) {
  return 4 * host.pages_apart > host.pages;
}

const HostPlacement* find(std::span<const HostPlacement> hosts, bool (*applies)(const HostPlacement&)) {
  const auto found = std::ranges::find_if(hosts, applies);
  return found == hosts.end() ? nullptr : &*found;
}

/// A value of every rank of a host, on its rank 0; elsewhere nothing. *Collective over* the world.
template <typename Value>
std::vector<Value> gather_on_host(const Topology& topology, const Together& run_together, const Value& own) {
  static_assert(std::is_trivially_copyable_v<Value>);
  const std::vector<std::byte> bytes = gather(topology.host, run_together, std::as_bytes(std::span(&own, 1)));
  std::vector<Value> all;
  run_together([&] {
    all.resize(bytes.size() / sizeof(Value));
    if (!bytes.empty()) std::memcpy(all.data(), bytes.data(), bytes.size());
  });
  return all;
}

}  // namespace

HostPlacement place_ranks(std::span<const Processor> processors, std::span<const ProcessorSet> ranks) {
  ProcessorSet reachable;
  for (const ProcessorSet& rank : ranks) reachable |= rank;
  // Where the first process may not run, who set a processor apart for this run may have it run there.
  ProcessorSet usable;
  for (const Processor& processor : processors)
    if (processor.is_open || is_in(reachable, processor)) usable.set(static_cast<std::size_t>(processor.number));

  const std::set<int> cores = numbers_of(processors, usable, &Processor::core);
  HostPlacement placement{.ranks = std::ssize(ranks),
                          .processors = static_cast<std::int64_t>(usable.count()),
                          .cores = std::ssize(cores),
                          .domains = std::ssize(numbers_of(processors, usable, &Processor::domain))};
  const auto kind = placement.ranks > placement.cores ? &Processor::number : &Processor::core;
  const std::set<int> numbers = numbers_of(processors, usable, kind);
  const std::vector<int> places(numbers.begin(), numbers.end());
  placement.places = std::ssize(places);
  placement.reachable = std::ssize(numbers_of(processors, reachable, kind));

  Seating seating(places.size());
  for (const ProcessorSet& rank : ranks) {
    std::vector<std::size_t> wanted;
    for (const int number : numbers_of(processors, rank, kind))
      wanted.push_back(static_cast<std::size_t>(std::ranges::lower_bound(places, number) - places.begin()));
    placement.at_once += seating.seat(wanted) ? 1 : 0;
    placement.bound += (rank & usable) == usable ? 0 : 1;
    placement.in_one_domain += numbers_of(processors, rank, &Processor::domain).size() == 1 ? 1 : 0;
  }
  return placement;
}

void count_pages(std::span<const Processor> processors, std::span<const ProcessorSet> ranks,
                 std::span<const PageSample::Domains> pages, HostPlacement& placement) {
  const std::set<int> all = numbers_of(processors, ~ProcessorSet(), &Processor::domain);
  for (std::size_t rank = 0; rank < ranks.size(); ++rank) {
    const std::set<int> own = numbers_of(processors, ranks[rank], &Processor::domain);
    if (own.size() != 1) continue;
    for (const std::int16_t domain : pages[rank]) {
      if (!all.contains(domain)) continue;
      ++placement.pages;
      placement.pages_apart += own.contains(domain) ? 0 : 1;
    }
  }
}

std::optional<std::string> placement_warning(std::span<const HostPlacement> hosts,
                                             std::span<const std::string> host_names) {
  if (const HostPlacement* const host = find(hosts, is_crowded)) {
    const bool is_bounded = host->reachable < std::min(host->ranks, host->places);
    return fmt::format("of the {} ranks on {} only {} can run at a time, although it has {} {}: {}\n  try: {}",
                       host->ranks, some_hosts(hosts, host_names, is_crowded), host->at_once, host->places,
                       host->places == host->cores ? "cores" : "processors",
                       is_bounded ? "the run may use no others" : "several are bound to the same ones",
                       is_bounded ? more_cores_advice(host->ranks) : binding_advice());
  }
  if (const HostPlacement* const host = find(hosts, is_loose))
    return fmt::format(
        "{} of the {} ranks on {} are not bound to one of its {} NUMA domains: they can be moved away from the memory "
        "that they have filled\n  try: {}",
        host->ranks - host->in_one_domain, host->ranks, some_hosts(hosts, host_names, is_loose), host->domains,
        binding_advice());
  return std::nullopt;
}

std::optional<std::string> pages_warning(std::span<const HostPlacement> hosts,
                                         std::span<const std::string> host_names) {
  const HostPlacement* const host = find(hosts, is_apart);
  if (host == nullptr) return std::nullopt;
  return fmt::format(
      "of {} pages looked at on {}, {} lie in another NUMA domain than the rank that has filled them\n"
      "  try: a run without `numactl`; memory free in each domain (`numactl --hardware`), or ranks spread over them "
      "(mpirun --map-by "
      "numa)",
      host->pages, some_hosts(hosts, host_names, is_apart), host->pages_apart);
}

std::string hosts_text(std::span<const HostPlacement> hosts, std::span<const std::string> host_names) {
  std::string text;
  for (const HostPlacement& host : hosts) {
    text += fmt::format("{}{}", text.empty() ? "" : ", ", host_names[static_cast<std::size_t>(host.host)]);
    if (host.ranks > host.cores) text += fmt::format(" ({} core{})", host.cores, host.cores == 1 ? "" : "s");
  }
  return text;
}

Placement::Placement(const Topology& topology) {
  const Together run_together = [&](const std::function<void()>& body) { together(topology.world, body); };
  ranks_ = gather_on_host(topology, run_together, processors_of_this_process());
  run_together([&] {
    fault_point("start.placement");
    if (topology.host.rank() != 0) return;
    processors_ = find_processors();
    own_ = place_ranks(processors_, ranks_);
    own_.host = topology.host_of_node[static_cast<std::size_t>(topology.node_number)];
  });
  gather_hosts(topology, run_together);
  const bool has_domains = std::ranges::any_of(hosts_, [](const HostPlacement& host) { return host.domains > 1; });
  has_domains_ = topology.world.broadcast(std::int64_t{has_domains ? 1 : 0}, 0) != 0;
}

void Placement::look_at_pages(const Topology& topology, const Together& run_together, const PageSample& sample) {
  if (!has_domains_) return;
  const std::vector<PageSample::Domains> pages = gather_on_host(topology, run_together, sample.domains());
  run_together([&] { count_pages(processors_, ranks_, pages, own_); });
  gather_hosts(topology, run_together);
}

/// Tells world rank 0 of all hosts.
void Placement::gather_hosts(const Topology& topology, const Together& run_together) {
  const std::span<const HostPlacement> own(&own_, topology.host.rank() == 0 ? 1 : 0);
  const std::vector<std::byte> bytes = gather(topology.world, run_together, std::as_bytes(own));
  run_together([&] {
    hosts_.resize(bytes.size() / sizeof(HostPlacement));
    if (!bytes.empty()) std::memcpy(hosts_.data(), bytes.data(), bytes.size());
    std::ranges::sort(hosts_, {}, &HostPlacement::host);
  });
}

}  // namespace windrow
