#include "job/run.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <thread>
#include <utility>

#include "base/standard_output.hpp"
#include "job/context.hpp"
#include "job/inputs.hpp"
#include "job/placement.hpp"
#include "job/preflight.hpp"
#include "job/quoting.hpp"
#include "job/results.hpp"
#include "kernel/level.hpp"
#include "mpi/environment.hpp"
#include "mpi/fault_point.hpp"
#include "mpi/launcher.hpp"
#include "mpi/together.hpp"

namespace windrow {
namespace {

namespace fs = std::filesystem;

/// A run in progress: what its steps share.
class Run {
 public:
  Run(const Topology& topology, const RunOptions& options, Registry registry, Report& report, std::string& report_path)
      : topology_(topology),
        options_(options),
        registry_(registry),
        report_(report),
        report_path_(report_path),
        progress_(options.progress) {}

  void prepare();
  void execute();
  /// The message of an error, as it is told: a deck's begins with its place.
  [[nodiscard]] std::string message_of(const Error& error) const;

 private:
  [[nodiscard]] std::vector<std::string> command_words() const;
  void check_told_alike() const;
  void load();
  void agree_on_level() const;
  void stream_if_too_large();
  void reserve_report() const;
  void find_placement();
  void look_at_pages(Context& context);
  void announce(const std::string& text) const;
  void work(NodeMemory& memory);
  void compute_and_write(Context& context);
  void collect(Context& context);
  [[nodiscard]] bool is_first() const { return topology_.world_rank() == 0; }
  [[nodiscard]] bool talks() const { return is_first() && !options_.quiet; }

  const Topology& topology_;
  const RunOptions& options_;
  Registry registry_;
  Report& report_;
  std::string& report_path_;  ///< "" for none; and if what it names must not be written
  Progress progress_;
  LoadedDeck deck_;
  Plan plan_;
  std::optional<Placement> placement_;
  bool is_deck_wrong_ = false;
  Results results_{topology_, deck_, plan_, report_, options_.process_start_s};
  std::vector<PhaseTime> early_phases_;
};

std::string Run::message_of(const Error& error) const {
  return is_deck_wrong_ ? error.what() : fmt::format("windrow: {}", error.what());
}

void Run::announce(const std::string& text) const {
  if (talks()) show(text);
}

/// The deck and the overrides, as a shell takes them.
std::vector<std::string> Run::command_words() const {
  std::vector<std::string> words{shell_word(options_.deck)};
  for (const std::string& override : options_.overrides) words.push_back(shell_word(override));
  return words;
}

/// Ranks that have been told different things would each keep to their own: a file of two decks, a wait without end.
void Run::check_told_alike() const {
  const std::string told = fmt::format("{}\n{}\n{}\n{}", WINDROW_VERSION, options_.deck, options_.report,
                                       fmt::join(options_.overrides, "\n"));
  const auto hash = static_cast<std::int64_t>(std::hash<std::string>()(told));
  together(topology_.world, [] {});
  if (topology_.world.minimum(hash) != topology_.world.maximum(hash))
    throw Error(ExitStatus::usage,
                "the ranks were started with different command lines, or different versions of windrow\n"
                "  try: one program and one command line for all, mpirun -n N windrow run DECK ...");
}

void Run::load() {
  deck::Source source;
  const Together run_together = [&](const std::function<void()>& body) { together(topology_.world, body); };
  run_together([&] {
    fault_point("start.load");
    if (is_first()) source = deck::load(options_.deck, options_.overrides);
  });
  source.name = broadcast(topology_.world, run_together, source.name);
  source.text = broadcast(topology_.world, run_together, source.text);
  run_together([&] {
    fault_point("start.inputs");
    source.overrides = options_.overrides;
    try {
      deck_ = load_deck(std::move(source), registry_);
    } catch (const deck::DeckError&) {
      is_deck_wrong_ = true;
      throw;
    }
  });
  check_inputs(topology_, deck_.job->inputs());
}

/// The level of the vector kernels is the lowest of all ranks, or what WINDROW_LEVEL forces.
void Run::agree_on_level() const {
  together(topology_.world, [] {
    const char* const forced = std::getenv("WINDROW_LEVEL");
    if (forced == nullptr) return;
    const std::optional<kernel::Level> level = kernel::level_from(forced);
    if (!level) throw Error(ExitStatus::usage, "WINDROW_LEVEL={}: it must be baseline, avx2 or avx512", forced);
    kernel::use_level(*level);
  });
  const std::int64_t lowest = topology_.world.minimum(static_cast<std::int64_t>(kernel::level()));
  kernel::use_level(static_cast<kernel::Level>(lowest));
  report_.level = kernel::name_of(kernel::level());
}

/// Finds out before computing whether the report can be written, and leaves one that says that the run has not ended:
/// it stays if the run is killed.
void Run::reserve_report() const {
  if (report_path_.empty()) return;
  together(topology_.world, [&] {
    fault_point("start.report");
    if (!is_first()) return;
    const auto whole = [](const std::string& path) {
      std::error_code ignored;
      return fs::weakly_canonical(io::follow_links(path), ignored);
    };
    for (const std::string& other : {plan_.file, deck_.common->picture, deck_.common->timeline})
      if (!other.empty() && whole(report_path_) == whole(other))
        throw Error(ExitStatus::usage, "the report and {} are one file, {}",
                    other == plan_.file ? "the output" : "a picture", std::exchange(report_path_, std::string()));
    Report unfinished = report_;
    unfinished.error = "the run has not ended";
    write_report(report_path_, unfinished);
  });
}

/// With `memory.stream = "auto"`: arrays that do not fit.
void Run::stream_if_too_large() {
  if (deck_.common->streaming != Streaming::automatic || fits_memory(topology_, deck_, plan_)) return;
  together(topology_.world, [&] {
    deck_.stream();
    plan_ = Plan::make(deck_, machine_of(topology_));
  });
}

/// Warns of ranks that get in each other's way.
void Run::find_placement() {
  placement_.emplace(topology_);
  together(topology_.world, [&] {
    report_.placement = placement_->hosts();
    warn_of(placement_warning(placement_->hosts(), topology_.host_names));
  });
}

/// Warns of memory that is far from who has filled it.
void Run::look_at_pages(Context& context) {
  NodeMemory& memory = context.memory();
  placement_->look_at_pages(
      topology_, [&](const std::function<void()>& body) { memory.together(body); }, memory.window().page_sample());
  memory.together([&] {
    report_.placement = placement_->hosts();
    warn_of(pages_warning(placement_->hosts(), topology_.host_names));
  });
}

void Run::prepare() {
  if (options_.mistake) throw Error(*options_.mistake);
  check_told_alike();
  load();
  agree_on_level();
  report_.job = deck_.common->job;
  together(topology_.world, [&] {
    fault_point("start.plan");
    plan_ = Plan::make(deck_, machine_of(topology_));
  });
  stream_if_too_large();
  reserve_report();
  results_.reserve(options_.deck);
  together(topology_.world, [&] {
    if (is_first()) check_drawings(deck_);
  });
  check_resources(topology_, deck_, plan_);
  fault_point("start.resources");
  find_placement();
  results_.begin();
  announce(fmt::format("{}: {} rank{} on {} node{}, {}\n", deck_.common->job, topology_.ranks(),
                       topology_.ranks() == 1 ? "" : "s", topology_.nodes(), topology_.nodes() == 1 ? "" : "s",
                       hosts_text(placement_->hosts(), topology_.host_names)));
  if (topology_.ranks() == 1 && launched_processes() == 1 && options_.deck != "-")
    announce(fmt::format("on all processors: mpirun -q -n {} windrow run {}\n", std::thread::hardware_concurrency(),
                         fmt::join(command_words(), " ")));
  early_phases_.push_back({"start", steady_seconds() - options_.process_start_s, 0});
}

void Run::execute() {
  const double begin = steady_seconds();
  std::optional<NodeMemory> memory;
  together(topology_.world, [] { fault_point("allocate.before"); });
  together(topology_.world, [&] {
    memory.emplace(topology_, window_needs(deck_, plan_.needs, topology_.ranks()));
    fault_point("allocate.after");
    early_phases_.push_back({"allocate", steady_seconds() - begin, 0});
  });
  report_.window_bytes = topology_.world.sum(topology_.is_leader() ? memory->layout().bytes : std::int64_t{0});

  std::optional<AgreedError> failure;
  try {
    work(*memory);
  } catch (const AgreedError& error) {
    failure = error;
  }
  progress_.end();
  // The window is freed by all ranks together, not while an exception is on its way.
  memory.reset();
  if (failure) throw AgreedError(*failure);
}

void Run::work(NodeMemory& memory) {
  std::optional<Context> context;
  memory.together([&] {
    context.emplace(memory, plan_.needs,
                    Context::Options{.seed = deck_.common->seed,
                                     .progress = talks() ? &progress_ : nullptr,
                                     .run_start_s = options_.process_start_s});
    results_.attach(*context);
  });
  std::optional<AgreedError> failure;
  try {
    compute_and_write(*context);
  } catch (const AgreedError& error) {
    failure = error;
  }
  collect(*context);
  if (failure) throw AgreedError(*failure);
  look_at_pages(*context);
  memory.together([&] {
    results_.show(*context, [&](const std::string& text) { announce(text); });
    announce("\n" + phase_table(report_));
  });
}

void Run::compute_and_write(Context& context) {
  context.memory().together([&] { deck_.job->run(context); });
  if (!results_.has_file()) return;
  collect(context);  // the file tells the times of the phases before
  context.memory().together([&] { results_.write(context); });
  if (!results_.has_drawings()) return;
  collect(context);
  context.memory().together([&] { results_.draw(context); });
}

/// Tells the report the times of all phases and the pages so far, over all ranks. *Collective over* the world, right
/// after an agreement, be it on a failure.
void Run::collect(Context& context) {
  // A rank that has failed at the begin of a phase has not got it.
  const auto of_job = static_cast<std::size_t>(topology_.world.minimum(std::ssize(context.phases())));
  std::vector<PhaseTime> own;
  std::vector<double> slowest;
  std::vector<double> sums;
  together(topology_.world, [&] {
    own = early_phases_;
    own.insert(own.end(), context.phases().begin(), context.phases().begin() + static_cast<std::ptrdiff_t>(of_job));
    for (const PhaseTime& phase : own) slowest.push_back(phase.seconds);
    sums = slowest;
  });
  report_.results = context.results();
  report_.not_finite = context.not_finite();
  report_.remarks = context.remarks();
  const PageCounts& pages = context.memory().window().pages();
  report_.pages = {topology_.world.sum(pages.huge), topology_.world.sum(pages.populated),
                   topology_.world.sum(pages.read)};
  topology_.world.maximum(slowest);
  topology_.world.sum(sums);
  together(topology_.world, [&] {
    report_.phases.clear();
    for (std::size_t n = 0; n < own.size(); ++n)
      report_.phases.push_back({own[n].name, slowest[n], sums[n] / topology_.ranks(), own[n].bytes});
  });
}

/// What could not be shown is lost only where nothing else holds it.
void check_is_shown(const Report& report, const std::string& report_path) {
  const std::optional<std::string> failure = failure_to_show();
  if (!failure || report.status != ExitStatus::done) return;
  if (report.output.empty() && report_path.empty())
    throw Error(ExitStatus::io,
                "{}; the results are lost\n  try: --report FILE.json for numbers, --output FILE.h5 for all", *failure);
  say(fmt::format("windrow: {}; the results are in {}", *failure, report.output.empty() ? report_path : report.output));
}

}  // namespace

ExitStatus run_deck(const Topology& topology, const RunOptions& options, Registry registry) {
  Report report;
  report.ranks = topology.ranks();
  report.nodes = topology.nodes();
  report.host_names = topology.host_names;
  const bool is_first = topology.world_rank() == 0;
  std::string report_path = options.report;
  // Who ends the run for all, also reports it: to the file that rank 0 has reserved, where that is to be seen.
  const AbortListener listener([&](const Error& error) {
    if (report_path.empty() || !(is_first || fs::exists(report_path))) return;
    report.status = error.status();
    report.error = error.what();
    write_report(report_path, report);
  });
  const auto end_with = [&](const AgreedError& error, const std::string& message) {
    report.status = error.status();
    report.error = error.what();
    if (is_first) say(message);
  };
  {
    Run run(topology, options, registry, report, report_path);
    try {
      const std::optional<Error> alone = error_of([&] {
        together(topology.world, [&] { run.prepare(); });
        run.execute();
      });
      // Not agreed upon: other ranks may be waiting for this one.
      if (alone) Environment::abort(*alone);
      report.status = ExitStatus::done;
    } catch (const AgreedError& error) {
      end_with(error, run.message_of(error));
    }
  }
  try {
    together(topology.world, [&] {
      fault_point("end.report");
      if (!is_first) return;
      check_is_shown(report, report_path);
      if (!report_path.empty()) write_report(report_path, report);
    });
  } catch (const AgreedError& error) {
    // Why the run failed matters more than that the report could not tell it.
    if (report.status == ExitStatus::done) end_with(error, fmt::format("windrow: {}", error.what()));
  }
  return report.status;
}

}  // namespace windrow
