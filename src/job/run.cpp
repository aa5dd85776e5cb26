#include "job/run.hpp"

#include <fmt/chrono.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <optional>
#include <thread>
#include <utility>

#include "base/standard_output.hpp"
#include "base/units.hpp"
#include "io/hdf5_version.hpp"
#include "io/node_shares.hpp"
#include "io/output_file.hpp"
#include "io/picture.hpp"
#include "job/context.hpp"
#include "job/drawing.hpp"
#include "job/inputs.hpp"
#include "job/numpy_text.hpp"
#include "job/placement.hpp"
#include "job/preflight.hpp"
#include "job/preview.hpp"
#include "job/quoting.hpp"
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
  [[nodiscard]] bool is_written_behind(const std::string& name) const;
  void attach_output(Context& context);
  void write(Context& context);
  void draw(Context& context);
  [[nodiscard]] std::string timeline(Context& context) const;
  [[nodiscard]] std::string bars(Context& context) const;
  [[nodiscard]] std::string title() const;
  void close(Context& context);
  [[nodiscard]] io::FileSpec file_spec(std::vector<io::ArrayBlocks> blocks) const;
  [[nodiscard]] std::vector<io::ArrayBlocks> gather_blocks(Context& context) const;
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
  std::optional<io::OutputFile> output_;
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
  if (!plan_.file.empty()) {
    together(topology_.world, [&] {
      fault_point("start.reserve");
      check_is_not_deck(plan_.file, options_.deck);
      output_.emplace(topology_, plan_.file,
                      io::TargetOptions{.overwrite = deck_.common->overwrite, .durable = deck_.common->durable});
    });
    output_->guard(topology_);
    together(topology_.world, [&] {
      output_->reserve();
      for (const std::string& message : output_->messages()) say(fmt::format("windrow: {}", message));
      fault_point("start.reserved");
    });
    output_->check_is_seen(topology_);
  }
  together(topology_.world, [&] {
    if (is_first()) check_drawings(deck_);
  });
  check_resources(topology_, deck_, plan_);
  fault_point("start.resources");
  find_placement();
  if (output_)
    output_->begin(topology_, planned_file(deck_, plan_.needs), plan_.certain_file_bytes, deck_.common->writers);
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
    if (output_) attach_output(*context);
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
  memory.together([&] { close(*context); });
}

void Run::compute_and_write(Context& context) {
  context.memory().together([&] { deck_.job->run(context); });
  if (!output_) return;
  collect(context);  // the file tells the times of the phases before
  context.memory().together([&] { write(context); });
  if (deck_.common->picture.empty() && deck_.common->timeline.empty()) return;
  collect(context);
  context.memory().together([&] { draw(context); });
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

std::vector<io::ArrayBlocks> Run::gather_blocks(Context& context) const {
  fault_point("write.gather");
  const Together run_together = [&](const std::function<void()>& body) { context.memory().together(body); };
  std::vector<io::ArrayBlocks> all;
  for (const PlannedArray& array : plan_.needs.arrays) {
    const std::vector<io::BlockRecord>& own = context.blocks_of(array.shape.name);
    const std::vector<std::byte> bytes = gather(topology_.world, run_together, std::as_bytes(std::span(own)));
    std::vector<io::BlockRecord> blocks(bytes.size() / sizeof(io::BlockRecord));
    if (!bytes.empty()) std::memcpy(blocks.data(), bytes.data(), bytes.size());
    std::ranges::sort(blocks, {}, &io::BlockRecord::first_row);
    all.push_back({array.shape.name, std::move(blocks)});
  }
  return all;
}

io::FileSpec Run::file_spec(std::vector<io::ArrayBlocks> blocks) const {
  io::FileSpec spec = planned_file(deck_, plan_.needs);
  io::Provenance& provenance = spec.provenance;
  const auto started = std::chrono::system_clock::now() -
                       std::chrono::duration_cast<std::chrono::system_clock::duration>(
                           std::chrono::duration<double>(steady_seconds() - options_.process_start_s));
  provenance.attributes = {
      {"windrow_version", std::string(WINDROW_VERSION)},
      {"mpi_version", Environment::library_version()},
      {"hdf5_version", io::hdf5_version()},
      {"job", deck_.common->job},
      {"ranks", std::int64_t{topology_.ranks()}},
      {"nodes", std::int64_t{topology_.nodes()}},
      {"seed", deck_.common->seed},
      {"vector_level", report_.level},
      {"started", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(started)))}};
  provenance.hosts = topology_.host_names;
  for (const PhaseReport& phase : report_.phases) provenance.phases.push_back({phase.name, phase.seconds});
  provenance.blocks = std::move(blocks);
  for (io::ScalarSpec& scalar : spec.scalars)
    scalar.value = std::ranges::find(report_.results, scalar.name, &ScalarResult::name)->value;
  return spec;
}

/// Whether the array is in the file when the job has run.
bool Run::is_written_behind(const std::string& name) const {
  return !plan_.is_compressed && std::ranges::any_of(plan_.needs.arrays, [&](const PlannedArray& array) {
    return array.shape.name == name && array.is_final_when_filled;
  });
}

/// Each array of the output gets its writer, in the file's order.
void Run::attach_output(Context& context) {
  for (const io::ArraySpec& written : planned_file(deck_, plan_.needs).arrays) {
    if (const PlannedArray& planned = context.planned(written.name); !planned.is_in_window()) {
      io::RowFile* const rows = output_->attach_rows(planned.shape, planned.is_only_in_file || topology_.is_leader());
      if (rows != nullptr) context.write_rows(written.name, *rows);
      continue;
    }
    SharedArray& array = context.array(written.name);
    io::GroupWriter* const writer = output_->attach(array);
    if (writer != nullptr && is_written_behind(written.name)) context.write_behind(array, *writer);
  }
}

void Run::write(Context& context) {
  std::vector<io::ArrayBlocks> blocks = gather_blocks(context);
  std::int64_t bytes = 0;
  std::int64_t node_bytes = 0;
  for (const std::string& name : deck_.output_arrays()) {
    if (!context.planned(name).is_in_window()) continue;
    const io::NodeShares shares(machine_of(topology_), context.array(name).shape(),
                                plan_.is_compressed ? io::kEveryNode : deck_.common->writers);
    for (int node = 0; node < shares.nodes(); ++node) {
      if (is_written_behind(name) && shares.writes(node)) continue;
      bytes += shares.has(node).bytes();
      if (shares.writer_of(node) == topology_.node_number) node_bytes += shares.has(node).bytes();
    }
  }
  context.collective_phase("write", bytes, node_bytes, [&] {
    output_->finish(
        context.memory(), [&] { return file_spec(std::move(blocks)); },
        [&](std::int64_t done) { context.advance(done); });
  });
  report_.output = plan_.file;
}

/// The picture of which rank stored which rows when, on world rank 0.
std::string Run::timeline(Context& context) const {
  io::Timeline timeline{
      .title = title() + ": which rank stored which rows when", .ranks = topology_.ranks(), .blocks = {}};
  for (const io::ArrayBlocks& array : gather_blocks(context))
    timeline.blocks.insert(timeline.blocks.end(), array.blocks.begin(), array.blocks.end());
  return is_first() ? io::draw(timeline) : "";
}

/// What a job draws instead of an array, on world rank 0.
std::string Run::bars(Context& context) const {
  context.bars().title = title();
  return is_first() ? io::draw(context.bars()) : "";
}

/// Pictures come last: the result is there, whatever becomes of them.
void Run::draw(Context& context) {
  const CommonKeys& common = *deck_.common;
  context.collective_phase("draw", 0, 0, [&] {
    std::string picture;
    std::string timeline;
    fault_point("draw.gather");
    if (!common.picture.empty())
      picture = deck_.job->draws_bars() ? bars(context) : picture_of(context, deck_.drawn_array(), title());
    if (!common.timeline.empty()) timeline = this->timeline(context);
    context.memory().together([&] {
      if (!is_first()) return;
      fault_point("draw.write");
      if (!common.picture.empty()) io::write_whole(common.picture, picture, picture_options(deck_));
      if (!common.timeline.empty()) io::write_whole(common.timeline, timeline, timeline_options(deck_));
    });
  });
}

/// Of pictures: the deck's, or else the job.
std::string Run::title() const {
  return deck_.common->title.empty() ? deck_.common->job : deck_.common->title;
}

void Run::close(Context& context) {
  fault_point("end.preview");
  for (const std::string& name : deck_.output_arrays()) {
    const PlannedArray& planned = context.planned(name);
    const std::string text = planned.is_in_window()
                                 ? preview(context.array(name))
                                 : preview(context.memory(), planned.shown_shape(), context.shown_rows(name));
    announce(fmt::format("\n{}{} =\n{}\n", name, planned.is_only_in_file ? "[0]" : "", text));
  }
  if (!report_.results.empty()) announce("\n");
  for (const ScalarResult& result : report_.results)
    announce(
        fmt::format("{} = {}\n", result.name, std::visit([](auto value) { return numpy_text(value); }, result.value)));
  if (const std::string text = not_finite_text(report_); !text.empty()) announce("\n" + text);
  if (!report_.remarks.empty()) announce(fmt::format("\n{}\n", fmt::join(report_.remarks, "\n")));
  if (!plan_.file.empty()) {
    const std::vector<std::string> arrays = deck_.output_arrays();
    const std::string code =
        fmt::format("import h5py; print(h5py.File({})[\"{}\"][{}])", python_literal(plan_.file),
                    arrays.empty() ? report_.results.front().name : arrays.front(), arrays.empty() ? "()" : ":");
    announce(fmt::format("\nwritten: {}\nread it: python3 -c {}\n", plan_.file, shell_word(code)));
  }
  for (const std::string* drawing : {&deck_.common->picture, &deck_.common->timeline})
    if (!drawing->empty()) announce(fmt::format("drawn: {}\n", *drawing));
  announce("\n" + phase_table(report_));
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
