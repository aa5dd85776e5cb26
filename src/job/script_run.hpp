#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "expr/counting.hpp"
#include "expr/folder.hpp"
#include "expr/script.hpp"
#include "job/context.hpp"
#include "job/passage.hpp"
#include "job/sweep.hpp"

namespace windrow {

/// Runs the passes of a script over the arrays of a job, each rank over its own rows, and combines what they reduce.
class ScriptRun {
 public:
  /// `sources` are those of arrays that pass through the window; others are filled.
  ScriptRun(Context& context, const expr::Script& script, const std::map<std::string, ArraySource>& sources);

  /// A phase for each pass. Numbers go to Context::result(), and what is not finite to Context::not_finite().
  /// *Collective over* the world. *Throws*: as Context::phase().
  void run();

 private:
  void run_pass(const expr::Script::Pass& pass, const std::string& phase);
  void tell_not_finite();
  void search(const expr::Script::Pass& pass, const std::string& phase);
  [[nodiscard]] std::array<double, 2> range_of(const expr::Reduction& histogram) const;
  template <typename Element>
  void store_results(const expr::Reduction& wanted, std::span<const double> results);
  void combine_columns(const expr::Reduction& reduction, const expr::Folder& folder);
  [[nodiscard]] std::vector<std::int64_t> combined(const expr::Reduction& reduction, std::vector<std::int64_t> part,
                                                   std::int64_t columns);
  [[nodiscard]] const expr::Reduction& reduction(std::int64_t number) const {
    return script_->reductions()[static_cast<std::size_t>(number)];
  }
  /// In the window.
  [[nodiscard]] SharedArray& array(std::int64_t number) {
    return context_->array(script_->arrays()[static_cast<std::size_t>(number)].name);
  }
  [[nodiscard]] std::vector<RowRange> rows_of_ranks(std::int64_t rows) const;

  Context* context_;
  const expr::Script* script_;
  Sweep::PassingArrays passing_;
  std::vector<std::int64_t> parameters_;
  /// Of each array the last pass that has stored it: what is not finite in the rows of this rank.
  std::map<std::int64_t, kernel::NotFinite> not_finite_;
};

}  // namespace windrow
