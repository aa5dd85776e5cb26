#include "job/plan.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "array/control.hpp"
#include "base/partition.hpp"
#include "base/units.hpp"
#include "io/output_target.hpp"
#include "mpi/shared_window.hpp"

namespace windrow {
namespace {

template <typename Value>
std::int64_t sum_over_host(const Plan& plan, int host, Value&& value) {
  std::int64_t sum = 0;
  for (int node = 0; node < plan.machine.nodes(); ++node)
    if (plan.machine.host_of_node[static_cast<std::size_t>(node)] == host) sum = checked_add(sum, value(node));
  return sum;
}

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

std::string remedies(const Plan& plan, std::int64_t need, std::int64_t free, bool is_shared_memory) {
  std::string text;
  const auto add = [&](const std::string& remedy) { text += "\n  try: " + remedy; };
  if (free > 0) add(fmt::format("{} nodes of this kind", divide_up(need, free) * plan.hosts()));
  if (std::ranges::any_of(plan.needs.arrays, [](const PlannedArray& a) { return bytes_of(a.shape.type) == 8; }))
    add("a type of 4 bytes (array.type=float32) for half of it");
  if (is_shared_memory) {
    add("--shm-dir DIR, a tmpfs with more room (as root: mount -o remount,size=... /dev/shm)");
    add(fmt::format("in a container: docker run --shm-size={}m", divide_up(need, kMiB) + 64));
  }
  return text;
}

}  // namespace

int Plan::hosts() const {
  return *std::ranges::max_element(machine.host_of_node) + 1;
}

std::vector<ArrayShape> Plan::shapes() const {
  std::vector<ArrayShape> shapes;
  for (const PlannedArray& array : needs.arrays) shapes.push_back(array.shape);
  return shapes;
}

std::int64_t Plan::shared_memory_bytes(int host) const {
  return sum_over_host(*this, host, [&](int node) {
    return ranks_of(*this, node) > 1 ? SharedWindow::requested_bytes(windows[static_cast<std::size_t>(node)].bytes) : 0;
  });
}

std::int64_t Plan::memory_bytes(int host) const {
  return sum_over_host(*this, host, [&](int node) {
    return checked_add(windows[static_cast<std::size_t>(node)].bytes,
                       checked_multiply(ranks_of(*this, node), kRankBytes));
  });
}

io::FileSpec planned_file(const LoadedDeck& deck, const JobNeeds& needs) {
  io::FileSpec file{.title = deck.common->title, .source = "windrow", .arrays = {}, .scalars = {}, .provenance = {}};
  for (const std::string& name : deck.output_arrays())
    for (const PlannedArray& array : needs.arrays)
      if (array.shape.name == name)
        file.arrays.push_back({name, array.shape.type, array.shape.extents, {{"expression", array.description}}});
  return file;
}

Plan Plan::make(const LoadedDeck& deck, Machine machine) {
  Plan plan;
  plan.machine = std::move(machine);
  plan.needs = deck.job->needs(plan.machine.ranks());
  plan.tickets = plan.needs.tickets + std::ssize(plan.needs.arrays);
  for (int node = 0; node < plan.machine.nodes(); ++node)
    plan.windows.push_back(WindowLayout::make(plan.machine, node, plan.shapes(), plan.tickets));
  if (!deck.common->has_output) return plan;
  plan.file = deck.common->output_file;
  const std::int64_t provenance = std::ssize(deck.source.text) * 3 + std::int64_t{plan.machine.ranks()} * 64 +
                                  checked_multiply(plan.needs.block_records, sizeof(io::BlockRecord));
  plan.file_bytes = checked_add(io::estimated_file_bytes(planned_file(deck, plan.needs)), provenance);
  return plan;
}

std::optional<std::string> find_shortage(const Plan& plan, int host, const std::string& host_name,
                                         const HostResources& resources) {
  const std::int64_t shared = plan.shared_memory_bytes(host);
  if (shared > resources.shared_memory_free)
    return fmt::format("the run needs {} of shared memory on {}, where {} has {} free{}", format_bytes(shared),
                       host_name, resources.shared_memory_folder, format_bytes(resources.shared_memory_free),
                       remedies(plan, shared, resources.shared_memory_free, true));
  const std::int64_t memory = plan.memory_bytes(host);
  if (memory > resources.memory_free)
    return fmt::format("the run needs {} of memory on {}, where {} has {} available{}", format_bytes(memory), host_name,
                       resources.memory_limit, format_bytes(resources.memory_free),
                       remedies(plan, memory, resources.memory_free, false));
  return std::nullopt;
}

std::optional<std::string> find_disk_shortage(const Plan& plan) {
  if (plan.file.empty()) return std::nullopt;
  const std::int64_t free = io::free_disk_bytes(plan.file);
  if (plan.file_bytes <= free) return std::nullopt;
  return fmt::format(
      "the output {} needs {}, but its file system has {} free\n  try: another folder (output.file=...), or a smaller "
      "type",
      plan.file, format_bytes(plan.file_bytes), format_bytes(free));
}

std::string plan_text(const Plan& plan, const std::optional<HostResources>& node) {
  std::string text;
  for (const PlannedArray& array : plan.needs.arrays)
    text += fmt::format("{:<12} {} of {}, {}: {}\n", array.shape.name, shape_text(array.shape.extents),
                        name_of(array.shape.type), format_bytes(array.shape.extents.bytes(array.shape.type)),
                        shortened(array.description));
  text +=
      fmt::format("{:<12} {} on {} node{}, rows per rank {}\n", "ranks", plan.machine.ranks(), plan.machine.nodes(),
                  plan.machine.nodes() == 1 ? "" : "s", rows_per_rank(plan, plan.needs.arrays[0].shape.extents.rows));
  text += fmt::format("\n{:<12} {:>6} {:>16} {:>16} {:>16}\n", "node", "ranks", "rows", "window", "with processes");
  const bool all = plan.machine.nodes() <= 16;
  for (int number = 0; number < (all ? plan.machine.nodes() : 16); ++number) {
    const std::int64_t window = plan.windows[static_cast<std::size_t>(number)].bytes;
    text += fmt::format("{:<12} {:>6} {:>16} {:>16} {:>16}\n", number, ranks_of(plan, number),
                        plan.machine.rows_of_node(plan.needs.arrays[0].shape.extents.rows, number).rows(),
                        format_bytes(window), format_bytes(window + ranks_of(plan, number) * kRankBytes));
  }
  if (!all) text += fmt::format("... and {} more\n", plan.machine.nodes() - 16);
  text += plan.file.empty() ? "\nfile         none\n"
                            : fmt::format("\nfile         {}, at most {}\n", plan.file, format_bytes(plan.file_bytes));
  if (node) {
    const std::optional<std::string> shortage = find_shortage(plan, 0, "such a node", *node);
    text += fmt::format("fits         {}\n", shortage ? "no: " + *shortage : "yes");
  }
  return text;
}

std::string plan_json(const Plan& plan) {
  nlohmann::ordered_json json;
  json["schema"] = 1;
  json["ranks"] = plan.machine.ranks();
  json["nodes"] = plan.machine.nodes();
  for (const PlannedArray& array : plan.needs.arrays)
    json["arrays"].push_back({{"name", array.shape.name},
                              {"type", name_of(array.shape.type)},
                              {"rows", array.shape.extents.rows},
                              {"cols", array.shape.extents.cols},
                              {"bytes", array.shape.extents.bytes(array.shape.type)}});
  for (int number = 0; number < plan.machine.nodes(); ++number) {
    const RowRange rows = plan.machine.rows_of_node(plan.needs.arrays[0].shape.extents.rows, number);
    json["per_node"].push_back(
        {{"ranks", ranks_of(plan, number)},
         {"rows", {rows.begin, rows.end}},
         {"window_bytes", plan.windows[static_cast<std::size_t>(number)].bytes},
         {"memory_bytes", plan.memory_bytes(plan.machine.host_of_node[static_cast<std::size_t>(number)])}});
  }
  json["file"] = plan.file;
  json["file_bytes"] = plan.file_bytes;
  return json.dump(2) + "\n";
}

std::string plan_sbatch(const Plan& plan) {
  std::int64_t memory = 0;
  for (int host = 0; host < plan.hosts(); ++host) memory = std::max(memory, plan.memory_bytes(host));
  // Slurm counts the window once, for the rank that touched it; a tenth more for the page cache of the output.
  return fmt::format("#SBATCH --nodes={}\n#SBATCH --ntasks={}\n#SBATCH --ntasks-per-node={}\n#SBATCH --mem={}M\n",
                     plan.machine.nodes(), plan.machine.ranks(), *std::ranges::max_element(plan.machine.ranks_per_node),
                     divide_up(checked_add(memory, memory / 10), kMiB));
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
