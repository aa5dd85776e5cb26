#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "expr/counting.hpp"
#include "expr/folder.hpp"
#include "expr/script.hpp"
#include "job/context.hpp"

namespace windrow {

/// What a script needs besides the arrays that were there before.
void add_needs(JobNeeds& needs, const expr::Script& script, int ranks);

/// Runs the passes of a script over the arrays of a job, each rank over its own rows, and combines what they reduce.
class ScriptRun {
 public:
  ScriptRun(Context& context, const expr::Script& script) : context_(&context), script_(&script) {}

  /// A phase for each pass. Numbers go to Context::result(). *Collective over* the world. *Throws*: as
  /// Context::phase().
  void run();

 private:
  using MakeSinks = std::function<std::vector<expr::Sink*>(RowRange rows)>;

  void run_pass(const expr::Script::Pass& pass, const std::string& phase);
  void search(const expr::Script::Pass& pass, const std::string& phase);
  void sweep(const expr::Script::Pass& pass, const std::string& phase, const MakeSinks& make_sinks);
  [[nodiscard]] std::array<double, 2> range_of(const expr::Reduction& histogram) const;
  template <typename Element>
  void store_results(const expr::Reduction& wanted, std::span<const double> results);
  void combine_columns(const expr::Reduction& reduction, const expr::Folder& folder);
  [[nodiscard]] std::vector<std::int64_t> combined(const expr::Reduction& reduction, std::vector<std::int64_t> part,
                                                   std::int64_t columns);
  [[nodiscard]] const expr::Reduction& reduction(std::int64_t number) const {
    return script_->reductions()[static_cast<std::size_t>(number)];
  }
  [[nodiscard]] SharedArray& array(std::int64_t number) {
    return context_->array(script_->arrays()[static_cast<std::size_t>(number)].name);
  }
  [[nodiscard]] std::vector<std::byte> replica(const SharedArray& source);
  [[nodiscard]] std::vector<RowRange> rows_of_ranks(std::int64_t rows) const;

  Context* context_;
  const expr::Script* script_;
  std::vector<std::int64_t> parameters_;
};

}  // namespace windrow
