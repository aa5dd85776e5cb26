// evaluate: arrays from expressions and files, then statements like v = u**2 and total = sum(v), in order.
#include <algorithm>
#include <deque>

#include "job/array_keys.hpp"
#include "job/context.hpp"
#include "job/job.hpp"
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
    keys.throw_if_rejected();  // statements are about arrays that are right
    try {
      (void)script(1);
    } catch (const expr::StatementError& error) {
      const Statement wrong = statements()[error.statement()];
      keys.reject("evaluate.statements", error.what(), wrong.offset + error.column(), wrong.item);
    }
  }

  JobNeeds needs(int ranks) const override {
    JobNeeds needs;
    const expr::Script compiled = script_for(ranks);
    for (const ArrayKeys& array : arrays_) {
      needs.arrays.push_back(array.planned(ranks));
      needs.arrays.back().is_result = std::ranges::find(compiled.assigned(), array.name()) != compiled.assigned().end();
    }
    add_needs(needs, compiled, ranks);
    // Who has filled an array, and who has stored it in a pass.
    needs.block_records = 2 * std::ssize(needs.arrays) * ranks;
    return needs;
  }

  void run(Context& context) override {
    const expr::Script compiled = script_for(context.topology().ranks());
    read(context);
    populate(context);
    ScriptRun(context, compiled).run();
  }

 private:
  void read(Context& context) const {
    std::int64_t bytes = 0;
    for (const ArrayKeys& array : arrays_)
      if (array.dataset() != nullptr) bytes += array.dataset()->bytes();
    if (bytes == 0) return;
    context.phase("read", bytes, [&] {
      for (const ArrayKeys& array : arrays_)
        if (array.dataset() != nullptr) context.read(context.array(array.name()), *array.dataset());
    });
  }

  void populate(Context& context) const {
    std::int64_t bytes = 0;
    for (const ArrayKeys& array : arrays_)
      if (!array.value().empty()) bytes += context.array(array.name()).shape().bytes();
    if (bytes == 0) return;
    context.phase("populate", bytes, [&] {
      for (const ArrayKeys& array : arrays_) {
        if (array.value().empty()) continue;
        expr::Evaluator value = context.evaluator(context.array(array.name()), array.value());
        context.fill(context.array(array.name()), value);
      }
    });
  }

  struct Statement {
    std::string text;
    std::size_t item = 0;    ///< of the list in the deck
    std::size_t offset = 0;  ///< in the item
  };

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
    return expr::Script::compile(texts, known, outputs_);
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

  std::deque<ArrayKeys> arrays_;
  std::vector<std::string> texts_;
  std::vector<std::string> outputs_;
};

}  // namespace

std::unique_ptr<Job> make_evaluate() {
  return make_job<Evaluate>();
}

}  // namespace windrow::jobs
