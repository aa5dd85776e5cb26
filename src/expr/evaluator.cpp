#include "expr/evaluator.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <optional>
#include <utility>

#include "expr/fused.hpp"
#include "expr/hoist.hpp"
#include "expr/layout.hpp"
#include "expr/operation.hpp"
#include "kernel/kernels.hpp"
#include "kernel/random.hpp"

namespace windrow::expr {
namespace {

using kernel::Distribution;
using kernel::Form;
using kernel::kLanePadding;

/// Elements of a strip: with some buffers of them the first-level cache is not full.
constexpr std::int64_t kStrip = 1024;
constexpr std::int64_t kLineBytes = 64;
constexpr std::int64_t kLineLanes = kLineBytes / 8;

struct alignas(kLineBytes) Buffer {
  std::array<std::int64_t, kStrip + kLanePadding> lanes{};
};

/// A value of which kernels may read a whole vector.
struct alignas(kLineBytes) Cell {
  std::array<std::int64_t, kLanePadding + 1> lanes{};
};

/// The value of an instruction: a scalar is `base`, as the bits of its lane; a ramp is base, base + step, ...
struct Held {
  std::int64_t base = 0;
  std::int64_t step = 0;
  const void* lanes = nullptr;
};

/// Consecutive elements that are evaluated together; the first has the number `element` and is at (row, column). In a
/// line the row is 0 and the column the element.
struct Strip {
  std::int64_t element = 0;
  std::int64_t row = 0;
  std::int64_t column = 0;
  std::int64_t count = 1;
  bool is_whole = false;  ///< cache lines of all destinations that take lanes as they are
};

std::uint64_t bits(std::int64_t x) {
  return static_cast<std::uint64_t>(x);
}
std::int64_t wrapped(std::uint64_t x) {
  return static_cast<std::int64_t>(x);
}
std::size_t index(auto number) {
  return static_cast<std::size_t>(number);
}

Form form(bool a_is_scalar, bool b_is_scalar) {
  if (a_is_scalar) return b_is_scalar ? Form::scalar_scalar : Form::scalar_lanes;
  return b_is_scalar ? Form::lanes_scalar : Form::lanes_lanes;
}

Held ramp_of(Opcode opcode, const Held& a, const Held& b) {
  switch (opcode) {
    case Opcode::subtract:
      return {wrapped(bits(a.base) - bits(b.base)), wrapped(bits(a.step) - bits(b.step))};
    case Opcode::multiply:  // one of them is a scalar, its step 0
      return {wrapped(bits(a.base) * bits(b.base)), wrapped(bits(a.step) * bits(b.base) + bits(a.base) * bits(b.step))};
    default:
      return {wrapped(bits(a.base) + bits(b.base)), wrapped(bits(a.step) + bits(b.step))};
  }
}

}  // namespace

struct Evaluator::State {
  State(Program the_program, Bindings the_bindings)
      : bindings(std::move(the_bindings)),
        program(hoist_columns(std::move(the_program))),
        instructions(program.instructions()),
        values(instructions.size()),
        keys(instructions.size()) {
    for (std::size_t k = 0; k < instructions.size(); ++k)
      if (is_random(instructions[k].opcode))
        keys[k] = kernel::key_of({.seed = bindings.seed,
                                  .array = bindings.streams[index(instructions[k].stream)],
                                  .call = bits(instructions[k].integer),
                                  .sample = bindings.sample});
    prepare(kernel::level());
  }

  Bindings bindings;
  std::vector<std::vector<std::int64_t>> columns;  ///< lanes of what depends on the column alone
  Program program;
  std::span<const Instruction> instructions;
  kernel::Level level = kernel::Level::baseline;
  Layout layout;
  bool is_constant = false;      ///< all results are
  std::vector<FusedCode> codes;  ///< of the fused steps, in order
  std::vector<bool> is_read_by_kernels;
  bool is_one_loop = false;  ///< the only fused step does it all, from inputs as they are: it needs no buffers
  std::vector<Held> values;
  std::vector<bool> is_overwritten_result;  ///< a load that is a result, while inputs are overwritten
  std::vector<std::uint64_t> keys;
  std::vector<Buffer> buffers;
  std::vector<Buffer> ramps;  ///< operands of a step that are ramps, written out
  std::vector<void*> pointers;
  Buffer row_numbers;
  Buffer column_numbers;
  std::array<std::int32_t, kStrip + kLanePadding> narrow{};

  // Of the present call.
  const kernel::Kernels* kernels = nullptr;
  std::int64_t longest_strip = kStrip;
  std::int64_t offset = 0;
  ElementRange range;
  std::span<const Target> targets;
  std::span<Sink* const> sinks;

  void evaluate() {
    const bool overwrites = std::ranges::any_of(targets, [](const Target& target) { return target.is_input; });
    is_overwritten_result.assign(instructions.size(), false);
    if (overwrites)
      for (const std::int32_t place : program.results()) is_overwritten_result[index(place)] = true;
    if (level != kernel::level()) prepare(kernel::level());
    kernels = &kernel::kernels();
    longest_strip = is_one_loop && all_direct() ? range.elements() : kStrip;
    for (std::size_t k = 0; k < instructions.size(); ++k)
      if (layout.held[k].is_constant) execute(k, {}, false);
    for (std::int64_t element = range.begin; element < range.end;) {
      const Strip strip = strip_from(element);
      evaluate_strip(strip);
      element += strip.count;
    }
  }

 private:
  /// Computes what depends on the column alone; returns the program that reads it.
  Program hoist_columns(Program whole) {
    std::optional<Hoisted> hoisted = hoist(whole, bindings.extents);
    if (!hoisted) return whole;
    Bindings of_row = bindings;
    of_row.extents.rows = 1;
    Evaluator evaluator(hoisted->columns, std::move(of_row));
    std::vector<Target> parts;
    const std::int64_t cols = bindings.extents.cols;
    for (std::size_t n = 0; n < hoisted->columns.results().size(); ++n) {
      columns.emplace_back(index(cols + kLanePadding));
      parts.push_back({.destination = columns.back().data(),
                       .type = lane_element(hoisted->columns.type(n)),
                       .store = Store::cached});
      bindings.inputs.push_back({reinterpret_cast<const std::byte*>(columns.back().data()), 0, cols + kLanePadding});
    }
    evaluator.evaluate({0, cols}, 0, parts);
    return std::move(hoisted->rest);
  }

  /// The layout and the code for a level; where no code can be made, a layout for kernels alone.
  void prepare(kernel::Level wanted) {
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
    is_one_loop = !layout.needs_positions && codes.size() == 1 && layout.steps.back().is_fused &&
                  layout.steps.back().outputs.empty() &&
                  layout.steps.back().stores.size() == program.results().size() &&
                  std::ranges::all_of(layout.steps.back().inputs, [&](auto k) { return is_read_as_it_is(index(k)); });
  }

  void find_readers() {
    is_read_by_kernels.assign(instructions.size(), false);
    for (const Step& step : layout.steps)
      if (!step.is_fused)
        for (const std::int32_t place : instructions[index(step.instructions[0])].operands)
          if (place != Instruction::kNone) is_read_by_kernels[index(place)] = true;
    for (const std::int32_t place : program.results()) is_read_by_kernels[index(place)] = true;
  }

  /// Whether an operand of a fused step is a scalar, or lanes in the memory of an input.
  [[nodiscard]] bool is_read_as_it_is(std::size_t k) const {
    if (held(k).spread == Spread::scalar) return true;
    if (instructions[k].opcode != Opcode::load || is_read_by_kernels[k]) return false;
    const Input& input = program.inputs()[index(instructions[k].integer)];
    return input.reach == Reach::element && bytes_of(input.type) == 8;
  }

  [[nodiscard]] bool all_direct() const {
    for (std::size_t r = 0; r < targets.size(); ++r)
      if (!is_direct(r, true)) return false;
    return true;
  }

  [[nodiscard]] bool compile() {
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

  // ---- Strips ----

  Strip strip_from(std::int64_t element) const {
    const bool in_line = layout.traversal == Traversal::line || is_constant;
    const std::int64_t cols = bindings.extents.cols;
    Strip strip{.element = element,
                .row = in_line ? 0 : element / cols,
                .column = in_line ? element : element % cols,
                .count = range.end - element};
    if (!in_line && layout.traversal == Traversal::rows) strip.count = std::min(strip.count, cols - strip.column);
    if (is_constant && sinks.empty()) return strip;
    if (!layout.needs_lanes && sinks.empty()) return strip;
    return short_strip(strip);
  }

  /// At most longest_strip elements: up to where a cache line of the first destination begins, then whole lines, then
  /// the rest.
  Strip short_strip(Strip strip) const {
    std::int64_t past = strip.element % kStrip;  // without a destination
    std::int64_t most = kStrip - past;
    if (!targets.empty()) {
      past = static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(destination(0, strip.element)) % kLineBytes);
      const std::int64_t to_line = (kLineBytes - past) / bytes_of(targets[0].type);
      most = past == 0 ? longest_strip : to_line;
    }
    if (strip.count > most) {
      strip.count = most;
    } else if (strip.count > kLineLanes) {
      strip.count -= strip.count % kLineLanes;
    }
    strip.is_whole = past == 0 && strip.count % kLineLanes == 0;
    return strip;
  }

  [[nodiscard]] std::byte* destination(std::size_t result, std::int64_t element) const {
    const Target& target = targets[result];
    return static_cast<std::byte*>(target.destination) + (element - range.begin) * bytes_of(target.type);
  }

  void evaluate_strip(const Strip& strip) {
    if (layout.needs_positions && !is_constant)
      kernels->positions(strip.row, strip.column, bindings.extents.cols, row_numbers.lanes.data(),
                         column_numbers.lanes.data(), strip.count);
    std::size_t code = 0;
    for (std::size_t s = 0; s < layout.steps.size(); ++s) {
      const Step& step = layout.steps[s];
      const bool is_last = s + 1 == layout.steps.size();
      if (step.is_fused) {
        run(codes[code++], step, strip, is_last);
      } else {
        execute(index(step.instructions[0]), strip, is_last);
      }
    }
    for (std::size_t r = 0; r < program.results().size(); ++r) {
      const auto k = index(program.results()[r]);
      if (r >= targets.size()) {
        sinks[r - targets.size()]->take(readable(k, strip, ramps[0]), strip.element, strip.count);
      } else if (values[k].lanes != destination(r, strip.element) || held(k).spread != Spread::lanes) {
        store(r, strip);
      }
    }
  }

  /// Whether a step may store a result where it belongs: lanes as they are, and nobody is to read what was there.
  [[nodiscard]] bool is_direct(std::size_t result, bool in_last_step) const {
    const Target& target = targets[result];
    return (in_last_step || !target.is_input) && target.type == lane_element(program.type(result));
  }

  // ---- Fused steps ----

  void run(const FusedCode& code, const Step& step, const Strip& strip, bool is_last) {
    pointers.clear();
    std::size_t written = 0;
    for (const std::int32_t k : step.inputs) {
      const bool is_scalar = held(index(k)).spread == Spread::scalar;
      const void* const in = is_scalar ? &values[index(k)].base : readable(index(k), strip, ramps[written++]);
      pointers.push_back(const_cast<void*>(in));
    }
    for (const std::int32_t k : step.outputs) pointers.push_back(buffer(index(k)));
    bool is_streaming = strip.is_whole;
    for (const std::int32_t r : step.stores) {
      const auto k = index(program.results()[index(r)]);
      const bool is_direct_here = strip.count % kLineLanes == 0 && is_direct(index(r), is_last);
      void* const out = is_direct_here ? destination(index(r), strip.element) : static_cast<void*>(buffer(k));
      pointers.push_back(out);
      values[k].lanes = out;
      is_streaming = is_streaming && is_direct_here && targets[index(r)].store == Store::streaming &&
                     reinterpret_cast<std::uintptr_t>(out) % kLineBytes == 0;
    }
    for (const std::int32_t k : step.outputs) values[index(k)].lanes = buffer(index(k));
    code.run(pointers.data(), (strip.count + code.width() - 1) / code.width(), is_streaming);
  }

  // ---- Single instructions ----

  /// The value of an instruction: of a scalar, from its operands alone.
  void execute(std::size_t k, const Strip& strip, bool is_last) {
    const Instruction& instruction = instructions[k];
    Held& value = values[k];
    switch (instruction.opcode) {
      case Opcode::constant:
        value.base = instruction.integer;
        break;
      case Opcode::parameter:
        value.base = bindings.parameters[index(instruction.integer)];
        break;
      case Opcode::row:
        value = row(strip);
        break;
      case Opcode::column:
        value = column(strip);
        break;
      case Opcode::offset:
        value.base = offset;
        break;
      case Opcode::rows:
        value.base = bindings.extents.rows;
        break;
      case Opcode::cols:
        value.base = bindings.extents.cols;
        break;
      case Opcode::rank:
        value.base = bindings.rank;
        break;
      case Opcode::node:
        value.base = bindings.node;
        break;
      case Opcode::pid:
        value.base = bindings.pid;
        break;
      case Opcode::load:
        load(k, strip);
        break;
      case Opcode::to_float64:
        value = to_float64(k, strip);
        break;
      case Opcode::truncate:
        value = truncate(k, strip);
        break;
      case Opcode::round_to_float32:
        value = unary(k, kernels->round_to_float32, strip, is_last);
        break;
      case Opcode::wrap_to_int32:
        value = unary(k, kernels->wrap_to_int32, strip, is_last);
        break;
      case Opcode::function:
        value = unary(k, kernels->unary[index(instruction.function)], strip, is_last);
        break;
      case Opcode::select:
        value = select(k, strip, is_last);
        break;
      case Opcode::uniform:
        value = draw(k, Distribution::uniform, strip, is_last);
        break;
      case Opcode::normal:
        value = draw(k, Distribution::normal, strip, is_last);
        break;
      default:
        value = binary(k, strip, is_last);
        break;
    }
  }

  Held row(const Strip& strip) const {
    switch (layout.traversal) {
      case Traversal::rows:
        return {.base = strip.row};
      case Traversal::line:
        return {.base = strip.column, .step = 1};
      case Traversal::folded:
        break;
    }
    return {.lanes = row_numbers.lanes.data()};
  }

  Held column(const Strip& strip) const {
    switch (layout.traversal) {
      case Traversal::rows:
        return {.base = strip.column, .step = 1};
      case Traversal::line:
        return {};
      case Traversal::folded:
        break;
    }
    return {.lanes = column_numbers.lanes.data()};
  }

  void load(std::size_t k, const Strip& strip) {
    const auto input = index(instructions[k].integer);
    const Input& source = program.inputs()[input];
    const InputMemory& memory = bindings.inputs[input];
    const auto at = [&](std::int64_t element) {
      return memory.first + (element - memory.begin) * bytes_of(source.type);
    };
    if (held(k).spread == Spread::scalar) {
      const std::int64_t element = source.reach == Reach::row && layout.traversal == Traversal::rows ? strip.row : 0;
      kernels->to_lanes[index(source.type)](at(element), &values[k].base, 1);
    } else if (source.reach == Reach::element || layout.traversal == Traversal::rows) {
      const std::int64_t element = source.reach == Reach::element ? strip.element : strip.column;
      // Kernels read lanes where they are, but not beyond what is there; machine code reads whole vectors. What is
      // stored at the end of the strip must not have been overwritten by then.
      const std::int64_t count =
          is_read_by_kernels[k] ? strip.count + kLanePadding : (strip.count + kLineLanes - 1) / kLineLanes * kLineLanes;
      const bool is_in_place = bytes_of(source.type) == 8 && element + count <= memory.end && !is_overwritten_result[k];
      values[k].lanes = is_in_place ? static_cast<const void*>(at(element)) : buffer(k);
      if (!is_in_place) kernels->to_lanes[index(source.type)](at(element), buffer(k), strip.count);
    } else {
      const Buffer& numbers = source.reach == Reach::row ? row_numbers : column_numbers;
      for (std::int64_t n = 0; n < strip.count; ++n)
        kernels->to_lanes[index(source.type)](at(numbers.lanes[index(n)]), buffer(k) + n, 1);
      values[k].lanes = buffer(k);
    }
  }

  Held draw(std::size_t k, Distribution distribution, const Strip& strip, bool is_last) {
    if (layout.traversal == Traversal::folded) {  // whole vectors are written: never to the destination
      kernels->draws_at[index(distribution)](keys[k], row_numbers.lanes.data(), column_numbers.lanes.data(), buffer(k),
                                             strip.count);
      return {.lanes = buffer(k)};
    }
    const Output out = output(k, strip, is_last);
    kernels->draws[index(distribution)](keys[k], strip.row, strip.column / 2, strip.column % 2, strip.count, out.lanes,
                                        out.store);
    return {.lanes = out.lanes};
  }

  Held to_float64(std::size_t k, const Strip& strip) {
    const Held& from = operand(k, 0);
    const auto to = index(ElementType::float64);
    if (held(k).spread == Spread::scalar) {
      const Cell in{{from.base}};
      Cell out;
      kernels->from_int64[to](in.lanes.data(), out.lanes.data(), 1, Store::cached);
      return {.base = out.lanes[0]};
    }
    if (operand_spread(k, 0) == Spread::ramp) {
      kernels->ramp[to](from.base, from.step, buffer(k), strip.count, Store::cached);
    } else {
      kernels->from_int64[to](from.lanes, buffer(k), strip.count, Store::cached);
    }
    return {.lanes = buffer(k)};
  }

  /// By way of elements of the type.
  Held truncate(std::size_t k, const Strip& strip) {
    const bool is_scalar = held(k).spread == Spread::scalar;
    const bool is_narrow = instructions[k].type == ValueType::int32;
    const std::int64_t count = is_scalar ? 1 : strip.count;
    const Cell cell{{operand(k, 0).base}};
    Cell result;
    const void* const in = is_scalar ? cell.lanes.data() : operand(k, 0).lanes;
    std::int64_t* const out = is_scalar ? result.lanes.data() : buffer(k);
    if (is_narrow) {
      kernels->from_float64[index(ElementType::int32)](in, narrow.data(), count, Store::cached);
      kernels->to_lanes[index(ElementType::int32)](narrow.data(), out, count);
    } else {
      kernels->from_float64[index(ElementType::int64)](in, out, count, Store::cached);
    }
    return is_scalar ? Held{.base = result.lanes[0]} : Held{.lanes = out};
  }

  Held unary(std::size_t k, kernel::Kernels::Unary function, const Strip& strip, bool is_last) {
    if (held(k).spread == Spread::scalar) {
      const Cell in{{operand(k, 0).base}};
      Cell out;
      function(in.lanes.data(), out.lanes.data(), 1, Store::cached);
      return {.base = out.lanes[0]};
    }
    const Output out = output(k, strip, is_last);
    function(readable_operand(k, 0, strip), out.lanes, strip.count, out.store);
    return {.lanes = out.lanes};
  }

  Held binary(std::size_t k, const Strip& strip, bool is_last) {
    const Instruction& instruction = instructions[k];
    const auto& forms = kernels->binary[index(operation(instruction.opcode, is_float(instructions[place(k, 0)].type)))];
    if (held(k).spread == Spread::ramp) return ramp_of(instruction.opcode, operand(k, 0), operand(k, 1));
    if (held(k).spread == Spread::scalar) {
      const Cell a{{operand(k, 0).base}};
      const Cell b{{operand(k, 1).base}};
      Cell out;
      forms[index(Form::lanes_lanes)](a.lanes.data(), b.lanes.data(), out.lanes.data(), 1, Store::cached);
      return {.base = out.lanes[0]};
    }
    const Form the_form = form(is_scalar(k, 0), is_scalar(k, 1));
    const Output out = output(k, strip, is_last);
    forms[index(the_form)](readable_operand(k, 0, strip), readable_operand(k, 1, strip), out.lanes, strip.count,
                           out.store);
    return {.lanes = out.lanes};
  }

  Held select(std::size_t k, const Strip& strip, bool is_last) {
    if (is_scalar(k, 0)) return choose(k, operand(k, 0).base != 0 ? 1 : 2, strip, is_last);
    const Output out = output(k, strip, is_last);
    const Form the_form = form(is_scalar(k, 1), is_scalar(k, 2));
    kernels->select[index(the_form)](readable_operand(k, 0, strip), readable_operand(k, 1, strip),
                                     readable_operand(k, 2, strip), out.lanes, strip.count, out.store);
    return {.lanes = out.lanes};
  }

  /// A select with one condition for all elements is one of its operands.
  Held choose(std::size_t k, std::size_t chosen, const Strip& strip, bool is_last) {
    if (held(k).spread != Spread::lanes) return operand(k, chosen);
    const Output out = output(k, strip, is_last);
    const void* const in = readable_operand(k, chosen, strip);
    if (is_scalar(k, chosen)) {
      kernels->fill_8_bytes(in, out.lanes, strip.count, out.store);
    } else {
      kernels->from_int64[index(ElementType::int64)](in, out.lanes, strip.count, out.store);
    }
    return {.lanes = out.lanes};
  }

  /// A result, converted into its destination.
  void store(std::size_t result, const Strip& strip) {
    const auto k = index(program.results()[result]);
    const Target& target = targets[result];
    const auto type = index(target.type);
    const auto& from = is_float(program.type(result)) ? kernels->from_float64 : kernels->from_int64;
    void* const out = destination(result, strip.element);
    switch (held(k).spread) {
      case Spread::scalar: {
        const Cell in{{values[k].base}};
        Cell element;
        from[type](in.lanes.data(), element.lanes.data(), 1, Store::cached);
        fill_of(target.type)(element.lanes.data(), out, strip.count, target.store);
        break;
      }
      case Spread::ramp:
        kernels->ramp[type](values[k].base, values[k].step, out, strip.count, target.store);
        break;
      case Spread::lanes:
        from[type](values[k].lanes, out, strip.count, target.store);
        break;
    }
  }

  [[nodiscard]] kernel::Kernels::Fill fill_of(ElementType type) const {
    switch (bytes_of(type)) {
      case 1:
        return kernels->fill_1_byte;
      case 4:
        return kernels->fill_4_bytes;
      default:
        return kernels->fill_8_bytes;
    }
  }

  // ---- Values ----

  struct Output {
    void* lanes = nullptr;
    Store store = Store::cached;
  };

  /// Where the lanes of an instruction go: where they belong, if nothing else needs them.
  Output output(std::size_t k, const Strip& strip, bool is_last) {
    const std::int32_t result = held(k).store;
    if (result < 0 || !is_direct(index(result), is_last)) return {buffer(k), Store::cached};
    return {destination(index(result), strip.element), targets[index(result)].store};
  }

  /// The lanes of a value, written to `space` if it has none.
  const void* readable(std::size_t k, const Strip& strip, Buffer& space) {
    const Held& value = values[k];
    switch (held(k).spread) {
      case Spread::lanes:
        return value.lanes;
      case Spread::ramp:
        kernels->ramp[index(ElementType::int64)](value.base, value.step, space.lanes.data(), strip.count,
                                                 Store::cached);
        break;
      case Spread::scalar:
        kernels->fill_8_bytes(&value.base, space.lanes.data(), strip.count, Store::cached);
        break;
    }
    return space.lanes.data();
  }

  /// What a kernel reads of an operand: the lanes or the scalar.
  const void* readable_operand(std::size_t k, std::size_t n, const Strip& strip) {
    if (is_scalar(k, n)) return &operand(k, n).base;
    return readable(place(k, n), strip, ramps[n]);
  }

  [[nodiscard]] const Layout::Held& held(std::size_t k) const { return layout.held[k]; }
  std::int64_t* buffer(std::size_t k) { return buffers[index(held(k).buffer)].lanes.data(); }
  [[nodiscard]] std::size_t place(std::size_t k, std::size_t n) const { return index(instructions[k].operands[n]); }
  [[nodiscard]] const Held& operand(std::size_t k, std::size_t n) const { return values[place(k, n)]; }
  [[nodiscard]] Spread operand_spread(std::size_t k, std::size_t n) const { return held(place(k, n)).spread; }
  [[nodiscard]] bool is_scalar(std::size_t k, std::size_t n) const { return operand_spread(k, n) == Spread::scalar; }
};

Evaluator::Evaluator(Program program, Bindings bindings)
    : state_(std::make_unique<State>(std::move(program), std::move(bindings))) {}
Evaluator::~Evaluator() = default;
Evaluator::Evaluator(Evaluator&&) noexcept = default;
Evaluator& Evaluator::operator=(Evaluator&&) noexcept = default;

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

std::vector<std::int64_t> evaluate_numbers(const Program& program, const std::vector<std::int64_t>& parameters) {
  Evaluator evaluator(program, {.extents = {.rows = 1, .cols = 1}, .parameters = parameters, .may_compile = false});
  const std::size_t count = program.results().size();
  std::vector<std::int64_t> numbers(count);
  std::vector<Target> targets;
  for (std::size_t n = 0; n < count; ++n)
    targets.push_back({.destination = &numbers[n], .type = lane_element(program.type(n)), .store = Store::cached});
  evaluator.evaluate({0, 1}, 0, targets);
  return numbers;
}

}  // namespace windrow::expr
