// evaluate: arrays from expressions and files, then statements like v = u**2 and total = sum(v), in order.
#include <algorithm>
#include <deque>

#include "job/array_keys.hpp"
#include "job/context.hpp"
#include "job/job.hpp"
#include "job/script_needs.hpp"
#include "job/script_run.hpp"

namespace windrow::jobs {
namespace {

class Evaluate final : public Job {
 public:
  void declare(deck::Keys& keys) override {
    keys.family("arrays", arrays_, {.help = "an array that the statements can use, by its NAME", .example = "u"});
    keys.section("evaluate", "what is computed");
    keys.list("statements", texts_,
              {.required = true,
               .example = R"list(["v = u**2", "total = sum(v)"])list",
               .help = "what is computed, in order: name = expression; an array that is there is assigned in place"});
  }

  void ask_for(const std::vector<std::string>& arrays) override { outputs_ = arrays; }

  [[nodiscard]] bool can_stream() const override { return true; }

  void stream(bool passes, bool has_file) override {
    streams_ = passes;
    has_file_ = has_file;
  }

  void check(deck::Keys& keys) const override {
    for (const ArrayKeys& array : arrays_) {
      array.check(keys);
      if (expr::is_word(array.name()))
        keys.reject("arrays." + array.name(),
                    fmt::format("'{}' is a word of the language; take another name", array.name()));
      if (!array.value().empty() && expr::Program::compile(array.value()).depends_on_block())
        keys.reject("arrays." + array.name() + ".value",
                    "'offset' is the first row of a block of populate; here write i");
    }
    if (statements().empty())
      keys.reject("evaluate.statements", "there is no statement in it; write name = expression");
    keys.throw_if_rejected();  // statements are about arrays that are right
    try {
      (void)script(1);
    } catch (const expr::StatementError& error) {
      const Statement wrong = statements()[error.statement()];
      keys.reject("evaluate.statements", error.what(), wrong.offset + error.column(), wrong.item);
    }
    for (const Statement& statement : statements()) check_result(keys, statement);
  }

  std::vector<const io::InputDataset*> inputs() const override {
    std::vector<const io::InputDataset*> inputs;
    for (const ArrayKeys& array : arrays_)
      if (array.dataset() != nullptr) inputs.push_back(array.dataset());
    return inputs;
  }

  JobNeeds needs(int ranks) const override {
    JobNeeds needs;
    const expr::Script compiled = script_for(ranks);
    for (const ArrayKeys& array : arrays_) {
      needs.arrays.push_back(array.planned(ranks));
      needs.arrays.back().is_result = std::ranges::find(compiled.assigned(), array.name()) != compiled.assigned().end();
    }
    add_needs(needs, compiled, ranks);
    if (streams_) windrow::stream(needs, compiled, chunk_rows());
    // Who has filled an array, and who has stored it in a pass.
    needs.block_records = 2 * std::ssize(needs.arrays) * ranks;
    return needs;
  }

  void run(Context& context) override {
    const expr::Script compiled = script_for(context.topology().ranks());
    read(context);
    populate(context);
    ScriptRun(context, compiled, sources()).run();
  }

 private:
  struct Statement {
    std::string text;
    std::size_t item = 0;    ///< of the list in the deck
    std::size_t offset = 0;  ///< in the item
  };

  /// What is assigned becomes a dataset, and must be called like one.
  static void check_result(deck::Keys& keys, const Statement& statement) {
    constexpr std::string_view blanks = " \t\r\n";
    const std::size_t begin = std::min(statement.text.find_first_not_of(blanks), statement.text.size());
    io::FileSpec file;
    file.scalars.push_back(
        {statement.text.substr(begin, statement.text.find_first_of(" \t\r\n=", begin) - begin), {}, {}});
    try {
      io::check_names(file);
    } catch (const Error& error) {
      keys.reject("evaluate.statements", error.what(), statement.offset + begin, statement.item);
    }
  }

  /// The arrays that are in memory from the beginning.
  [[nodiscard]] std::vector<const ArrayKeys*> in_memory(const Context& context, bool from_files) const {
    std::vector<const ArrayKeys*> arrays;
    for (const ArrayKeys& array : arrays_)
      if ((array.dataset() != nullptr) == from_files && !context.planned(array.name()).panel_rows)
        arrays.push_back(&array);
    return arrays;
  }

  void read(Context& context) const {
    const std::vector<const ArrayKeys*> arrays = in_memory(context, true);
    if (arrays.empty()) return;
    std::int64_t bytes = 0;
    for (const ArrayKeys* const array : arrays) bytes += array->dataset()->bytes();
    context.phase("read", bytes, [&] {
      for (const ArrayKeys* const array : arrays) context.read(context.array(array->name()), *array->dataset());
    });
  }

  void populate(Context& context) const {
    const std::vector<const ArrayKeys*> arrays = in_memory(context, false);
    if (arrays.empty()) return;
    std::int64_t bytes = 0;
    for (const ArrayKeys* const array : arrays) bytes += context.array(array->name()).shape().bytes();
    context.phase("populate", bytes, [&] {
      for (const ArrayKeys* const array : arrays) {
        expr::Evaluator value = context.evaluator(context.array(array->name()), array->value());
        context.fill(context.array(array->name()), value);
      }
    });
  }

  [[nodiscard]] std::vector<Statement> statements() const {
    std::vector<Statement> all;
    for (std::size_t item = 0; item < texts_.size(); ++item)
      for (const auto& [text, offset] : expr::split_statements(texts_[item])) all.push_back({text, item, offset});
    return all;
  }

  [[nodiscard]] expr::Script script(int ranks) const {
    std::vector<expr::Script::Array> known;
    for (const ArrayKeys& array : arrays_) {
      const ArrayShape shape = array.shape(ranks);
      const bool is_computed = !array.value().empty();
      known.push_back({.name = shape.name,
                       .type = shape.type,
                       .shape = expr::Shape::of(shape.extents),
                       .random_calls = is_computed ? expr::Program::compile(array.value()).random_calls() : 0});
    }
    std::vector<std::string> texts;
    for (const Statement& statement : statements()) texts.push_back(statement.text);
    // What passes through is written by a statement only.
    if (streams_)
      for (const ArrayKeys& array : arrays_)
        if (std::ranges::count(outputs_, array.name()) != 0)
          texts.push_back(fmt::format("{} = {}", array.name(), array.name()));
    // Of what passes through, nothing is stored without a file: no array is called "".
    return expr::Script::compile(texts, known, streams_ && !has_file_ ? std::vector<std::string>{""} : outputs_);
  }

  /// The script for so many ranks: with rows = "ranks" the shapes may not fit any more that did in check().
  [[nodiscard]] expr::Script script_for(int ranks) const {
    try {
      return script(ranks);
    } catch (const expr::StatementError& error) {
      throw Error(ExitStatus::usage, "with {} ranks the statement '{}' is wrong: {}", ranks,
                  statements()[error.statement()].text, error.what());
    }
  }

  [[nodiscard]] std::map<std::string, ArraySource> sources() const {
    std::map<std::string, ArraySource> sources;
    for (const ArrayKeys& array : arrays_) sources[array.name()] = {array.dataset(), array.value()};
    return sources;
  }

  [[nodiscard]] std::map<std::string, std::int64_t> chunk_rows() const {
    std::map<std::string, std::int64_t> rows;
    for (const ArrayKeys& array : arrays_)
      if (array.dataset() != nullptr) rows[array.name()] = array.dataset()->chunk_rows();
    return rows;
  }

  std::deque<ArrayKeys> arrays_;
  std::vector<std::string> texts_;
  std::vector<std::string> outputs_;
  bool streams_ = false;
  bool has_file_ = true;
};

}  // namespace

std::unique_ptr<Job> make_evaluate() {
  return make_job<Evaluate>();
}

}  // namespace windrow::jobs
