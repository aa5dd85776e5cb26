#include "job/plan.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "array/control.hpp"
#include "base/partition.hpp"
#include "base/units.hpp"
#include "io/file_layout.hpp"
#include "io/node_shares.hpp"
#include "io/output_target.hpp"
#include "io/staging.hpp"
#include "mpi/shared_window.hpp"

namespace windrow {
namespace {

int ranks_of(const Plan& plan, int node) {
  return plan.machine.ranks_per_node[static_cast<std::size_t>(node)];
}

std::int64_t divide_up(std::int64_t a, std::int64_t b) {
  return b <= 0 ? 0 : a / b + (a % b != 0 ? 1 : 0);
}

std::string shortened(const std::string& text) {
  constexpr std::size_t longest = 60;
  return text.size() <= longest ? text : text.substr(0, longest - 3) + "...";
}

std::string shape_text(const Extents& extents) {
  return extents.one_dimensional ? fmt::format("{}", extents.rows) : fmt::format("{} x {}", extents.rows, extents.cols);
}

/// "500" or "285 to 286": the rows of the largest and the smallest row block.
std::string rows_per_rank(const Plan& plan, std::int64_t rows) {
  const std::int64_t smallest = rows / plan.machine.ranks();
  const std::int64_t largest = divide_up(rows, plan.machine.ranks());
  return smallest == largest ? fmt::format("{}", largest) : fmt::format("{} to {}", smallest, largest);
}

/// The rows that each node has of the first array.
std::vector<RowRange> rows_of_nodes(const Plan& plan) {
  const std::int64_t rows = plan.needs.arrays[0].shape.extents.rows;
  const int ranks = plan.machine.ranks();
  std::vector<RowRange> nodes;
  int first = 0;
  for (const int node_ranks : plan.machine.ranks_per_node) {
    nodes.push_back({row_block(rows, ranks, first).begin, row_block(rows, ranks, first + node_ranks - 1).end});
    first += node_ranks;
  }
  return nodes;
}

/// What a file tells of who filled which block, and where.
std::int64_t bytes_of_run(const JobNeeds& needs, int ranks) {
  return std::int64_t{ranks} * 64 + checked_multiply(needs.block_records, sizeof(io::BlockRecord));
}

}  // namespace

WindowNeeds window_needs(const LoadedDeck& deck, const JobNeeds& needs, int ranks) {
  WindowNeeds window{.tickets = needs.tickets,
                     .staging_bytes = planned_staging_bytes(deck, needs, ranks),
                     .rings = needs.rings,
                     .pages = deck.common->pages};
  for (const PlannedArray& array : needs.arrays) window.arrays.push_back(array.in_window(ranks));
  for (const PlannedArray& replica : needs.replicas) window.replicas.push_back(replica.shape);
  return window;
}

MemoryNeed memory_need(const WindowLayout& window, int ranks, std::int64_t rank_bytes) {
  return {.shared_memory = ranks > 1 ? SharedWindow::free_bytes_wanted(window.bytes) : 0,
          .memory = checked_add(window.bytes, checked_multiply(ranks, checked_add(kRankBytes, rank_bytes)))};
}

io::FileSpec planned_file(const LoadedDeck& deck, const JobNeeds& needs) {
  std::string given = deck.source.text;
  for (const std::string& override : deck.source.overrides) given += fmt::format("# command line: {}\n", override);
  io::FileSpec file{.title = deck.common->title,
                    .source = fmt::format("windrow {}", WINDROW_VERSION),
                    .arrays = {},
                    .scalars = {},
                    .provenance = {},
                    .compression = deck.common->compression};
  file.provenance.texts = {{"deck", std::move(given)}, {"effective_deck", deck::effective(deck.keys)}};
  for (const std::string& name : deck.output_arrays()) {
    for (const PlannedArray& array : needs.arrays) {
      if (array.shape.name != name) continue;
      file.arrays.push_back(
          {name, array.shape.type, array.shape.extents, {{"expression", array.description}}, array.sample});
      // By this xarray, and `evaluate`, take them for truth values again.
      if (array.shape.type == ElementType::int8) file.arrays.back().attributes.push_back({"dtype", "bool"});
    }
  }
  for (const PlannedScalar& scalar : needs.scalars) {
    const bool is_float = scalar.type == ElementType::float64;
    file.scalars.push_back({scalar.name, is_float ? std::variant<std::int64_t, double>(0.0) : std::int64_t{0}, {}});
  }
  return file;
}

std::int64_t planned_staging_bytes(const LoadedDeck& deck, const JobNeeds& needs, int ranks) {
  if (!deck.common->has_output) return 0;
  return io::StagingShape::of(planned_file(deck, needs), ranks).bytes_per_rank();
}

std::int64_t planned_file_bytes(const LoadedDeck& deck, const JobNeeds& needs, int ranks) {
  return checked_add(io::estimated_file_bytes(planned_file(deck, needs)), bytes_of_run(needs, ranks));
}

std::int64_t planned_certain_bytes(const LoadedDeck& deck, const JobNeeds& needs, int ranks) {
  return checked_add(io::certain_file_bytes(planned_file(deck, needs)), bytes_of_run(needs, ranks));
}

Plan Plan::make(const LoadedDeck& deck, Machine machine) {
  Plan plan;
  plan.machine = std::move(machine);
  const int ranks = plan.machine.ranks();
  plan.needs = deck.job->needs(ranks);
  plan.windows = WindowLayout::make_all(plan.machine, window_needs(deck, plan.needs, ranks));
  plan.hosts.resize(static_cast<std::size_t>(*std::ranges::max_element(plan.machine.host_of_node)) + 1);
  for (int node = 0; node < plan.machine.nodes(); ++node) {
    const auto number = static_cast<std::size_t>(node);
    const MemoryNeed need = memory_need(plan.windows[number], ranks_of(plan, node), plan.needs.rank_bytes);
    MemoryNeed& host = plan.hosts[static_cast<std::size_t>(plan.machine.host_of_node[number])];
    host.shared_memory = checked_add(host.shared_memory, need.shared_memory);
    host.memory = checked_add(host.memory, need.memory);
  }
  if (!deck.common->has_output) return plan;
  plan.file = deck.common->output_file;
  plan.is_compressed = deck.common->compression != 0;
  plan.file_bytes = planned_file_bytes(deck, plan.needs, ranks);
  plan.certain_file_bytes = planned_certain_bytes(deck, plan.needs, ranks);
  // Where several nodes write, arrays may have to begin with large blocks of the file system.
  if (!plan.is_compressed && io::writing_nodes(plan.machine.nodes(), deck.common->writers) > 1) {
    const std::int64_t begins = std::ssize(deck.output_arrays()) + 1;
    plan.file_bytes = checked_add(plan.file_bytes, begins * (io::kMostUnitBytes - io::kPageBytes));
  }
  return plan;
}

std::string plan_text(const Plan& plan) {
  std::string text;
  for (const PlannedArray& array : plan.needs.arrays)
    text += fmt::format("{:<12} {} of {}, {}{}: {}\n", array.shape.name, shape_text(array.shape.extents),
                        name_of(array.shape.type), format_bytes(array.shape.bytes()),
                        array.panel_rows ? fmt::format(", {} rows at a time", *array.panel_rows) : "",
                        shortened(array.description));
  text +=
      fmt::format("{:<12} {} on {} node{}, rows per rank {}\n", "ranks", plan.machine.ranks(), plan.machine.nodes(),
                  plan.machine.nodes() == 1 ? "" : "s", rows_per_rank(plan, plan.needs.arrays[0].shape.extents.rows));
  for (std::size_t number = 0; number < plan.needs.passes.size(); ++number)
    text += fmt::format("{:<12} {}\n", fmt::format("pass {}", number + 1), plan.needs.passes[number]);
  text += fmt::format("\n{:<12} {:>6} {:>16} {:>16} {:>16}\n", "node", "ranks", "rows", "window", "with processes");
  const bool all = plan.machine.nodes() <= 16;
  const std::vector<RowRange> rows = rows_of_nodes(plan);
  for (int number = 0; number < (all ? plan.machine.nodes() : 16); ++number) {
    const std::int64_t window = plan.windows[static_cast<std::size_t>(number)].bytes;
    text += fmt::format("{:<12} {:>6} {:>16} {:>16} {:>16}\n", number, ranks_of(plan, number),
                        rows[static_cast<std::size_t>(number)].rows(), format_bytes(window),
                        format_bytes(memory_need(plan.windows[static_cast<std::size_t>(number)], ranks_of(plan, number),
                                                 plan.needs.rank_bytes)
                                         .memory));
  }
  if (!all) text += fmt::format("... and {} more\n", plan.machine.nodes() - 16);
  text += plan.file.empty() ? "\nfile         none\n"
                            : fmt::format("\nfile         {}, at most {}{}\n", plan.file, format_bytes(plan.file_bytes),
                                          plan.is_compressed ? ", less as its arrays can be compressed" : "");
  return text;
}

std::string plan_json(const Plan& plan) {
  nlohmann::ordered_json json;
  json["schema"] = 1;
  json["ranks"] = plan.machine.ranks();
  json["nodes"] = plan.machine.nodes();
  for (const PlannedArray& array : plan.needs.arrays) {
    json["arrays"].push_back({{"name", array.shape.name},
                              {"type", name_of(array.shape.type)},
                              {"rows", array.shape.extents.rows},
                              {"cols", array.shape.extents.cols},
                              {"bytes", array.shape.bytes()}});
    if (array.panel_rows) json["arrays"].back()["panel_rows"] = *array.panel_rows;
  }
  if (!plan.needs.passes.empty()) json["passes"] = plan.needs.passes;
  const std::vector<RowRange> rows = rows_of_nodes(plan);
  for (int number = 0; number < plan.machine.nodes(); ++number) {
    const WindowLayout& window = plan.windows[static_cast<std::size_t>(number)];
    json["per_node"].push_back(
        {{"ranks", ranks_of(plan, number)},
         {"rows", {rows[static_cast<std::size_t>(number)].begin, rows[static_cast<std::size_t>(number)].end}},
         {"window_bytes", window.bytes},
         {"memory_bytes", plan.need_of(plan.machine.host_of_node[static_cast<std::size_t>(number)]).memory}});
  }
  json["file"] = plan.file;
  json["file_bytes"] = plan.file_bytes;
  return json.dump(2) + "\n";
}

Machine equal_nodes(int ranks, int nodes) {
  Machine machine{{}, {}};
  for (int node = 0; node < nodes; ++node) {
    machine.ranks_per_node.push_back(static_cast<int>(row_block(ranks, nodes, node).rows()));
    machine.host_of_node.push_back(node);
  }
  return machine;
}

}  // namespace windrow
