// The command line: the only place with MPI start-up, argument parsing, the last catch and the exit status.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <optional>
#include <sstream>
#include <thread>

#include "base/standard_output.hpp"
#include "base/units.hpp"
#include "io/temporary.hpp"
#include "job/commands.hpp"
#include "job/context.hpp"
#include "job/doctor.hpp"
#include "job/run.hpp"
#include "jobs/registry.hpp"
#include "mpi/environment.hpp"
#include "mpi/fault_point.hpp"
#include "mpi/launcher.hpp"

namespace {

using windrow::DeckArguments;
using windrow::Error;
using windrow::ExitStatus;
using windrow::PlanOptions;
using windrow::ProgressStyle;
using windrow::RunOptions;

constexpr std::array<std::string_view, 8> kCommands{"run", "check", "plan", "deck", "list", "help", "verify", "doctor"};

/// Everything that the command line can say.
struct Arguments {
  DeckArguments deck;
  std::optional<std::string> output;
  bool overwrite = false;
  std::string shm_dir;
  int pretend_nodes = 1;
  RunOptions run;
  std::string progress = "auto";
  PlanOptions plan;
  std::string node_memory;
  std::string node_shared_memory;
  std::string job;
  bool markdown = false;
  std::string file;
  bool clean = false;
};

constexpr int kMostRanks = 1'000'000;

void add_deck(CLI::App& command, Arguments& arguments) {
  command.add_option("DECK", arguments.deck.deck, "the deck, a TOML file; - for standard input")->required();
  command.add_option("key=value", arguments.deck.overrides, "keys of the deck to set differently, array.rows=6e7");
}

void declare_run(CLI::App& app, Arguments& arguments) {
  CLI::App& command = *app.add_subcommand("run", "run a deck; under mpirun or srun on many ranks");
  add_deck(command, arguments);
  command.add_option("--output", arguments.output, "the file to write: output.file=FILE")->type_name("FILE");
  command.add_flag("--overwrite", arguments.overwrite, "replace the file if it is there: output.overwrite=true");
  command.add_option("--report", arguments.run.report, "write phases, memory and status as JSON")->type_name("FILE");
  command.add_option("--progress", arguments.progress, "auto, bar, lines (one every 30 s) or none; default: auto")
      ->check(CLI::IsMember({"auto", "bar", "lines", "none"}).description(""))
      ->type_name("STYLE");
  command.add_option("--shm-dir", arguments.shm_dir, "the folder of the shared windows, a tmpfs; default: /dev/shm")
      ->type_name("DIR");
  command.add_option("--pretend-nodes", arguments.pretend_nodes, "divide the ranks of each host into M nodes")
      ->check(CLI::Range(1, kMostRanks).description(""))
      ->type_name("M");
  command.add_flag("--quiet", arguments.run.quiet, "print errors only");
}

void declare_plan(CLI::App& app, Arguments& arguments) {
  CLI::App& command = *app.add_subcommand("plan", "what a run will allocate, place and write, without running it");
  add_deck(command, arguments);
  command.add_option("--ranks", arguments.plan.ranks, "ranks in all; default: one for every processor here")
      ->check(CLI::Range(1, kMostRanks).description(""))
      ->type_name("N");
  command.add_option("--nodes", arguments.plan.nodes, "nodes that they are on")
      ->check(CLI::Range(1, kMostRanks).description(""))
      ->type_name("M");
  command.add_option("--node-memory", arguments.node_memory, "memory of a node, 64GiB: does the run fit?")
      ->type_name("SIZE");
  command
      .add_option("--node-shm", arguments.node_shared_memory, "shared memory of a node; default: half of its memory")
      ->type_name("SIZE");
  command.add_flag("--here", arguments.plan.here, "does it fit on this machine now? exit 3 if not");
  CLI::Option* const json = command.add_flag("--json", arguments.plan.json, "as JSON");
  command.add_flag("--sbatch", arguments.plan.sbatch, "as a batch script for Slurm")->excludes(json);
}

void declare_others(CLI::App& app, Arguments& arguments) {
  add_deck(*app.add_subcommand("check", "is a deck valid; prints it with every key"), arguments);
  app.add_subcommand("deck", "print a commented deck to start from")
      ->add_option("JOB", arguments.job, "a job of `windrow list`")
      ->required();
  app.add_subcommand("list", "the jobs, a line each");
  CLI::App& help = *app.add_subcommand("help", "the keys of a job: types, defaults, meaning");
  help.add_option("JOB", arguments.job, "a job of `windrow list`");
  help.add_flag("--markdown", arguments.markdown, "as Markdown");
  app.add_subcommand("verify", "is an output whole and unchanged; exit 5 if not")
      ->add_option("FILE", arguments.file, "an output of Windrow")
      ->required();
  app.add_subcommand("doctor", "what on this machine will make runs fail or slow")
      ->add_flag("--clean", arguments.clean, "remove what dead runs of this user have left in shared memory");
}

/// The steady clock's reading when this process started.
double process_start_s() {
  const std::optional<std::int64_t> ticks = windrow::io::process_start(getpid());
  timespec since_boot{};
  if (!ticks || clock_gettime(CLOCK_BOOTTIME, &since_boot) != 0) return windrow::steady_seconds();
  const double age_s = static_cast<double>(since_boot.tv_sec) + 1e-9 * static_cast<double>(since_boot.tv_nsec) -
                       static_cast<double>(*ticks) / static_cast<double>(sysconf(_SC_CLK_TCK));
  return windrow::steady_seconds() - std::max(age_s, 0.0);
}

ProgressStyle progress_style(const std::string& name) {
  if (name == "bar") return ProgressStyle::bar;
  if (name == "lines") return ProgressStyle::lines;
  return name == "none" ? ProgressStyle::none : ProgressStyle::automatic;
}

/// What each of several processes that MPI has not brought together finds out for itself: the first one tells. The
/// others wait to be ended with it, since a launcher kills all as soon as one has failed.
ExitStatus tell_of_lost_processes(const Error& error) {
  if (windrow::launched_number() == 0)
    windrow::say(fmt::format("windrow: {}", error.what()));
  else
    std::this_thread::sleep_for(std::chrono::seconds(1));
  return error.status();
}

/// What a process takes from its own command line and environment, and may find wrong there, before MPI starts.
void set_up_process(const Arguments& arguments) {
  if (!arguments.shm_dir.empty()) windrow::use_shared_memory_folder(arguments.shm_dir);
  windrow::read_grace();
  windrow::arm_fault();
}

/// `mistake` is that of the command line, if there is one. A process that ended before MPI starts would have the
/// launcher kill the others: what is wrong on any of them is told when all can agree upon it.
ExitStatus run_command(Arguments& arguments, std::optional<Error> mistake = std::nullopt) {
  RunOptions& run = arguments.run;
  run.progress = progress_style(arguments.progress);
  run.deck = arguments.deck.deck;
  run.overrides = arguments.deck.overrides;
  run.process_start_s = process_start_s();
  if (arguments.output) run.overrides.push_back("output.file=" + *arguments.output);
  if (arguments.overwrite) run.overrides.emplace_back("output.overwrite=true");
  run.mistake = mistake ? std::move(mistake) : windrow::error_of([&] { set_up_process(arguments); });
  if (run.mistake && windrow::launched_processes() == 1) throw Error(*run.mistake);

  const windrow::Environment environment;
  const auto refuse_lost = [] { windrow::refuse_lost_processes(windrow::Environment::world_size()); };
  if (const std::optional<Error> lost = windrow::error_of(refuse_lost)) return tell_of_lost_processes(*lost);
  try {
    const windrow::Topology topology = windrow::Topology::discover(arguments.pretend_nodes);
    if (!run.mistake && arguments.pretend_nodes > topology.host.size())
      run.mistake = Error(ExitStatus::usage, "--pretend-nodes {} are more than the {} rank{} of {}: every node has one",
                          arguments.pretend_nodes, topology.host.size(), topology.host.size() == 1 ? "" : "s",
                          windrow::processor_name());
    const ExitStatus status = windrow::run_deck(topology, run, windrow::jobs::registry());
    windrow::Environment::end_with(status);
    return status;
  } catch (const Error& error) {
    // Not agreed upon: other ranks may be waiting for this one.
    windrow::Environment::abort(error);
  } catch (const std::exception& error) {
    windrow::Environment::abort(Error(ExitStatus::internal, "{}", error.what()));
  }
}

/// All commands but `run`.
ExitStatus dispatch(const CLI::App& app, Arguments& arguments, const std::string& overview) {
  const windrow::Registry registry = windrow::jobs::registry();
  const std::string command = app.get_subcommands().front()->get_name();
  if (command == "check") return windrow::check_command(arguments.deck, registry);
  if (command == "plan") {
    if (!arguments.node_memory.empty()) arguments.plan.node_memory = windrow::parse_bytes(arguments.node_memory);
    if (!arguments.node_shared_memory.empty())
      arguments.plan.node_shared_memory = windrow::parse_bytes(arguments.node_shared_memory);
    return windrow::plan_command(arguments.deck, arguments.plan, registry);
  }
  if (command == "deck") return windrow::deck_command(arguments.job, registry);
  if (command == "list") return windrow::list_command(registry);
  if (command == "verify") return windrow::verify_command(arguments.file);
  if (command == "doctor") return windrow::doctor_command(arguments.clean);
  if (arguments.job.empty()) {
    windrow::show(overview);
    return ExitStatus::done;
  }
  if (std::ranges::find(kCommands, arguments.job) != kCommands.end()) {
    windrow::show(app.get_subcommand(arguments.job)->help("windrow"));
    return ExitStatus::done;
  }
  return windrow::help_command(arguments.job, arguments.markdown, registry);
}

std::string usage_error(const std::string& first, const CLI::ParseError& error) {
  const std::vector<std::string> commands(kCommands.begin(), kCommands.end());
  if (std::ranges::find(commands, first) != commands.end())
    return fmt::format("{}\n  try: windrow {} --help", error.what(), first);
  if (first.empty() || first.front() == '-') return fmt::format("{}\n  try: windrow --help", error.what());
  const std::string near = windrow::deck::nearest(first, commands);
  return fmt::format("there is no command '{}'{}\n  try: windrow --help", first,
                     near.empty() ? "" : fmt::format("; did you mean '{}'?", near));
}

/// A command line that is none. Where no other command is meant, it was to be a run: told once for all processes.
ExitStatus refuse_usage(const std::string& first, Arguments& arguments, const CLI::ParseError& error) {
  const Error mistake(ExitStatus::usage, usage_error(first, error));
  const bool is_other = first != "run" && std::ranges::find(kCommands, first) != kCommands.end();
  if (is_other) throw Error(mistake);
  return run_command(arguments, mistake);
}

/// Of a command but `run`, whose product is what it shows.
int end_shown(ExitStatus status) {
  const std::optional<std::string> failure = windrow::failure_to_show();
  if (failure && status == ExitStatus::done) throw Error(ExitStatus::io, *failure);
  return static_cast<int>(status);
}

int run_main(int argc, char** argv) {
  CLI::App app("Windrow: large 2-D arrays, many processes, no copies", "windrow");
  app.set_version_flag("--version", "windrow " WINDROW_VERSION);
  app.require_subcommand(1);
  app.footer("A first run: windrow deck populate > my.toml; mpirun -q -n 2 windrow run my.toml");
  Arguments arguments;
  declare_run(app, arguments);
  declare_plan(app, arguments);
  declare_others(app, arguments);
  const std::string overview = app.help();
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    std::ostringstream asked_for;
    app.exit(success, asked_for, asked_for);
    windrow::show(asked_for.str());
    return end_shown(ExitStatus::done);
  } catch (const CLI::ParseError& error) {
    return static_cast<int>(refuse_usage(argc > 1 ? argv[1] : "", arguments, error));
  }
  if (app.got_subcommand("run")) return static_cast<int>(run_command(arguments));
  return end_shown(dispatch(app, arguments, overview));
}

int fail(ExitStatus status, const std::string& message) {
  windrow::say(message);
  return static_cast<int>(status);
}

}  // namespace

int main(int argc, char** argv) {
  windrow::occupy_standard_descriptors();
  try {
    return run_main(argc, argv);
  } catch (const windrow::deck::DeckError& error) {
    return fail(error.status(), error.what());
  } catch (const windrow::Error& error) {
    return fail(error.status(), fmt::format("windrow: {}", error.what()));
  } catch (const std::exception& error) {
    return fail(ExitStatus::internal, fmt::format("windrow: {}", error.what()));
  }
}
