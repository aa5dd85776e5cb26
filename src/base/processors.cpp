#include "base/processors.hpp"

#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string_view>
#include <utility>

#ifdef WINDROW_HAS_HWLOC
#include <hwloc.h>
#endif

namespace windrow {
namespace {

namespace fs = std::filesystem;

std::string first_line(const fs::path& path) {
  std::string line;
  std::getline(std::ifstream(path), line);
  return line;
}

/// What the first process may run on: all, in a container that it is bounded to. A job of a batch system, and whoever
/// was started with `taskset`, may have less.
ProcessorSet open_processors(const fs::path& root) {
  std::ifstream status(root / "proc/1/status");
  for (std::string line; std::getline(status, line);) {
    constexpr std::string_view name = "Cpus_allowed_list:";
    if (line.starts_with(name)) return processor_set(line.substr(name.size()));
  }
  return ~ProcessorSet();
}

#ifdef WINDROW_HAS_HWLOC

using HwlocTopology = std::unique_ptr<hwloc_topology, decltype(&hwloc_topology_destroy)>;

/// None if hwloc finds nothing out.
std::vector<Processor> ask_hwloc() {
  hwloc_topology_t made = nullptr;
  if (hwloc_topology_init(&made) != 0) return {};
  const HwlocTopology topology(made, hwloc_topology_destroy);
  // Also what a job of a batch system may not use.
  hwloc_topology_set_flags(made, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED);
  // Caches, packages and devices take most of the time.
  hwloc_topology_set_all_types_filter(made, HWLOC_TYPE_FILTER_KEEP_NONE);
  hwloc_topology_set_type_filter(made, HWLOC_OBJ_CORE, HWLOC_TYPE_FILTER_KEEP_ALL);
  hwloc_topology_set_type_filter(made, HWLOC_OBJ_GROUP, HWLOC_TYPE_FILTER_KEEP_STRUCTURE);
  if (hwloc_topology_load(made) != 0) return {};
  std::vector<Processor> processors;
  for (hwloc_obj_t unit = nullptr; (unit = hwloc_get_next_obj_by_type(made, HWLOC_OBJ_PU, unit)) != nullptr;) {
    if (unit->os_index >= kMostProcessors) continue;
    const auto number = static_cast<int>(unit->os_index);
    const hwloc_obj_t core = hwloc_get_ancestor_obj_by_type(made, HWLOC_OBJ_CORE, unit);
    Processor processor{.number = number, .core = core == nullptr ? number : hwloc_bitmap_first(core->cpuset)};
    // Where memory of several kinds is near, the ordinary one comes first.
    for (hwloc_obj_t node = nullptr; (node = hwloc_get_next_obj_by_type(made, HWLOC_OBJ_NUMANODE, node)) != nullptr;) {
      if (hwloc_bitmap_isset(node->cpuset, unit->os_index) == 0) continue;
      processor.domain = static_cast<int>(node->os_index);
      break;
    }
    processors.push_back(processor);
  }
  return processors;
}

#else

std::vector<Processor> ask_hwloc() {
  return {};
}

#endif

/// A number for each processor, such as that of its domain.
using Numbers = std::vector<int>;

Numbers read_domains(const fs::path& nodes) {
  Numbers domains(kMostProcessors, 0);
  // Domains are numbered and listed as processors are; those that are memory alone have no processors.
  const ProcessorSet online = processor_set(first_line(nodes / "online"));
  for (std::size_t domain = 0; domain < online.size(); ++domain) {
    if (!online[domain]) continue;
    const ProcessorSet inside = processor_set(first_line(nodes / fmt::format("node{}", domain) / "cpulist"));
    for (std::size_t number = 0; number < inside.size(); ++number)
      if (inside[number]) domains[number] = static_cast<int>(domain);
  }
  return domains;
}

int read_core(const fs::path& processor, int number) {
  const ProcessorSet siblings = processor_set(first_line(processor / "topology/thread_siblings_list"));
  for (std::size_t sibling = 0; sibling < siblings.size(); ++sibling)
    if (siblings[sibling]) return static_cast<int>(sibling);
  return number;
}

std::vector<Processor> with_open_ones(std::vector<Processor> processors, const fs::path& root) {
  const ProcessorSet open = open_processors(root);
  for (Processor& processor : processors) processor.is_open = open[static_cast<std::size_t>(processor.number)];
  std::ranges::sort(processors, {}, &Processor::number);
  return processors;
}

}  // namespace

std::vector<Processor> read_processors(const std::string& root) {
  const fs::path system = fs::path(root) / "sys/devices/system";
  ProcessorSet online = processor_set(first_line(system / "cpu/online"));
  if (online.none()) online = processors_of_this_process();
  const Numbers domains = read_domains(system / "node");
  std::vector<Processor> processors;
  for (std::size_t n = 0; n < online.size(); ++n) {
    if (!online[n]) continue;
    const auto number = static_cast<int>(n);
    processors.push_back({.number = number,
                          .core = read_core(system / "cpu" / fmt::format("cpu{}", number), number),
                          .domain = domains[n]});
  }
  return with_open_ones(std::move(processors), root);
}

std::vector<Processor> find_processors() {
  std::vector<Processor> processors = ask_hwloc();
  // An environment variable may have hwloc tell of another host (HWLOC_XMLFILE): not of this process's processors.
  ProcessorSet known;
  for (const Processor& processor : processors) known.set(static_cast<std::size_t>(processor.number));
  if ((processors_of_this_process() & ~known).any()) return read_processors();
  return with_open_ones(std::move(processors), "/");
}

ProcessorSet processors_of_this_process() {
  ProcessorSet set;
  std::array<cpu_set_t, kMostProcessors / CPU_SETSIZE> masks{};
  const bool is_told = sched_getaffinity(0, sizeof masks, masks.data()) == 0;
  const auto online = static_cast<std::size_t>(sysconf(_SC_NPROCESSORS_ONLN));
  for (std::size_t number = 0; number < set.size(); ++number)
    set[number] = is_told ? CPU_ISSET_S(number, sizeof masks, masks.data()) : number < online;
  return set;
}

ProcessorSet processor_set(const std::string& list) {
  ProcessorSet set;
  std::istringstream ranges(list);
  for (std::string range; std::getline(ranges, range, ',');) {
    std::istringstream numbers(range);
    std::size_t first = 0;
    if (!(numbers >> first)) continue;
    char dash = '\0';
    std::size_t last = first;
    if (numbers >> dash) numbers >> last;
    for (std::size_t number = first; number <= last && number < set.size(); ++number) set.set(number);
  }
  return set;
}

std::string processor_list(const ProcessorSet& set) {
  std::string list;
  for (std::size_t first = 0; first < set.size(); ++first) {
    if (!set[first]) continue;
    std::size_t last = first;
    while (last + 1 < set.size() && set[last + 1]) ++last;
    list += fmt::format("{}{}", list.empty() ? "" : ",", first);
    if (last > first) list += fmt::format("-{}", last);
    first = last;
  }
  return list;
}

}  // namespace windrow
