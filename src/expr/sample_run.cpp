#include "expr/sample_run.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <utility>

#include "expr/counting.hpp"

namespace windrow::expr {
namespace {

/// Elements that are stored at a time: they stay in the second-level cache until they are taken.
constexpr std::int64_t kStep = std::int64_t{1} << 16;
static_assert(kStep % kFoldBlock == 0);

std::size_t index(std::int64_t number) {
  return static_cast<std::size_t>(number);
}

}  // namespace

SampleRun::SampleRun(const Script& script, Bindings bindings)
    : script_(&script),
      bindings_(std::move(bindings)),
      memory_(script.arrays().size()),
      evaluators_(script.passes().size()),
      parameters_(script.reductions().size()) {
  bindings_.streams = script.streams();
  bindings_.is_one_of_many = true;
  for (const Reduction& reduction : script.reductions()) {
    if (reduction.array < 0) continue;
    std::vector<std::int64_t>& results = of_reductions_[reduction.array];
    results.resize(index(script.arrays()[index(reduction.array)].shape.elements()));
    bind(reduction.array, reinterpret_cast<const std::byte*>(results.data()));
  }
}

std::int64_t SampleRun::bytes(const Script& script) {
  std::int64_t bytes = 0;
  for (const Reduction& reduction : script.reductions()) {
    const bool counts = reduction.fold == Fold::quantile || reduction.fold == Fold::histogram;
    const std::int64_t rows = reduction.domain.extents().rows;
    bytes = checked_add(bytes, counts ? counting_bytes(reduction) : folder_bytes(reduction, {0, rows}));
    if (reduction.array >= 0) bytes = checked_add(bytes, script.arrays()[index(reduction.array)].shape.elements() * 8);
  }
  return bytes;
}

void SampleRun::run(std::int64_t sample, SampleStore* store) {
  for (std::size_t number = 0; number < script_->passes().size(); ++number) {
    const Script::Pass& pass = script_->passes()[number];
    const bool is_search = !pass.reductions.empty() && reduction(pass.reductions[0]).fold == Fold::quantile;
    is_search ? search(number, sample) : run_pass(number, sample, store);
  }
  numbers_ = evaluate_numbers(script_->scalar_program(), parameters_, sample);
}

kernel::NotFinite SampleRun::not_finite() const {
  kernel::NotFinite all;
  for (const std::optional<Evaluator>& evaluator : evaluators_) {
    if (!evaluator) continue;
    for (const kernel::NotFinite& found : evaluator->not_finite()) {
      all.nan += found.nan;
      all.infinite += found.infinite;
    }
  }
  return all;
}

Evaluator& SampleRun::evaluator(std::size_t number, std::int64_t sample) {
  const Script::Pass& pass = script_->passes()[number];
  std::vector<InputMemory> inputs;
  for (const Input& input : pass.program.inputs())
    inputs.push_back({memory_[index(input.array)], 0, script_->arrays()[index(input.array)].shape.elements()});
  std::optional<Evaluator>& evaluator = evaluators_[number];
  if (!evaluator) {
    Bindings bindings = bindings_;
    bindings.extents = pass.domain.extents();
    bindings.inputs = inputs;
    bindings.parameters = parameters_;
    evaluator.emplace(pass.program, std::move(bindings));
  }
  evaluator->rebind(inputs);
  evaluator->begin_sample(sample, parameters_);
  return *evaluator;
}

void SampleRun::evaluate(Evaluator& evaluator, const Script::Pass& pass, std::span<Sink* const> sinks,
                         SampleStore* store) const {
  const std::int64_t elements = pass.domain.elements();
  if (pass.stores.empty()) return evaluator.evaluate({0, elements}, 0, {}, sinks);
  const Script::Array& stored = script_->arrays()[index(pass.stores.front())];
  for (ElementRange range{0, 0}; range.end < elements; range.begin = range.end) {
    range.end = std::min(range.begin + kStep, elements);
    const Target target{.destination = store->begin(range), .type = stored.type, .store = Store::cached};
    evaluator.evaluate(range, 0, std::span(&target, 1), sinks);
    store->end(range);
  }
}

std::unique_ptr<Sink> SampleRun::sink(const Reduction& reduction) {
  if (reduction.fold != Fold::histogram)
    return Folder::make(reduction, {0, reduction.domain.extents().rows},
                        reduction.axis == 1 ? of_reductions_.at(reduction.array).data() : nullptr);
  std::array<double, 2> range{};
  for (std::size_t end = 0; end < 2; ++end)
    range[end] = reduction.range ? (*reduction.range)[end]
                                 : std::bit_cast<double>(parameters_[index(reduction.range_from[end])]);
  if (!std::isfinite(range[0]) || !std::isfinite(range[1]))
    throw Error(ExitStatus::usage, "the values of a histogram are from {} to {}: give it range=(low, high)", range[0],
                range[1]);
  return std::make_unique<Histogram>(range[0], range[1], reduction.bins);
}

void SampleRun::run_pass(std::size_t number, std::int64_t sample, SampleStore* store) {
  const Script::Pass& pass = script_->passes()[number];
  std::vector<std::unique_ptr<Sink>> owned;
  std::vector<Sink*> sinks;
  for (const std::int64_t wanted : pass.reductions) {
    owned.push_back(sink(reduction(wanted)));
    sinks.push_back(owned.back().get());
  }
  evaluate(evaluator(number, sample), pass, sinks, store);
  for (std::size_t n = 0; n < sinks.size(); ++n) keep(pass.reductions[n], *sinks[n]);
}

/// What a sink has found, for the passes that follow.
void SampleRun::keep(std::int64_t number, Sink& sink) {
  const Reduction& wanted = reduction(number);
  if (wanted.fold == Fold::histogram)
    return store_results<std::int64_t>(wanted, static_cast<Histogram&>(sink).counts());
  if (wanted.axis == 1) return;  // the folder has put it there
  const RowRange rows{0, wanted.domain.extents().rows};
  const auto& folder = static_cast<const Folder&>(sink);
  if (wanted.axis) {
    of_reductions_.at(wanted.array) = combine(wanted, std::span(&rows, 1), folder.part(), wanted.domain.cols);
    bind(wanted.array, reinterpret_cast<const std::byte*>(of_reductions_.at(wanted.array).data()));
  } else {
    parameters_[index(number)] = combine(wanted, std::span(&rows, 1), folder.part())[0];
  }
}

/// The passes of a quantile.
void SampleRun::search(std::size_t number, std::int64_t sample) {
  const Script::Pass& pass = script_->passes()[number];
  const Reduction& wanted = reduction(pass.reductions[0]);
  QuantileSearch found(pass.domain.elements(), wanted.fractions);
  Sink* const sink = &found;
  do {
    evaluate(evaluator(number, sample), pass, std::span(&sink, 1), nullptr);
  } while (found.next());
  if (wanted.array >= 0) return store_results<double>(wanted, found.results());
  parameters_[index(pass.reductions[0])] = std::bit_cast<std::int64_t>(found.results()[0]);
}

template <typename Element>
void SampleRun::store_results(const Reduction& reduction, std::span<const double> results) {
  std::vector<std::int64_t>& lanes = of_reductions_.at(reduction.array);
  for (std::size_t n = 0; n < results.size(); ++n)
    lanes[n] = std::bit_cast<std::int64_t>(static_cast<Element>(results[n]));
}

}  // namespace windrow::expr
