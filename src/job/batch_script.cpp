#include "job/batch_script.hpp"

#include <algorithm>
#include <filesystem>

#include "base/units.hpp"
#include "job/quoting.hpp"

namespace windrow {
namespace {

/// Has `text` stand in place of what begins with `first` and goes on to the next `last`, which stays.
void replace(std::string& script, std::string_view first, std::string_view last, const std::string& text) {
  const std::size_t begin = script.find(first);
  const std::size_t end = begin == std::string::npos ? begin : script.find(last, begin);
  if (end == std::string::npos)
    throw Error(ExitStatus::internal, "slurm/windrow.sbatch has no '{}' before a '{}'", first, last);
  script.replace(begin, end - begin, text);
}

/// The deck's name, with nothing that means something to Slurm in a name of a job or a file.
std::string job_name(const std::string& deck) {
  std::string name = std::filesystem::path(deck).stem().string();
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_';
  };
  std::ranges::replace_if(
      name, [&](char c) { return !is_plain(c); }, '-');
  return name;
}

std::string heading(const Plan& plan, const std::string& name) {
  const int ranks = plan.machine.ranks();
  const int nodes = plan.machine.nodes();
  return fmt::format(
      "# Runs {0} on {1} rank{2} and {3} node{4}, as planned by windrow {5}:\n"
      "#\n"
      "#   sbatch {0}.sbatch\n"
      "#   sbatch {0}.sbatch --overwrite --report {0}.json\n"
      "#\n"
      "# Everything after the script goes to `windrow run`, too. Paths start from the folder that sbatch is called "
      "in.\n"
      "\n",
      name, ranks, ranks == 1 ? "" : "s", nodes, nodes == 1 ? "" : "s", WINDROW_VERSION);
}

std::string requests(const Plan& plan) {
  std::int64_t memory = 0;
  for (const MemoryNeed& host : plan.hosts) memory = std::max(memory, host.memory);
  return fmt::format(
      "#SBATCH --nodes={}\n"
      "#SBATCH --ntasks={}\n"
      "#SBATCH --ntasks-per-node={}\n"
      "# Of each node {}: its part of the shared window, which Slurm counts once, for the rank that touched it, and "
      "the\n"
      "# processes. A tenth more is for the page cache of the output.\n"
      "#SBATCH --mem={}M\n"
      "# Whole nodes: the ranks of a node fill its memory bandwidth, and a neighbour would share it.\n"
      "##SBATCH --exclusive\n",
      plan.machine.nodes(), plan.machine.ranks(), *std::ranges::max_element(plan.machine.ranks_per_node),
      format_bytes(memory), checked_add(memory, memory / 10) / kMiB + 1);
}

}  // namespace

std::string batch_script(const Plan& plan, const BatchCommand& command) {
  const std::string name = job_name(command.deck);
  std::string script(batch_template());
  replace(script, "# Runs a deck", "# ---- What a site sets", heading(plan, name));
  replace(script, "#SBATCH --job-name=", "#SBATCH --output=", fmt::format("#SBATCH --job-name={}\n", name));
  replace(script, "# Whole nodes:", "#SBATCH --time=", requests(plan));
  // What begins with a dash is an option to everything that the script calls.
  std::string words = shell_word((command.deck.starts_with('-') ? "./" : "") + command.deck);
  for (const std::string& override : command.overrides) words += fmt::format(" {}", shell_word(override));
  replace(script, "# The program:", "\n#module",
          fmt::format("# The program:\nWINDROW=${{WINDROW:-{}}}", shell_word(command.windrow)));
  replace(script, "if (($# == 0))", "\nbuilt=", fmt::format("set -- {} \"$@\"\n", words));
  return script;
}

}  // namespace windrow
