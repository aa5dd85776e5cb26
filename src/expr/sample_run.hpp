#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "expr/evaluator.hpp"
#include "expr/folder.hpp"
#include "expr/script.hpp"

namespace windrow::expr {

/// Where the elements go that are stored of a sample.
class SampleStore {
 public:
  SampleStore() = default;
  SampleStore(const SampleStore&) = delete;
  SampleStore& operator=(const SampleStore&) = delete;
  virtual ~SampleStore() = default;
  /// Room for some elements, which come in order.
  virtual std::byte* begin(ElementRange elements) = 0;
  /// They are there.
  virtual void end(ElementRange elements) = 0;
};

/// Runs a script over one sample after the other, each of which this rank has alone. At most one of the script's arrays
/// is stored.
class SampleRun {
 public:
  /// `bindings` are those of the rank: seed, rank, node, pid. *Cost*: compiles the passes; memory for what reductions
  /// along an axis give.
  SampleRun(const Script& script, Bindings bindings);

  /// Where a given array is, by its number: from now on.
  void bind(std::int64_t array, const std::byte* first) { memory_[static_cast<std::size_t>(array)] = first; }

  /// Evaluates a sample. `store` takes what is stored, if anything is. *Throws*: what `store` throws; Error(usage) for
  /// a histogram whose range is not finite.
  void run(std::int64_t sample, SampleStore* store);

  /// The script's numbers for the last sample, as the bits of their lanes.
  [[nodiscard]] const std::vector<std::int64_t>& numbers() const { return numbers_; }
  /// What was not finite of what has been stored, over all samples.
  [[nodiscard]] kernel::NotFinite not_finite() const;

  /// Memory of a run of the script in bytes, at most.
  [[nodiscard]] static std::int64_t bytes(const Script& script);

 private:
  void run_pass(std::size_t number, std::int64_t sample, SampleStore* store);
  void search(std::size_t number, std::int64_t sample);
  /// With what the sample's earlier passes have found.
  Evaluator& evaluator(std::size_t number, std::int64_t sample);
  void evaluate(Evaluator& evaluator, const Script::Pass& pass, std::span<Sink* const> sinks, SampleStore* store) const;
  [[nodiscard]] std::unique_ptr<Sink> sink(const Reduction& reduction);
  void keep(std::int64_t number, Sink& sink);
  template <typename Element>
  void store_results(const Reduction& reduction, std::span<const double> results);
  [[nodiscard]] const Reduction& reduction(std::int64_t number) const {
    return script_->reductions()[static_cast<std::size_t>(number)];
  }

  const Script* script_;
  Bindings bindings_;
  std::vector<const std::byte*> memory_;                             ///< of each array; null for what is only stored
  std::map<std::int64_t, std::vector<std::int64_t>> of_reductions_;  ///< what is along an axis, by the array's number
  std::vector<std::optional<Evaluator>> evaluators_;                 ///< one for each pass
  std::vector<std::int64_t> parameters_;
  std::vector<std::int64_t> numbers_;
};

}  // namespace windrow::expr
