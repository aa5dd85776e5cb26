#include "job/run.hpp"

#include <fmt/chrono.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <optional>
#include <thread>

#include "base/units.hpp"
#include "io/hdf5_version.hpp"
#include "io/output_file.hpp"
#include "job/context.hpp"
#include "job/preflight.hpp"
#include "job/preview.hpp"
#include "kernel/level.hpp"
#include "mpi/environment.hpp"
#include "mpi/launcher.hpp"
#include "mpi/together.hpp"

namespace windrow {
namespace {

namespace fs = std::filesystem;

/// A run in progress: what its steps share.
class Run {
 public:
  Run(const Topology& topology, const RunOptions& options, Registry registry, Report& report)
      : topology_(topology), options_(options), registry_(registry), report_(report), progress_(options.progress) {}

  void prepare();
  void execute();

 private:
  [[nodiscard]] std::vector<std::string> command_words() const;
  void load();
  void agree_on_level() const;
  void reserve_report() const;
  void check_is_not_deck(const std::string& output) const;
  void announce(const std::string& text) const;
  void work(NodeMemory& memory);
  void write(Context& context);
  void close(Context& context);
  [[nodiscard]] io::FileSpec file_spec(std::vector<io::ArrayBlocks> blocks) const;
  [[nodiscard]] std::vector<io::ArrayBlocks> gather_blocks(Context& context) const;
  void collect(Context& context);
  [[nodiscard]] PhaseReport over_ranks(const PhaseTime& phase) const;
  [[nodiscard]] bool is_first() const { return topology_.world_rank() == 0; }
  [[nodiscard]] bool talks() const { return is_first() && !options_.quiet; }

  const Topology& topology_;
  const RunOptions& options_;
  Registry registry_;
  Report& report_;
  Progress progress_;
  LoadedDeck deck_;
  Plan plan_;
  std::optional<io::OutputFile> output_;
  std::vector<PhaseReport> early_phases_;
};

void Run::announce(const std::string& text) const {
  if (!talks()) return;
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

std::string shell_quoted(const std::string& word) {
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

/// A text as Python writes it.
std::string python_text(const std::string& text) {
  std::string literal = "\"";
  for (const char c : text) literal += c == '"' || c == '\\' ? fmt::format("\\{}", c) : std::string(1, c);
  return literal + "\"";
}

/// The deck and the overrides, as a shell takes them.
std::vector<std::string> Run::command_words() const {
  std::vector<std::string> words{options_.deck};
  words.insert(words.end(), options_.overrides.begin(), options_.overrides.end());
  for (std::string& word : words)
    if (word.find_first_of(" \t*?()[]{}$&|;<>#~\\\"'") != std::string::npos) word = shell_quoted(word);
  return words;
}

void Run::load() {
  deck::Source source;
  together(topology_.world, [&] {
    if (is_first()) source = deck::load(options_.deck, options_.overrides);
  });
  source.name = topology_.world.broadcast(source.name, 0);
  source.text = topology_.world.broadcast(source.text, 0);
  source.overrides = options_.overrides;
  deck_ = load_deck(std::move(source), registry_);  // what it throws, it throws on all ranks
}

/// The level of the vector kernels is the lowest of all ranks, or what WINDROW_LEVEL forces; all give the same bytes.
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
  if (options_.report.empty()) return;
  together(topology_.world, [&] {
    if (!is_first()) return;
    std::error_code ignored;
    if (!plan_.file.empty() &&
        fs::weakly_canonical(options_.report, ignored) == fs::weakly_canonical(plan_.file, ignored))
      throw Error(ExitStatus::usage, "the report and the output are one file, {}", options_.report);
    Report unfinished = report_;
    unfinished.error = "the run has not ended";
    write_report(options_.report, unfinished);
  });
}

void Run::check_is_not_deck(const std::string& output) const {
  std::error_code ignored;
  if (fs::equivalent(output, options_.deck, ignored))
    throw Error(ExitStatus::usage, "the output {} is the deck itself; choose another output.file", output);
}

void Run::prepare() {
  load();
  agree_on_level();
  report_.job = deck_.common->job;
  together(topology_.world, [&] { plan_ = Plan::make(deck_, machine_of(topology_)); });
  reserve_report();
  if (!plan_.file.empty()) {
    together(topology_.world, [&] {
      check_is_not_deck(plan_.file);
      output_ = io::OutputFile::reserve(topology_, plan_.file,
                                        {.overwrite = deck_.common->overwrite, .durable = deck_.common->durable});
    });
    for (const std::string& message : output_->messages()) say(fmt::format("windrow: {}", message));
  }
  check_resources(topology_, plan_);
  announce(fmt::format("{}: {} rank{} on {} node{}, {}\n", deck_.common->job, topology_.ranks(),
                       topology_.ranks() == 1 ? "" : "s", topology_.nodes(), topology_.nodes() == 1 ? "" : "s",
                       fmt::join(topology_.host_names, ", ")));
  if (topology_.ranks() == 1 && launched_processes() == 1 && options_.deck != "-")
    announce(fmt::format("on all processors: mpirun -q -n {} windrow run {}\n", std::thread::hardware_concurrency(),
                         fmt::join(command_words(), " ")));
  early_phases_.push_back(over_ranks({"start", steady_seconds() - options_.process_start_s, 0}));
}

void Run::execute() {
  const double begin = steady_seconds();
  NodeMemory memory(topology_, {.arrays = plan_.shapes(), .tickets = plan_.tickets, .pages = deck_.common->pages});
  early_phases_.push_back(over_ranks({"allocate", steady_seconds() - begin, 0}));
  report_.window_bytes = topology_.world.sum(topology_.is_leader() ? memory.layout().bytes : std::int64_t{0});

  // The window is freed by all ranks together, not while an exception is on its way.
  std::optional<AgreedError> failure;
  try {
    work(memory);
  } catch (const AgreedError& error) {
    failure = error;
  }
  progress_.end();
  const PageCounts& pages = memory.window().pages();
  report_.pages = {topology_.world.sum(pages.huge), topology_.world.sum(pages.populated),
                   topology_.world.sum(pages.read)};
  if (failure) throw AgreedError(*failure);
}

void Run::work(NodeMemory& memory) {
  Context context(memory, plan_.needs,
                  {.seed = deck_.common->seed,
                   .progress = talks() ? &progress_ : nullptr,
                   .run_start_s = options_.process_start_s});
  std::optional<AgreedError> failure;
  try {
    deck_.job->run(context);
    if (output_) write(context);
  } catch (const AgreedError& error) {
    failure = error;
  }
  collect(context);
  if (failure) throw AgreedError(*failure);
  close(context);
}

PhaseReport Run::over_ranks(const PhaseTime& phase) const {
  return {phase.name, topology_.world.maximum(phase.seconds), topology_.world.sum(phase.seconds) / topology_.ranks(),
          phase.bytes};
}

void Run::collect(Context& context) {
  report_.phases = early_phases_;
  for (const PhaseTime& phase : context.phases()) report_.phases.push_back(over_ranks(phase));
}

std::vector<io::ArrayBlocks> Run::gather_blocks(Context& context) const {
  std::vector<io::ArrayBlocks> all;
  for (const PlannedArray& array : plan_.needs.arrays) {
    const std::vector<io::BlockRecord>& own = context.blocks_of(array.shape.name);
    const std::vector<std::byte> bytes = topology_.world.gather(std::as_bytes(std::span(own)), 0);
    std::vector<io::BlockRecord> blocks(bytes.size() / sizeof(io::BlockRecord));
    if (!bytes.empty()) std::memcpy(blocks.data(), bytes.data(), bytes.size());
    std::ranges::sort(blocks, {}, &io::BlockRecord::first_row);
    all.push_back({array.shape.name, std::move(blocks)});
  }
  return all;
}

io::FileSpec Run::file_spec(std::vector<io::ArrayBlocks> blocks) const {
  io::FileSpec spec = planned_file(deck_, plan_.needs);
  spec.source = fmt::format("windrow {}", WINDROW_VERSION);
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
  std::string given = deck_.source.text;
  for (const std::string& override : deck_.source.overrides) given += fmt::format("# command line: {}\n", override);
  provenance.texts = {{"deck", given}, {"effective_deck", deck::effective(deck_.keys)}};
  provenance.hosts = topology_.host_names;
  for (const PhaseReport& phase : report_.phases) provenance.phases.push_back({phase.name, phase.seconds});
  provenance.blocks = std::move(blocks);
  return spec;
}

void Run::write(Context& context) {
  collect(context);  // the file tells the times of the phases before
  std::vector<io::ArrayBlocks> blocks = gather_blocks(context);
  std::vector<io::OutputFile::Rows> rows;
  std::int64_t bytes = 0;
  std::int64_t node_bytes = 0;
  for (const std::string& name : deck_.output_arrays()) {
    const SharedArray& array = context.array(name);
    rows.push_back({&array, context.fresh_counter()});
    bytes += array.extents().bytes(array.type());
    node_bytes += array.node_rows().rows() * array.row_bytes();
  }
  context.collective_phase("write", bytes, node_bytes, [&] {
    output_->write(
        context.memory(), rows, [&] { return file_spec(std::move(blocks)); },
        [&](std::int64_t done) { context.advance(done); });
  });
  report_.output = plan_.file;
}

void Run::close(Context& context) {
  for (const PlannedArray& array : plan_.needs.arrays) {
    const std::string text = preview(context.array(array.shape.name));
    announce(fmt::format("\n{} =\n{}\n", array.shape.name, text));
  }
  if (!plan_.file.empty()) {
    const std::string code = fmt::format("import h5py; print(h5py.File({})[\"{}\"][:])", python_text(plan_.file),
                                         deck_.output_arrays().front());
    announce(fmt::format("\nwritten: {}\nread it: python3 -c {}\n", plan_.file, shell_quoted(code)));
  }
  announce("\n" + phase_table(report_));
}

}  // namespace

ExitStatus run_deck(const Topology& topology, const RunOptions& options, Registry registry) {
  Report report;
  report.ranks = topology.ranks();
  report.nodes = topology.nodes();
  const bool is_first = topology.world_rank() == 0;
  try {
    Run run(topology, options, registry, report);
    run.prepare();
    run.execute();
    report.status = ExitStatus::done;
  } catch (const deck::DeckError& error) {
    report.status = error.status();
    report.error = error.what();
    if (is_first) say(error.what());
  } catch (const AgreedError& error) {
    report.status = error.status();
    report.error = error.what();
    report.output.clear();
    if (is_first) say(fmt::format("windrow: {}", error.what()));
  }
  if (!options.report.empty()) {
    try {
      together(topology.world, [&] {
        if (is_first) write_report(options.report, report);
      });
    } catch (const AgreedError& error) {
      // Why the run failed matters more than that the report could not tell it.
      if (report.status == ExitStatus::done) {
        report.status = error.status();
        if (is_first) say(fmt::format("windrow: {}", error.what()));
      }
    }
  }
  return report.status;
}

}  // namespace windrow
