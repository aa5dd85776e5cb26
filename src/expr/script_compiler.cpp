#include "expr/script_compiler.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

#include "expr/lanes.hpp"

namespace windrow::expr {
namespace {

bool is_bound_to_domain(Opcode opcode) {
  return (Opcode::row <= opcode && opcode <= Opcode::cols) || is_random(opcode);
}

Reach reach_of(const Shape& array, const Shape& domain) {
  const bool has_rows = array.rows == domain.rows;
  const bool has_cols = array.cols == domain.cols;
  if (has_rows && has_cols) return Reach::element;
  if (has_cols) return Reach::column;
  return has_rows ? Reach::row : Reach::all;
}

/// The row or column in arrays of the shape `own`, as it is where these are broadcast to `domain`: an axis of length 1
/// has the number 0 alone, the elements of a single axis lie along the columns.
Instruction position_in(const Shape& domain, const Instruction& position, const Shape& own) {
  const bool is_line = own.axes == 1;
  const bool is_along_rows = position.opcode == Opcode::row && !is_line;
  const bool is_there =
      is_along_rows ? own.rows == domain.rows : own.cols == domain.cols && (position.opcode == Opcode::row) == is_line;
  if (!is_there) return {.opcode = Opcode::constant, .type = ValueType::int64};
  const bool is_row = is_along_rows || domain.axes == 1;
  return {.opcode = is_row ? Opcode::row : Opcode::column, .type = ValueType::int64};
}

}  // namespace

ScriptCompiler::ScriptCompiler(std::vector<Script::Array> arrays) {
  script_.arrays_ = std::move(arrays);
  scope_.reduce = [this](const ReductionCall& call) { return reduce(call); };
  for (std::int64_t number = 0; number < std::ssize(script_.arrays_); ++number) {
    const Script::Array& array = script_.arrays_[index(number)];
    array_numbers_[array.name] = number;
    scope_.names[array.name] = builder_.load(number, value_type(array.type), array.shape);
    random_calls_[array.name] = array.random_calls;
  }
}

void ScriptCompiler::add(std::string_view text) {
  Compiler parser(text, builder_);
  const Token target = parser.target();
  const std::string name(target.text);
  const auto array = array_numbers_.find(name);
  const bool is_array = array != array_numbers_.end();
  target_ = is_array ? std::optional(script_.arrays_[index(array->second)].shape) : std::nullopt;
  const Value value = value_of(parser, text, name);
  builder_.locate(target.column);
  if (is_array) return assign_array(array->second, value);
  if (value.shape.axes == 0) return assign_number(name, value);
  make_array(name, element_type(value.type), value.shape, value);
}

void ScriptCompiler::add(const Script::Link& link) {
  const auto x = scope_.names.find("x");
  target_ = link.shape;
  if (!target_ && x != scope_.names.end()) target_ = x->second.shape;
  Value k = builder_.append({.opcode = Opcode::sample, .type = ValueType::int64});
  k.is_number = true;
  scope_.names.insert_or_assign("k", k);
  Compiler parser(link.text, builder_);
  const Value value = value_of(parser, link.text, link.name);
  builder_.locate(0);
  if (link.is_number) {
    if (value.shape.axes != 0)
      builder_.fail(fmt::format("it must give one number for a sample; this has the shape {}", value.shape.text()));
    return assign_number(link.name, value.is_positional && target_ ? same_everywhere(value, *target_) : value);
  }
  Shape shape = link.shape.value_or(value.shape);
  if (shape.axes == 0) {
    if (!value.is_positional)
      builder_.fail(
          "it must give an array; this is one number, whatever the element: the result of a sample may be that");
    shape = *target_;
  }
  make_array(link.name, link.shape ? link.type : element_type(value.type), shape, value);
  scope_.names.insert_or_assign("x", scope_.names.extract(link.name).mapped());
}

/// A value of that shape which is one number: it may have the rows and columns in it, but nothing that differs from
/// element to element.
Value ScriptCompiler::same_everywhere(const Value& value, const Shape& shape) {
  Value whole = bound(value, shape);
  std::set<std::int32_t> needed{whole.place};
  for (auto place = needed.rbegin(); place != needed.rend(); ++place) {
    const Instruction& instruction = builder_.instructions()[index(*place)];
    if (instruction.opcode == Opcode::row || instruction.opcode == Opcode::column || is_random(instruction.opcode))
      builder_.fail("it must give one number for a sample: i, j and random numbers differ from element to element");
    for (const std::int32_t operand : instruction.operands)
      if (operand != Instruction::kNone) needed.insert(operand);
  }
  whole.is_positional = false;
  return whole;
}

Value ScriptCompiler::value_of(Compiler& parser, std::string_view text, const std::string& name) {
  scope_.stream = static_cast<std::int32_t>(script_.streams_.size());
  scope_.random_calls = random_calls_[name];
  script_.streams_.push_back(name);
  text_ = std::string(text);
  const Value value = parser.whole_expression(scope_);
  random_calls_[name] = scope_.random_calls;
  if (assigned_.insert(name).second) script_.assigned_.push_back(name);
  return value;
}

void ScriptCompiler::make_array(const std::string& name, ElementType type, const Shape& shape, const Value& value) {
  const std::int64_t made = std::ssize(script_.arrays_);
  script_.arrays_.push_back({.name = name, .type = type, .shape = shape, .is_new = true});
  array_numbers_[name] = made;
  numbers_.erase(name);
  assign_array(made, value);
}

void ScriptCompiler::assign_array(std::int64_t number, Value value) {
  const Script::Array& array = script_.arrays_[index(number)];
  if (broadcast(value.shape, array.shape) != std::optional(array.shape))
    builder_.fail(fmt::format("'{}' has the shape {}, what is assigned to it has {}", array.name, array.shape.text(),
                              value.shape.text()));
  value = builder_.convert(bound(value, array.shape), value_type(array.type));
  value.shape = array.shape;
  value.is_number = false;
  scope_.names[array.name] = value;
  values_[number] = value.place;
  script_.arrays_[index(number)].text = text_;
}

void ScriptCompiler::assign_number(const std::string& name, const Value& value) {
  if (value.is_positional)
    builder_.fail(
        fmt::format("nothing tells the shape of '{}': i, j, rows, cols and random numbers take that of an "
                    "array beside them; declare [arrays.{}] in the deck",
                    name, name));
  scope_.names[name] = value;
  numbers_[name] = value;
}

std::int32_t ScriptCompiler::domain_number(const Shape& shape) {
  const auto found = std::ranges::find(domains_, shape);
  if (found != domains_.end()) return static_cast<std::int32_t>(found - domains_.begin());
  domains_.push_back(shape);
  return static_cast<std::int32_t>(domains_.size()) - 1;
}

/// The instruction with its rows, columns and random numbers taken to be those of arrays of that domain.
Instruction ScriptCompiler::bound(Instruction instruction, std::int32_t domain) const {
  const Shape& shape = domains_[index(domain)];
  if (is_bound_to_domain(instruction.opcode)) {
    const bool is_of_another = instruction.domain != Instruction::kNone && instruction.domain != domain;
    if (is_of_another && is_random(instruction.opcode))
      builder_.fail(fmt::format("this mixes random numbers of the shapes {} and {}",
                                domains_[index(instruction.domain)].text(), shape.text()));
    if (!is_of_another) instruction.domain = domain;
  }
  if (instruction.opcode != Opcode::rows && instruction.opcode != Opcode::cols) return instruction;
  const Extents extents = shape.extents();
  return {.opcode = Opcode::constant,
          .type = ValueType::int64,
          .integer = instruction.opcode == Opcode::rows ? extents.rows : extents.cols};
}

/// The same of a value, with all that it is computed from.
Value ScriptCompiler::bound(const Value& value, const Shape& shape) {
  if (!value.is_positional) return value;
  const std::int32_t domain = domain_number(shape);
  std::map<std::int32_t, std::int32_t>& moved = bound_[domain];
  std::set<std::int32_t> needed{value.place};
  const auto is_new = [&](std::int32_t place) { return place != Instruction::kNone && !moved.contains(place); };
  for (auto place = needed.rbegin(); place != needed.rend(); ++place)
    for (const std::int32_t operand : builder_.instructions()[index(*place)].operands)
      if (is_new(operand)) needed.insert(operand);
  for (const std::int32_t place : needed) {
    Instruction instruction = builder_.instructions()[index(place)];
    for (std::int32_t& operand : instruction.operands)
      if (operand != Instruction::kNone) operand = moved.at(operand);
    moved[place] = builder_.append(bound(instruction, domain)).place;
  }
  Value result = value;
  result.place = moved.at(value.place);
  return result;
}

Value ScriptCompiler::fold(Fold fold, Value operand, const ReductionCall& call) {
  std::optional<int> axis;
  const auto keyword = [&](std::string_view word) -> std::optional<double> {
    const auto found = call.keywords.find(word);
    if (found == call.keywords.end()) return std::nullopt;
    return found->second.numbers.front();
  };
  const Shape shape = operand.shape;
  if (const auto wanted = keyword("axis")) {
    const double last = shape.axes - 1;
    axis = static_cast<int>(*wanted < 0 ? *wanted + shape.axes : *wanted);
    if (*axis < 0 || *axis > last)
      builder_.fail(fmt::format("axis={} of an array of {} ax{}s", *wanted, shape.axes, shape.axes == 1 ? "i" : "e"));
    if (shape.axes == 1) axis.reset();  // its only one
  }
  const Reduction reduction{
      .fold = fold, .type = operand.type, .domain = shape, .axis = axis, .operand = operand.place};
  const auto [known, is_new] =
      folds_.try_emplace({fold, operand.place, axis, domain_number(shape)}, std::ssize(script_.reductions_));
  const std::int64_t number = known->second;
  if (is_new) {
    script_.reductions_.push_back(reduction);
    if (axis) {
      const std::int64_t count = *axis == 0 ? shape.cols : shape.rows;
      script_.reductions_.back().array = std::ssize(script_.arrays_);
      script_.arrays_.push_back({.name = fmt::format("reduction {}", number),
                                 .type = reduction.gives_float() ? ElementType::float64 : ElementType::int64,
                                 .shape = {.axes = 1, .rows = 1, .cols = count},
                                 .text = text_,
                                 .is_new = true});
    }
  }
  const ValueType type = reduction.gives_float() ? ValueType::float64 : ValueType::int64;
  const bool keeps = keyword("keepdims").value_or(0.0) != 0.0;
  if (!axis) {
    Value whole = builder_.parameter(number, type);
    if (keeps) {  // an array of a single element
      whole.shape = {.axes = shape.axes};
      whole.is_number = false;
    }
    return whole;
  }
  const std::int64_t result = script_.reductions_[index(number)].array;
  const Script::Array& array = script_.arrays_[index(result)];
  const std::int64_t count = array.shape.cols;
  const Shape kept = *axis == 0 ? Shape{2, 1, count} : Shape{2, count, 1};
  return builder_.load(result, type, keeps ? kept : array.shape, keeps ? domain_number(kept) : Instruction::kNone);
}

Value ScriptCompiler::reduce(const ReductionCall& call) {
  const std::string_view name = call.name->name;
  Value operand = call.operands[0];
  if (name == "vdot") operand = builder_.binary(Opcode::multiply, operand, call.operands[1]);
  if (name == "norm") {
    operand = builder_.convert(operand, is_float(operand.type) ? operand.type : ValueType::float64);
    operand = builder_.binary(Opcode::multiply, operand, operand);
  }
  if (operand.shape.axes == 0) {
    if (!operand.is_positional || !target_) builder_.fail(fmt::format("{} of a number; it is of arrays", name));
    operand.shape = *target_;
  }
  operand = bound(operand, operand.shape);

  const ValueType type = operand.type;
  const ValueType real = type == ValueType::float32 ? type : ValueType::float64;
  const bool is_whole = !is_float(type);
  if (name == "histogram") return histogram(builder_.convert(operand, ValueType::float64), call);
  if (name == "quantile") return quantile(builder_.convert(operand, ValueType::float64), call);
  if (name == "any" || name == "all")
    return builder_.truth(fold(name == "any" ? Fold::maximum : Fold::minimum, builder_.truth(operand), call));
  if (name == "count_nonzero") return fold(Fold::sum, builder_.truth(operand), call);
  if (name == "argmin" || name == "argmax") return fold(name == "argmin" ? Fold::argmin : Fold::argmax, operand, call);
  if (name == "min" || name == "max")
    return builder_.convert(fold(name == "min" ? Fold::minimum : Fold::maximum, operand, call), type);
  if (name == "sum" || name == "vdot" || name == "prod") {
    const Value whole = fold(name == "prod" ? Fold::product : Fold::sum, operand, call);
    return is_whole ? whole : builder_.convert(whole, type);
  }
  if (name == "norm")
    return builder_.convert(builder_.function(kernel::Function::sqrt, fold(Fold::sum, operand, call)), real);

  const auto axis = call.keywords.find("axis");
  std::int64_t count = operand.shape.elements();
  if (axis != call.keywords.end() && operand.shape.axes == 2)
    count = axis->second.numbers.front() == 0 || axis->second.numbers.front() == -2 ? operand.shape.rows
                                                                                    : operand.shape.cols;
  const auto quotient = [&](const Value& sum, double divisor) {
    return builder_.binary(Opcode::divide, sum, builder_.constant(divisor));
  };
  operand = builder_.convert(operand, ValueType::float64);
  if (name == "mean")
    return builder_.convert(quotient(fold(Fold::sum, operand, call), static_cast<double>(count)), real);
  if (name == "var" || name == "std") {
    const auto freedom = call.keywords.find("ddof");
    const double ddof = freedom == call.keywords.end() ? 0.0 : freedom->second.numbers.front();
    // numpy divides by 0 where there are no degrees of freedom left.
    const double divisor = std::max(static_cast<double>(count) - ddof, 0.0);
    Value result = quotient(fold(Fold::deviation, operand, call), divisor);
    if (name == "std") result = builder_.function(kernel::Function::sqrt, result);
    return builder_.convert(result, real);
  }
  builder_.fail(fmt::format("{} cannot be computed", name));
}

/// A reduction that gives several numbers.
Value ScriptCompiler::results_of(Reduction reduction, ElementType type, std::int64_t count) {
  const Shape shape{1, 1, count};
  reduction.array = std::ssize(script_.arrays_);
  script_.arrays_.push_back({.name = fmt::format("reduction {}", script_.reductions_.size()),
                             .type = type,
                             .shape = shape,
                             .text = text_,
                             .is_new = true});
  const std::int64_t array = reduction.array;
  script_.reductions_.push_back(std::move(reduction));
  return builder_.load(array, value_type(type), shape);
}

Value ScriptCompiler::histogram(const Value& operand, const ReductionCall& call) {
  constexpr double most = 1 << 24;
  Reduction reduction{.fold = Fold::histogram, .type = operand.type, .domain = operand.shape, .operand = operand.place};
  const auto bins = call.keywords.find("bins");
  const double wanted = bins == call.keywords.end() ? 10.0 : bins->second.numbers.front();
  if (wanted < 1 || wanted > most || wanted != std::floor(wanted) ||
      (bins != call.keywords.end() && bins->second.is_list))
    builder_.fail(fmt::format("bins= is a whole number from 1 to {}", most));
  reduction.bins = static_cast<std::int64_t>(wanted);
  if (const auto range = call.keywords.find("range"); range != call.keywords.end()) {
    const std::vector<double>& ends = range->second.numbers;
    if (ends.size() != 2 || !(ends[0] <= ends[1])) builder_.fail("range= is (low, high), low not above high");
    reduction.range = std::array{ends[0], ends[1]};
  } else {
    const ReductionCall plain{.name = call.name, .token = call.token};
    for (const Fold end : {Fold::minimum, Fold::maximum})
      reduction.range_from[end == Fold::minimum ? 0 : 1] = builder_.at(fold(end, operand, plain)).integer;
  }
  return results_of(std::move(reduction), ElementType::int64, static_cast<std::int64_t>(wanted));
}

Value ScriptCompiler::quantile(const Value& operand, const ReductionCall& call) {
  constexpr std::size_t most = 64;
  const auto q = call.keywords.find("q");
  if (q == call.keywords.end()) builder_.fail(fmt::format("quantile needs fractions; write {}", call.name->usage));
  const std::vector<double>& fractions = q->second.numbers;
  if (std::ranges::any_of(fractions, [](double fraction) { return !(0.0 <= fraction && fraction <= 1.0); }))
    builder_.fail("the fractions of quantile are from 0 to 1");
  if (fractions.size() > most) builder_.fail(fmt::format("quantile takes at most {} fractions at a time", most));
  Reduction reduction{.fold = Fold::quantile,
                      .type = operand.type,
                      .domain = operand.shape,
                      .fractions = fractions,
                      .operand = operand.place};
  if (q->second.is_list)
    return results_of(std::move(reduction), ElementType::float64, static_cast<std::int64_t>(fractions.size()));
  script_.reductions_.push_back(std::move(reduction));
  return builder_.parameter(std::ssize(script_.reductions_) - 1, ValueType::float64);
}

/// In which pass a reduction is done: a histogram whose range is to be found comes after that.
int ScriptCompiler::level_of(const Reduction& reduction, const std::vector<int>& levels) const {
  return levels[index(reduction.operand)] + (reduction.range_from[0] >= 0 ? 1 : 0);
}

/// In which pass each value can be computed: what a reduction gives is there after the pass of its operand.
std::vector<int> ScriptCompiler::levels() const {
  const std::vector<Instruction>& instructions = builder_.instructions();
  std::map<std::int64_t, std::int64_t> reduction_of_array;
  for (std::int64_t number = 0; number < std::ssize(script_.reductions_); ++number)
    reduction_of_array[script_.reductions_[index(number)].array] = number;
  std::vector<int> levels(instructions.size(), 0);
  for (std::size_t k = 0; k < instructions.size(); ++k) {
    const Instruction& instruction = instructions[k];
    for (const std::int32_t place : instruction.operands)
      if (place != Instruction::kNone) levels[k] = std::max(levels[k], levels[index(place)]);
    std::int64_t reduction = -1;
    if (instruction.opcode == Opcode::parameter) reduction = instruction.integer;
    if (instruction.opcode == Opcode::load)
      if (const auto found = reduction_of_array.find(instruction.integer); found != reduction_of_array.end())
        reduction = found->second;
    if (reduction >= 0) levels[k] = level_of(script_.reductions_[index(reduction)], levels) + 1;
  }
  return levels;
}

/// Which values need what an array held at the beginning.
std::vector<bool> ScriptCompiler::readers_of(std::int64_t array) const {
  const std::vector<Instruction>& instructions = builder_.instructions();
  std::vector<bool> reads(instructions.size(), false);
  for (std::size_t k = 0; k < instructions.size(); ++k) {
    reads[k] = instructions[k].opcode == Opcode::load && instructions[k].integer == array;
    for (const std::int32_t operand : instructions[k].operands)
      if (operand != Instruction::kNone && reads[index(operand)]) reads[k] = true;
  }
  return reads;
}

/// An array is overwritten in the last pass that reads what it held before, or later.
std::vector<ScriptCompiler::Root> ScriptCompiler::roots(const std::set<std::string>& stored) const {
  const std::vector<int> level = levels();
  std::vector<Root> roots;
  for (const auto& [number, place] : values_) {
    const Script::Array& array = script_.arrays_[index(number)];
    if (array.is_new && !stored.contains(array.name)) continue;
    roots.push_back({true, number, place, array.shape, level[index(place)], -1});
  }
  for (std::int64_t number = 0; number < std::ssize(script_.reductions_); ++number) {
    const Reduction& reduction = script_.reductions_[index(number)];
    const std::int32_t place = reduction.operand;
    const std::int64_t alone = reduction.fold == Fold::quantile ? number : -1;
    roots.push_back({false, number, place, reduction.domain, level_of(reduction, level), alone});
  }
  std::map<std::int64_t, std::vector<bool>> readers;  // of arrays that are overwritten
  for (const Root& root : roots)
    if (root.is_store && !script_.arrays_[index(root.number)].is_new) readers[root.number] = readers_of(root.number);
  for (bool is_settled = false; !is_settled;) {
    is_settled = true;
    for (Root& store : roots) {
      if (!store.is_store || !readers.contains(store.number)) continue;
      const std::vector<bool>& reads = readers[store.number];
      for (const Root& reader : roots) {
        if (!reads[index(reader.place)] || reader.level <= store.level) continue;
        store.level = reader.level;
        is_settled = false;
      }
    }
  }
  // Of one level the larger domains first: an array can be read in passes over its own domain and over larger ones.
  std::ranges::stable_sort(roots, [](const Root& a, const Root& b) {
    const auto place = [](const Root& root) {
      return std::tuple(root.level, -root.domain.elements(), root.domain.rows, -root.domain.axes, root.alone < 0,
                        root.alone, !root.is_store);
    };
    return place(a) < place(b);
  });
  return roots;
}

/// A pass for some roots of one level and domain; what earlier ones have stored is read rather than computed again.
void ScriptCompiler::make_pass(std::span<const Root> all, std::span<const Root> roots) {
  std::vector<Instruction> instructions = builder_.instructions();
  const Shape& domain = roots.front().domain;
  for (const Root& root : all) {
    const bool is_there = root.is_store && root.level < roots.front().level && root.domain == domain &&
                          script_.arrays_[index(root.number)].is_new;
    if (is_there)
      instructions[index(root.place)] = {
          .opcode = Opcode::load, .type = instructions[index(root.place)].type, .integer = root.number};
  }
  std::vector<Input> inputs;
  std::map<std::pair<std::int64_t, std::int32_t>, std::int64_t> input_of;  // by the array and the shape it is seen in
  std::vector<std::int64_t> stores;
  std::vector<std::int64_t> reductions;
  std::vector<std::int32_t> results;
  for (const Root& root : roots) {
    results.push_back(root.place);
    (root.is_store ? stores : reductions).push_back(root.number);
  }
  const Program needed(instructions, results, stores.size(), {});
  instructions.assign(needed.instructions().begin(), needed.instructions().end());
  for (Instruction& instruction : instructions) {
    if (instruction.opcode == Opcode::row || instruction.opcode == Opcode::column)
      instruction = position_in(domain, instruction, domains_[index(instruction.domain)]);
    if (instruction.opcode != Opcode::load) continue;
    const Script::Array& array = script_.arrays_[index(instruction.integer)];
    const Shape& shape = instruction.domain == Instruction::kNone ? array.shape : domains_[index(instruction.domain)];
    const auto [found, is_new] = input_of.try_emplace({instruction.integer, instruction.domain}, std::ssize(inputs));
    if (is_new) inputs.push_back({instruction.integer, array.type, reach_of(shape, domain)});
    instruction.integer = found->second;
  }
  Program program(instructions, needed.results(), stores.size(), std::move(inputs));
  script_.passes_.push_back({domain, std::move(program), std::move(stores), std::move(reductions)});
}

Script ScriptCompiler::finish(std::span<const std::string> outputs) {
  const std::span<const std::string> wanted =
      outputs.empty() ? std::span<const std::string>(script_.assigned_) : outputs;
  const std::set<std::string> stored(wanted.begin(), wanted.end());
  const std::vector<Root> all = roots(stored);
  for (auto first = all.begin(); first != all.end();) {
    const auto last = std::find_if(first, all.end(), [&](const Root& root) {
      return root.level != first->level || root.domain != first->domain || root.alone != first->alone;
    });
    make_pass(all, {first, last});
    first = last;
  }
  for (Script::Array& array : script_.arrays_) array.is_stored = !array.is_new;
  for (const Root& root : all)
    if (root.is_store) script_.arrays_[index(root.number)].is_stored = true;
  for (const Reduction& reduction : script_.reductions_)
    if (reduction.array >= 0) script_.arrays_[index(reduction.array)].is_stored = true;
  std::vector<std::int32_t> results;
  for (const std::string& name : script_.assigned_) {
    const auto found = numbers_.find(name);
    if (found == numbers_.end()) continue;
    script_.scalars_.push_back({name, found->second.type});
    results.push_back(found->second.place);
  }
  script_.scalar_program_.emplace(builder_.instructions(), results, results.size(), std::vector<Input>{});
  return std::move(script_);
}

}  // namespace windrow::expr
