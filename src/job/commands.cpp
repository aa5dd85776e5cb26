#include "job/commands.hpp"

#include <filesystem>
#include <thread>

#include "base/standard_output.hpp"
#include "base/units.hpp"
#include "io/output_target.hpp"
#include "io/verify.hpp"
#include "job/batch_script.hpp"
#include "job/plan.hpp"
#include "job/preflight.hpp"
#include "job/shortage.hpp"
#include "mpi/launcher.hpp"

namespace windrow {
namespace {

LoadedDeck load(const DeckArguments& arguments, Registry registry) {
  return load_deck(deck::load(arguments.deck, arguments.overrides), registry);
}

const JobEntry& job_named(const std::string& name, Registry registry) {
  const JobEntry* const entry = find_job(registry, name);
  if (entry == nullptr) throw Error(ExitStatus::usage, unknown_job(registry, name));
  return *entry;
}

int processors() {
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

/// A node as the command line describes it; what it leaves out does not bound.
std::optional<HostResources> described_node(const PlanOptions& options) {
  if (!options.node_memory && !options.node_shared_memory) return std::nullopt;
  // Linux gives /dev/shm half of the memory unless told otherwise.
  const std::int64_t memory = options.node_memory.value_or(kUnlimited);
  return HostResources{
      .shared_memory_free = options.node_shared_memory.value_or(options.node_memory ? memory / 2 : kUnlimited),
      .shared_memory_folder = "/dev/shm",
      .memory_free = memory,
      .memory_limit = "the node"};
}

/// What the run may take: the nodes described or this host, if it is to be asked.
std::optional<HostResources> resources_for(const PlanOptions& options, const std::string& output) {
  if (!options.here) return described_node(options);
  HostResources resources = find_host_resources();
  resources.output_place = find_output_place(output, resources);
  return resources;
}

/// As a run would make it: with `memory.stream = "auto"` arrays that do not fit pass through.
Plan plan_for(const LoadedDeck& deck, const Machine& machine, const std::optional<HostResources>& resources) {
  Plan plan = Plan::make(deck, machine);
  if (deck.common->streaming != Streaming::automatic || !resources) return plan;
  if (!find_memory_shortage(deck, plan, 0, host_name(), *resources)) return plan;
  deck.stream();
  return Plan::make(deck, machine);
}

/// What a run on this host would say before it computes.
void check_here(const std::string& deck_path, const LoadedDeck& deck, const Plan& plan,
                const HostResources& resources) {
  if (!plan.file.empty()) {
    check_is_not_deck(plan.file, deck_path);
    io::check_output(plan.file, {.overwrite = deck.common->overwrite});
    check_drawings(deck);
  }
  for (const auto& shortage :
       {find_memory_shortage(deck, plan, 0, host_name(), resources),
        find_limit_shortage(plan, 0, true, find_process_limits()), find_disk_shortage(deck, plan)})
    if (shortage) throw Error(ExitStatus::resources, *shortage);
  if (const auto finding = find_windows_on_disk(plan, 0, resources)) say(fmt::format("windrow: {}", *finding));
}

std::string verdict_on_nodes(const LoadedDeck& deck, const Plan& plan, const std::optional<HostResources>& node) {
  if (!node) return "";
  const std::optional<std::string> shortage = find_memory_shortage(deck, plan, 0, "such a node", *node);
  return fmt::format("fits         {}\n", shortage ? "no: " + *shortage : "yes");
}

}  // namespace

ExitStatus check_command(const DeckArguments& arguments, Registry registry) {
  const LoadedDeck deck = load(arguments, registry);
  show(deck::effective(deck.keys));
  return ExitStatus::done;
}

ExitStatus plan_command(const DeckArguments& arguments, const PlanOptions& options, Registry registry) {
  if (options.sbatch && arguments.deck == "-")
    throw Error(ExitStatus::usage,
                "--sbatch of a deck from standard input: the script would not find it when it starts\n"
                "  try: a file");
  const LoadedDeck deck = load(arguments, registry);
  const int ranks = options.ranks > 0 ? options.ranks : processors() * options.nodes;
  if (options.nodes > ranks)
    throw Error(ExitStatus::usage, "--nodes {} are more than --ranks {}: every node has a rank", options.nodes, ranks);
  const std::optional<HostResources> resources = resources_for(options, deck.common->output_file);
  const Plan plan = plan_for(deck, equal_nodes(ranks, options.nodes), resources);
  if (options.json)
    show(plan_json(plan));
  else if (options.sbatch)
    show(batch_script(plan, {.windrow = std::filesystem::read_symlink("/proc/self/exe").string(),
                             .deck = arguments.deck,
                             .overrides = arguments.overrides}));
  else
    show(fmt::format("{}{}", plan_text(plan), verdict_on_nodes(deck, plan, described_node(options))));
  if (!options.here) return ExitStatus::done;
  check_here(arguments.deck, deck, plan, *resources);
  return ExitStatus::done;
}

ExitStatus deck_command(const std::string& job, Registry registry) {
  show(deck::commented(declare_deck(job_named(job, registry)).keys));
  return ExitStatus::done;
}

ExitStatus list_command(Registry registry) {
  for (const JobEntry& entry : registry) show(fmt::format("{:<12} {}\n", entry.name, entry.summary));
  return ExitStatus::done;
}

ExitStatus help_command(const std::string& job, bool markdown, Registry registry) {
  const JobEntry& entry = job_named(job, registry);
  const LoadedDeck deck = declare_deck(entry);
  if (markdown)
    show(fmt::format("## {}: {}\n\n{}", entry.name, entry.summary, deck::markdown(deck.keys)));
  else
    show(fmt::format("{}: {}\n\n{}\nA deck to start from: windrow deck {}\n", entry.name, entry.summary,
                     deck::help(deck.keys), entry.name));
  return ExitStatus::done;
}

ExitStatus verify_command(const std::string& path) {
  const io::VerifyReport report = io::verify(path, {.threads = processors(), .progress = {}});
  for (const io::ArrayLayout& array : report.arrays) {
    const std::string shape = array.extents.one_dimensional
                                  ? fmt::format("{}", array.extents.rows)
                                  : fmt::format("{} x {}", array.extents.rows, array.extents.cols);
    show(fmt::format("{:<12} {} of {}, {}: unchanged\n", array.name, shape, name_of(array.type),
                     format_bytes(array.data.bytes)));
  }
  show(fmt::format("{} is whole and unchanged: {} in {}, {:.1f} GB/s\n", path, format_bytes(report.file_bytes),
                   format_seconds(report.seconds), static_cast<double>(report.file_bytes) / report.seconds * 1e-9));
  return ExitStatus::done;
}

}  // namespace windrow
