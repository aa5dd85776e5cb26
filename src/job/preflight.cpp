#include "job/preflight.hpp"

#include <filesystem>
#include <fstream>
#include <string_view>

#include "job/shortage.hpp"
#include "mpi/together.hpp"

namespace windrow {
namespace {

void throw_if(const std::optional<std::string>& shortage) {
  if (shortage) throw Error(ExitStatus::resources, *shortage);
}

}  // namespace

void warn_of(const std::optional<std::string>& finding) {
  if (finding) say(fmt::format("windrow: {}", *finding));
}

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

namespace {

/// A picture replaces pictures alone: another file of its name may be a deck, or an input.
void check_drawing(const std::string& path, const io::TargetOptions& options) {
  if (path.empty()) return;
  constexpr std::string_view signature = "\x89PNG\r\n\x1a\n";
  std::string begin(signature.size(), '\0');
  std::error_code ignored;
  if (options.overwrite && std::filesystem::is_regular_file(path, ignored) &&
      std::filesystem::file_size(path, ignored) > 0 &&
      !(std::ifstream(path, std::ios::binary).read(begin.data(), std::ssize(begin)) && begin == signature))
    throw Error(ExitStatus::usage, "{} exists and is no PNG file; choose another {}", path, options.key);
  io::check_output(path, options);
}

}  // namespace

void check_drawings(const LoadedDeck& deck) {
  check_drawing(deck.common->picture, picture_options(deck));
  check_drawing(deck.common->timeline, timeline_options(deck));
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
