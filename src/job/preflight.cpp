#include "job/preflight.hpp"

#include <filesystem>

#include "job/shortage.hpp"
#include "mpi/together.hpp"

namespace windrow {
namespace {

void throw_if(const std::optional<std::string>& shortage) {
  if (shortage) throw Error(ExitStatus::resources, *shortage);
}

void warn_of(const std::optional<std::string>& finding) {
  if (finding) say(fmt::format("windrow: {}", *finding));
}

}  // namespace

void check_is_not_deck(const std::string& output, const std::string& deck) {
  std::error_code ignored;
  if (std::filesystem::equivalent(output, deck, ignored))
    throw Error(ExitStatus::usage, "the output {} is the deck itself; choose another output.file", output);
}

io::TargetOptions picture_options(const LoadedDeck& deck) {
  return {.overwrite = deck.common->overwrite, .durable = deck.common->durable, .key = "output.picture"};
}

io::TargetOptions timeline_options(const LoadedDeck& deck) {
  return {.overwrite = deck.common->overwrite, .durable = deck.common->durable, .key = "output.timeline"};
}

void check_drawings(const LoadedDeck& deck) {
  const CommonKeys& common = *deck.common;
  if (!common.picture.empty()) io::check_output(common.picture, picture_options(deck));
  if (!common.timeline.empty()) io::check_output(common.timeline, timeline_options(deck));
}

namespace {

/// The shortage of this rank's host; told by one rank of each host.
std::optional<std::string> memory_shortage(const Topology& topology, const LoadedDeck& deck, const Plan& plan,
                                           HostResources resources) {
  const int host = topology.host_of_node[static_cast<std::size_t>(topology.node_number)];
  if (topology.world_rank() == 0) resources.output_place = find_output_place(plan.file, resources);
  return find_memory_shortage(deck, plan, host, topology.host_names[static_cast<std::size_t>(host)], resources);
}

}  // namespace

bool fits_memory(const Topology& topology, const LoadedDeck& deck, const Plan& plan) {
  std::int64_t is_short = 0;
  together(topology.world, [&] {
    if (topology.host.rank() == 0)
      is_short = memory_shortage(topology, deck, plan, find_host_resources()).has_value() ? 1 : 0;
  });
  return topology.world.maximum(is_short) == 0;
}

void check_resources(const Topology& topology, const LoadedDeck& deck, const Plan& plan) {
  const int node = topology.node_number;
  const int host = topology.host_of_node[static_cast<std::size_t>(node)];
  together(topology.world, [&] {
    if (topology.host.rank() == 0) {
      const HostResources resources = find_host_resources();
      throw_if(memory_shortage(topology, deck, plan, resources));
      if (topology.world_rank() == 0) warn_of(find_windows_on_disk(plan, host, resources));
    }
    throw_if(find_limit_shortage(plan, node, topology.is_leader(), find_process_limits()));
    if (topology.world_rank() == 0) throw_if(find_disk_shortage(deck, plan));
  });
}

}  // namespace windrow
