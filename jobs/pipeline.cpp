// pipeline: samples x = value(k, i, j) or from a dataset, each through x = stage(x) one after the other; then a number
// of each, or all of it.
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <deque>

#include "job/array_keys.hpp"
#include "job/context.hpp"
#include "job/job.hpp"
#include "job/sample_line.hpp"
#include "job/script_needs.hpp"
#include "job/script_run.hpp"

namespace windrow::jobs {
namespace {

constexpr std::string_view kArray = "array";
constexpr std::string_view kSamples = "samples";
/// Numbers of samples of which the same is a number of all.
constexpr std::array<std::string_view, 9> kWithTotal{"sum", "mean", "min",           "max", "prod",
                                                     "any", "all",  "count_nonzero", "norm"};

class Pipeline final : public Job {
 public:
  void declare(deck::Keys& keys) override {
    keys.section("samples", "the samples: how many, and each one's elements");
    keys.integer("count", count_,
                 {.default_value = kAsInFile,
                  .minimum = 1,
                  .default_text = "those of the file",
                  .unit = "samples",
                  .example = "1000",
                  .help = "number of samples"});
    keys.integer("rows", sample_.rows,
                 {.default_value = kAsInFile,
                  .minimum = 1,
                  .default_text = "those of the file",
                  .unit = "rows",
                  .example = "500",
                  .help = "rows of a sample"});
    keys.integer("cols", cols_,
                 {.default_value = kOneDimensional,
                  .minimum = 1,
                  .default_text = "none: a sample has one dimension, or as in the file",
                  .unit = "columns",
                  .example = "2000",
                  .help = "columns of a sample"});
    std::vector<deck::Choice> types;
    for (const ElementType type : kDeckTypes) types.push_back({std::string(name_of(type)), ""});
    keys.choice("type", type_, types,
                {.default_value = "float64",
                 .default_text = "float64, or as in the file",
                 .help = "type of the elements, as numpy names it"});
    keys.expression("value", value_,
                    {.default_value = "",
                     .default_text = "none: from a file",
                     .example = "uniform()",
                     .help = "expression of k (the sample's number), i, j, rows, cols, pi, e; where(), uniform(), "
                             "normal(), and numpy's sin(), exp(), sqrt(), minimum(), ..."});
    keys.text("file", source_.path,
              {.default_value = "", .help = "HDF5, netCDF-4 or .npy file of the samples, instead of a value"});
    keys.text("dataset", source_.dataset,
              {.default_value = "",
               .help = "the dataset in an HDF5 or netCDF-4 file, whose first axis is the sample; none: its only one"});
    keys.text("slice", source_.slice,
              {.default_value = "", .help = "the samples that are read, as in Python: 0:1000:2; none: all of them"});
    keys.family(
        "tables", tables_,
        {.help = "an array that the stages can use, by its NAME; whole and once on every node", .example = "weights"});
    keys.section("pipeline", "what is done with each sample, and by whom");
    keys.list("stages", stages_,
              {.required = true,
               .example = R"(["x*x", "x*3", "x + 1"])",
               .help = "expressions of x, what the stage before has given, and k, the sample's number, in order"});
    keys.choice("split", options_.split,
                {{"samples", "a rank does all stages of whole samples"},
                 {"stages", "a rank, or a group of ranks, for each stage, as far as there are ranks on a node"}},
                {.default_value = "samples", .help = "how the work is divided among the ranks of a node"});
    keys.choice("transport", options_.transport,
                {{"slots", "in place: the number of a slot in shared memory goes from rank to rank"},
                 {"messages", "by MPI messages, which copy"}},
                {.default_value = "slots", .help = "how samples get from stage to stage, with split = \"stages\""});
    keys.boolean("help", options_.helps,
                 {.default_value = true,
                  .help = "with slots, a rank that would wait for a stage makes samples itself meanwhile"});
    keys.integer("slots", options_.slots,
                 {.default_value = 3,
                  .minimum = 1,
                  .maximum = 1 << 30,
                  .unit = "samples",
                  .help = "most samples that are between two stages"});
    keys.integer("chunk", options_.chunk,
                 {.default_value = 1, .minimum = 1, .unit = "samples", .help = "samples that a rank draws at a time"});
    keys.integer("patience", options_.patience_s,
                 {.default_value = 600,
                  .minimum = 1,
                  .maximum = 31'536'000,
                  .unit = "seconds",
                  .help = "how long a rank waits for one of another stage, until it ends the run"});
    keys.text("result", result_,
              {.default_value = "sum",
               .help = "what is kept of each sample: a reduction by its name (sum, mean, max, ...), an expression of x "
                       "that gives a number, or \"array\": all of it"});
  }

  void check(deck::Keys& keys) const override {
    check_tables(keys);
    check_source(keys);
    keys.throw_if_rejected();  // expressions are about samples and tables that are right
    check_expressions(keys);
  }

  std::vector<const io::InputDataset*> inputs() const override {
    std::vector<const io::InputDataset*> inputs;
    if (dataset_) inputs.push_back(dataset_.get());
    for (const ArrayKeys& table : tables_)
      if (table.dataset() != nullptr) inputs.push_back(table.dataset());
    return inputs;
  }

  JobNeeds needs(int ranks) const override {
    const SampleWork work = this->work(ranks);
    JobNeeds needs;
    needs.arrays.push_back(planned_result(work));
    for (const ArrayKeys& table : tables_) needs.replicas.push_back(table.planned(ranks));
    SampleLine::add_needs(needs, work, options_, ranks);
    if (const std::optional<expr::Script> total = total_script(needs.arrays[0].shape)) add_needs(needs, *total, ranks);
    return needs;
  }

  void run(Context& context) override {
    const SampleWork work = this->work(context.topology().ranks());
    fill_tables(context);
    const std::string name = work.number.empty() ? std::string(kSamples) : name_of_number();
    SampleLine::Results results{.array = &context.array(name)};
    if (work.number.empty()) {
      results.file = context.row_file(name);
      results.shown = &context.shown_rows(name);
    }
    std::optional<SampleLine> line;
    context.phase("pipeline", checked_multiply(work.count, work.extents.bytes(work.type)), [&] {
      std::vector<const std::byte*> tables;
      for (std::size_t n = 0; n < tables_.size(); ++n) tables.push_back(context.replica(n).read().data());
      line.emplace(context, work, options_, tables);
      line->run(results);
    });
    const WorldComm& world = context.topology().world;
    const kernel::NotFinite found = line->not_finite();
    context.not_finite({name, {world.sum(found.nan), world.sum(found.infinite)}});
    for (std::string& remark : line->remarks()) context.remark(std::move(remark));
    if (const std::optional<expr::Script> total = total_script(context.array(name).shape()))
      ScriptRun(context, *total, {}).run();
  }

 private:
  static constexpr std::int64_t kAsInFile = -2;
  static constexpr std::int64_t kOneDimensional = -1;

  [[nodiscard]] bool is_reduction() const { return expr::is_word(result_) && result_.find('(') == std::string::npos; }
  /// The dataset with a number of each sample.
  [[nodiscard]] std::string name_of_number() const { return is_reduction() ? result_ : "number"; }

  [[nodiscard]] SampleWork work(int ranks) const {
    SampleWork work{.count = count_, .type = type_, .extents = sample_, .value = value_, .stages = stages_};
    if (dataset_) {
      work.count = dataset_->extents().rows;
      work.extents = dataset_->sample();
      if (!type_is_given_) work.type = dataset_->natural_type();
      work.dataset = dataset_.get();
    } else if (cols_ != kOneDimensional) {
      work.extents.cols = cols_;
    } else {
      work.extents = {sample_.rows, 1, true};
    }
    if (result_ != kArray) work.number = is_reduction() ? fmt::format("{}(x)", result_) : result_;
    for (const ArrayKeys& table : tables_) work.tables.push_back(table.shape(ranks));
    return work;
  }

  /// The dataset of all results.
  [[nodiscard]] PlannedArray planned_result(const SampleWork& work) const {
    const SamplePart whole = std::move(divide(work, 1).front());
    const std::string stages = fmt::format("{}", fmt::join(stages_, " | "));
    if (work.number.empty())
      return {.shape = {std::string(kSamples), whole.type, {work.count, whole.extents.elements(), false}},
              .description = stages,
              .sample = whole.extents,
              .is_only_in_file = true};
    const bool is_float = expr::is_float(whole.script.scalars().at(0).type);
    return {.shape = {name_of_number(), is_float ? ElementType::float64 : ElementType::int64, {work.count, 1, true}},
            .description = fmt::format("{} | {}", stages, work.number),
            .sample = work.extents};
  }

  /// total = sum(sum), and the like.
  [[nodiscard]] std::optional<expr::Script> total_script(const ArrayShape& numbers) const {
    if (std::ranges::find(kWithTotal, result_) == kWithTotal.end()) return std::nullopt;
    const std::vector<std::string> statement{fmt::format("total = {0}({0})", result_)};
    return expr::Script::compile(
        statement, {{.name = numbers.name, .type = numbers.type, .shape = expr::Shape::of(numbers.extents)}});
  }

  void fill_tables(Context& context) const {
    if (tables_.empty()) return;
    std::int64_t bytes = 0;
    for (const ArrayKeys& table : tables_) bytes += table.shape(context.topology().ranks()).bytes();
    context.phase("tables", bytes, [&] {
      for (std::size_t n = 0; n < tables_.size(); ++n)
        context.fill(context.replica(n), tables_[n].dataset(), tables_[n].value());
    });
  }

  /// Where samples come from: an expression, with count and rows, or a file.
  void check_source(deck::Keys& keys) const {
    if (source_.path.empty()) {
      for (const auto& [key, is_there] :
           {std::pair{"value", !value_.empty()}, {"count", count_ != kAsInFile}, {"rows", sample_.rows != kAsInFile}})
        if (!is_there)
          keys.reject("samples", fmt::format("samples have no {}, nor a file to come from: write {} = ...", key, key));
      for (const auto& [key, text] : {std::pair{"dataset", source_.dataset}, {"slice", source_.slice}})
        if (!text.empty()) keys.reject(fmt::format("samples.{}", key), fmt::format("{} is of a file", key));
    } else {
      check_file(keys);
    }
    keys.throw_if_rejected();
    const SampleWork work = this->work(1);
    std::int64_t bytes = 0;
    if (__builtin_mul_overflow(work.extents.rows, work.extents.cols, &bytes) ||
        __builtin_mul_overflow(bytes, work.count, &bytes) || bytes > kMostBytes / 8)
      keys.reject("samples.count", fmt::format("{} samples of {} x {} elements are more than 2^62 bytes", work.count,
                                               work.extents.rows, work.extents.cols));
  }

  void check_file(deck::Keys& keys) const {
    if (!value_.empty()) keys.reject("samples.value", "samples have a file already: value or file");
    if (!dataset_) {
      try {
        dataset_ = std::make_shared<const io::InputDataset>(source_);
      } catch (const Error& error) {
        keys.fail("samples.file", error);
      }
    }
    type_is_given_ = keys.given("samples.type");
    const Extents sample = dataset_->sample();
    const auto compare = [&](std::string_view key, std::int64_t wanted, std::int64_t found) {
      if (wanted > 0 && wanted != found)
        keys.reject(fmt::format("samples.{}", key), fmt::format("{} has {} {}, not {}; leave {} out", dataset_->name(),
                                                                found, key == "count" ? "samples" : key, wanted, key));
    };
    compare("count", count_, dataset_->extents().rows);
    compare("rows", sample_.rows, sample.rows);
    compare("cols", cols_, sample.one_dimensional ? 0 : sample.cols);
  }

  void check_tables(deck::Keys& keys) const {
    for (const ArrayKeys& table : tables_) {
      table.check(keys);
      const std::string key = "tables." + table.name();
      if (expr::is_word(table.name()) || table.name() == "x" || table.name() == "k")
        keys.reject(key, fmt::format("'{}' means something in the stages; take another name", table.name()));
      if (!table.value().empty() && expr::Program::compile(table.value()).depends_on_block())
        keys.reject(key + ".value", "'offset' is the first row of a block of populate; here write i");
    }
  }

  void check_expressions(deck::Keys& keys) const {
    const SampleWork work = this->work(1);
    try {
      (void)divide(work, 1);
    } catch (const expr::StatementError& error) {
      const std::size_t first = work.dataset != nullptr ? 0 : 1;
      if (error.statement() < first)
        keys.reject("samples.value", error.what(), error.column());
      else if (error.statement() < first + stages_.size())
        keys.reject("pipeline.stages", error.what(), error.column(), error.statement() - first);
      else
        keys.reject("pipeline.result", fmt::format("{}: {}", work.number, error.what()));
    }
  }

  static constexpr std::int64_t kMostBytes = std::int64_t{1} << 62;

  std::int64_t count_ = 0;
  Extents sample_;
  std::int64_t cols_ = 0;
  ElementType type_ = ElementType::float64;
  std::string value_;
  io::InputSource source_{.path = {}, .is_of_samples = true};
  std::deque<ArrayKeys> tables_;
  std::vector<std::string> stages_;
  SampleLine::Options options_;
  std::string result_;
  // What check() has found.
  mutable std::shared_ptr<const io::InputDataset> dataset_;
  mutable bool type_is_given_ = true;
};

}  // namespace

std::unique_ptr<Job> make_pipeline() {
  return make_job<Pipeline>();
}

}  // namespace windrow::jobs
