#include "expr/evaluator.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "expr/evaluator_state.hpp"
#include "expr/hoist.hpp"
#include "expr/operation.hpp"
#include "kernel/random.hpp"

namespace windrow::expr {

Evaluator::State::State(Program the_program, Bindings the_bindings)
    : bindings(std::move(the_bindings)),
      program(hoist_columns(std::move(the_program))),
      instructions(program.instructions()),
      values(instructions.size()),
      keys(instructions.size()),
      not_finite(program.stores()) {
  find_keys();
  prepare(kernel::level());
}

void Evaluator::State::find_keys() {
  for (std::size_t k = 0; k < instructions.size(); ++k)
    if (is_random(instructions[k].opcode))
      keys[k] = kernel::key_of({.seed = bindings.seed,
                                .array = bindings.streams[index(instructions[k].stream)],
                                .call = static_cast<std::uint64_t>(instructions[k].integer),
                                .sample = bindings.sample});
}

void Evaluator::State::evaluate() {
  const bool overwrites = std::ranges::any_of(targets, [](const Target& target) { return target.is_input; });
  is_overwritten_result.assign(instructions.size(), false);
  if (overwrites)
    for (const std::int32_t place : program.results()) is_overwritten_result[index(place)] = true;
  if (level != kernel::level()) prepare(kernel::level());
  kernels = &kernel::kernels();
  folds_blocks = can_fold();
  longest_strip = kStrip;
  if (is_one_loop && all_direct()) {
    longest_strip = range.elements();
  } else if (layout.buffers > 1) {
    longest_strip = kStrip / 2;  // measured: what goes from kernel to kernel stays nearer
  }
  for (std::size_t k = 0; k < instructions.size(); ++k)
    if (layout.held[k].is_constant) execute(k, {}, false);
  for (std::int64_t element = range.begin; element < range.end;) {
    const Strip strip = strip_from(element);
    evaluate_strip(strip);
    element += strip.count;
  }
}

Program Evaluator::State::hoist_columns(Program whole) {
  std::optional<Hoisted> hoisted = hoist(whole, bindings.extents, {.is_one_of_many = bindings.is_one_of_many});
  if (!hoisted) return whole;
  Bindings of_row = bindings;
  of_row.extents.rows = 1;
  Evaluator evaluator(hoisted->columns, std::move(of_row));
  std::vector<Target> parts;
  const std::int64_t cols = bindings.extents.cols;
  for (std::size_t n = 0; n < hoisted->columns.results().size(); ++n) {
    columns.emplace_back(index(cols + kLanePadding));
    parts.push_back(
        {.destination = columns.back().data(), .type = lane_element(hoisted->columns.type(n)), .store = Store::cached});
    bindings.inputs.push_back({reinterpret_cast<const std::byte*>(columns.back().data()), 0, cols + kLanePadding});
  }
  evaluator.evaluate({0, cols}, 0, parts);
  return std::move(hoisted->rest);
}

void Evaluator::State::prepare(kernel::Level wanted) {
  level = wanted;
  if (!compile()) {
    codes.clear();
    layout = lay_out(program, bindings.extents, [](const Instruction&) { return false; });
  }
  buffers.resize(index(layout.buffers));
  std::size_t most_inputs = 3;
  for (const Step& step : layout.steps) most_inputs = std::max(most_inputs, step.inputs.size());
  ramps.resize(most_inputs);
  is_constant = std::ranges::all_of(program.results(), [&](auto place) { return held(index(place)).is_constant; });
  find_readers();
  is_only_read = program.stores() == 0 &&
                 std::ranges::all_of(program.results(), [&](auto place) { return is_as_it_is(index(place)); });
  find_loop();
}

void Evaluator::State::find_loop() {
  folding.reset();
  is_one_loop = false;
  is_foldable = false;
  if (layout.needs_positions || codes.size() != 1 || !layout.steps.back().is_fused) return;
  const Step& step = layout.steps.back();
  if (step.stores.size() != program.stores()) return;
  if (!std::ranges::all_of(step.inputs, [&](auto k) { return is_read_as_it_is(index(k)); })) return;
  const auto of_sinks = program.results().subspan(program.stores());
  is_one_loop = of_sinks.empty();
  is_foldable = layout.traversal == Traversal::line && std::ranges::all_of(of_sinks, [&](auto k) {
                  return std::ranges::find(step.instructions, k) != step.instructions.end();
                });
}

void Evaluator::State::find_readers() {
  is_read_by_kernels.assign(instructions.size(), false);
  for (const Step& step : layout.steps)
    if (!step.is_fused)
      for (const std::int32_t place : instructions[index(step.instructions[0])].operands)
        if (place != Instruction::kNone) is_read_by_kernels[index(place)] = true;
  for (const std::int32_t place : program.results()) is_read_by_kernels[index(place)] = true;
}

bool Evaluator::State::is_read_as_it_is(std::size_t k) const {
  return held(k).spread == Spread::scalar || (is_as_it_is(k) && !is_read_by_kernels[k]);
}

bool Evaluator::State::is_as_it_is(std::size_t k) const {
  if (instructions[k].opcode != Opcode::load) return false;
  const Input& input = program.inputs()[index(instructions[k].integer)];
  return input.reach == Reach::element && bytes_of(input.type) == 8;
}

bool Evaluator::State::all_direct() const {
  for (std::size_t r = 0; r < targets.size(); ++r)
    if (!is_direct(r, true)) return false;
  return true;
}

bool Evaluator::State::can_fold() {
  if (sinks.empty() || !is_foldable || !all_direct()) return false;
  if (!std::ranges::all_of(sinks, [](const Sink* sink) { return sink->lane_fold().has_value(); })) return false;
  const auto wanted = [](const Sink* sink) { return *sink->lane_fold(); };
  if (!folding || !std::ranges::equal(sinks, folds, {}, wanted)) {
    folds.clear();
    std::ranges::transform(sinks, std::back_inserter(folds), wanted);
    folding.emplace(program, layout, layout.steps.back(), level, folds);
    folded.resize(folds.size());
  }
  return folding->is_made();
}

bool Evaluator::State::compile() {
  layout = lay_out(program, bindings.extents, [&](const Instruction& instruction) {
    return bindings.may_compile && FusedCode::can_fuse(instruction, level);
  });
  codes.clear();
  for (const Step& step : layout.steps) {
    if (!step.is_fused) continue;
    codes.emplace_back(program, layout, step, level);
    if (!codes.back().is_made()) return false;
  }
  return true;
}

Strip Evaluator::State::strip_from(std::int64_t element) const {
  if (folds_blocks && element % kFoldBlock == 0 && range.end - element >= kFoldBlock) {
    const std::int64_t blocks = std::min((range.end - element) / kFoldBlock, kBlocksAtATime);
    return {.element = element, .column = element, .count = blocks * kFoldBlock, .is_whole = true, .is_folded = true};
  }
  const bool in_line = layout.traversal == Traversal::line || is_constant;
  const std::int64_t cols = bindings.extents.cols;
  Strip strip{.element = element,
              .row = in_line ? 0 : element / cols,
              .column = in_line ? element : element % cols,
              .count = range.end - element};
  if (!in_line && layout.traversal == Traversal::rows) strip.count = std::min(strip.count, cols - strip.column);
  if (is_constant && sinks.empty()) return strip;
  if (layout.needs_lanes || !sinks.empty()) shorten(strip);
  return strip;
}

void Evaluator::State::shorten(Strip& strip) const {
  std::int64_t past = 0;  // bytes behind the begin of a cache line
  if (!targets.empty())
    past = static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(destination(0, strip.element)) % kLineBytes);
  const std::int64_t most = past == 0 ? most_elements(strip) : (kLineBytes - past) / bytes_of(targets[0].type);
  if (strip.count > most) {
    strip.count = most;
  } else if (strip.count > kLineLanes) {
    strip.count -= strip.count % kLineLanes;
  }
  strip.is_whole = past == 0 && strip.count % kLineLanes == 0;
}

std::int64_t Evaluator::State::most_elements(const Strip& strip) const {
  if (sinks.empty()) return longest_strip;
  const std::int64_t to_border = kStrip - strip.element % kStrip;
  if (to_border < kStrip || !is_only_read) return to_border;
  // The last lanes go through buffers: kernels read beyond them.
  return std::max(kStrip, strip.count / kStrip * kStrip - kStrip);
}

std::byte* Evaluator::State::destination(std::size_t result, std::int64_t element) const {
  const Target& target = targets[result];
  return static_cast<std::byte*>(target.destination) + (element - range.begin) * bytes_of(target.type);
}

void Evaluator::State::evaluate_strip(const Strip& strip) {
  is_stored.assign(program.results().size(), false);
  if (layout.needs_positions && !is_constant)
    kernels->positions(strip.row, strip.column, bindings.extents.cols, row_numbers.lanes.data(),
                       column_numbers.lanes.data(), strip.count);
  std::size_t code = 0;
  for (std::size_t s = 0; s < layout.steps.size(); ++s) {
    const Step& step = layout.steps[s];
    const bool is_last = s + 1 == layout.steps.size();
    if (step.is_fused) {
      run(strip.is_folded ? *folding : codes[code++], step, strip, is_last);
    } else {
      execute(index(step.instructions[0]), strip, is_last);
    }
  }
  if (strip.is_folded) return take_folded(strip);
  for (std::size_t r = 0; r < program.results().size(); ++r) {
    const auto k = index(program.results()[r]);
    if (r >= targets.size()) {
      sinks[r - targets.size()]->take(readable(k, strip, ramps[0]), strip.element, strip.count);
    } else if (!is_stored[r]) {
      store(r, strip);
    }
  }
}

bool Evaluator::State::is_direct(std::size_t result, bool in_last_step) const {
  const Target& target = targets[result];
  return (in_last_step || !target.is_input) && target.type == lane_element(program.type(result));
}

void Evaluator::State::run(const FusedCode& code, const Step& step, const Strip& strip, bool is_last) {
  pointers.clear();
  std::size_t written = 0;
  for (const std::int32_t k : step.inputs) {
    const bool is_scalar = held(index(k)).spread == Spread::scalar;
    const void* const in = is_scalar ? &values[index(k)].base : readable(index(k), strip, ramps[written++]);
    pointers.push_back(const_cast<void*>(in));
  }
  if (!strip.is_folded)
    for (const std::int32_t k : step.outputs) pointers.push_back(buffer(index(k)));
  bool is_streaming = strip.is_whole;
  for (const std::int32_t r : step.stores) {
    const auto k = index(program.results()[index(r)]);
    const bool is_direct_here = strip.count % kLineLanes == 0 && is_direct(index(r), is_last);
    void* const out = is_direct_here ? destination(index(r), strip.element) : static_cast<void*>(buffer(k));
    pointers.push_back(out);
    values[k].lanes = out;
    is_stored[index(r)] = is_direct_here;
    is_streaming = is_streaming && is_direct_here && targets[index(r)].store == Store::streaming &&
                   reinterpret_cast<std::uintptr_t>(out) % kLineBytes == 0;
  }
  if (strip.is_folded)
    for (Buffer& lanes : folded) pointers.push_back(lanes.lanes.data());
  for (const std::int32_t k : step.outputs) values[index(k)].lanes = buffer(index(k));
  if (code.run(pointers.data(), (strip.count + code.width() - 1) / code.width(), is_streaming)) return;
  for (const std::int32_t r : step.stores)
    if (is_stored[index(r)]) count_not_finite(index(r), strip);
}

void Evaluator::State::take_folded(const Strip& strip) {
  for (std::size_t s = 0; s < sinks.size(); ++s)
    sinks[s]->take_folded(folded[s].lanes.data(), strip.element, strip.count / kFoldBlock);
}

Evaluator::Evaluator(Program program, Bindings bindings)
    : state_(std::make_unique<State>(std::move(program), std::move(bindings))) {}
Evaluator::~Evaluator() = default;
Evaluator::Evaluator(Evaluator&&) noexcept = default;
Evaluator& Evaluator::operator=(Evaluator&&) noexcept = default;

void Evaluator::rebind(std::span<const InputMemory> inputs) noexcept {
  // Behind them are what the evaluator has computed of columns.
  std::ranges::copy(inputs, state_->bindings.inputs.begin());
}

void Evaluator::begin_sample(std::int64_t sample, std::span<const std::int64_t> parameters) noexcept {
  state_->bindings.sample = sample;
  std::ranges::copy(parameters, state_->bindings.parameters.begin());
  state_->find_keys();
}

void Evaluator::evaluate(ElementRange range, std::int64_t offset, std::span<const Target> targets,
                         std::span<Sink* const> sinks) noexcept {
  state_->offset = offset;
  state_->range = range;
  state_->targets = targets;
  state_->sinks = sinks;
  state_->evaluate();
  if (std::ranges::any_of(targets, [](const Target& target) { return target.store == Store::streaming; }))
    kernel::finish_streaming();
}

std::span<const kernel::NotFinite> Evaluator::not_finite() const noexcept {
  return state_->not_finite;
}

std::vector<std::int64_t> evaluate_numbers(const Program& program, const std::vector<std::int64_t>& parameters,
                                           std::int64_t sample) {
  Evaluator evaluator(
      program, {.extents = {.rows = 1, .cols = 1}, .sample = sample, .parameters = parameters, .may_compile = false});
  const std::size_t count = program.results().size();
  std::vector<std::int64_t> numbers(count);
  std::vector<Target> targets;
  for (std::size_t n = 0; n < count; ++n)
    targets.push_back({.destination = &numbers[n], .type = lane_element(program.type(n)), .store = Store::cached});
  evaluator.evaluate({0, 1}, 0, targets);
  return numbers;
}

}  // namespace windrow::expr
