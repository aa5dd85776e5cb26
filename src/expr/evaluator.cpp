#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "expr/layout.hpp"
#include "kernel/kernels.hpp"
#include "kernel/random.hpp"

namespace windrow::expr {
namespace {

using kernel::Distribution;
using kernel::Form;
using kernel::kLanePadding;
using kernel::Operation;

/// Elements of a strip: with some buffers of them the first-level cache is not full.
constexpr std::int64_t kStrip = 1024;
/// A strip may grow to the next whole cache line of the destination.
constexpr std::int64_t kLineBytes = 64;
constexpr std::int64_t kBufferLanes = kStrip + kLineBytes / 4 + kLanePadding;

struct alignas(kLineBytes) Buffer {
  std::array<std::int64_t, kBufferLanes> lanes{};
};

/// A value of which kernels may read a whole vector.
struct alignas(kLineBytes) Cell {
  std::array<std::int64_t, kLanePadding + 1> lanes{};
};

/// The value of a step: a scalar is `base`, as the 64 bits of an int64 or a float64; a ramp is base, base + step, ...
struct Value {
  std::int64_t base = 0;
  std::int64_t step = 0;
  const void* lanes = nullptr;
};

/// Consecutive elements that are evaluated together; the first is at (row, column). Row 0 throughout in a line.
struct Strip {
  std::int64_t row = 0;
  std::int64_t column = 0;
  std::int64_t count = 1;
  void* destination = nullptr;
};

std::uint64_t bits(std::int64_t x) {
  return static_cast<std::uint64_t>(x);
}
std::int64_t wrapped(std::uint64_t x) {
  return static_cast<std::int64_t>(x);
}
std::size_t index(auto enumerator) {
  return static_cast<std::size_t>(enumerator);
}

Operation operation(Opcode opcode, bool is_float) {
  switch (opcode) {
    case Opcode::subtract:
      return is_float ? Operation::subtract_float64 : Operation::subtract_int64;
    case Opcode::multiply:
      return is_float ? Operation::multiply_float64 : Operation::multiply_int64;
    case Opcode::divide:
      return Operation::divide_float64;
    case Opcode::modulo:
      return is_float ? Operation::modulo_float64 : Operation::modulo_int64;
    case Opcode::power:
      return is_float ? Operation::power_float64 : Operation::power_int64;
    case Opcode::less:
      return is_float ? Operation::less_float64 : Operation::less_int64;
    case Opcode::less_equal:
      return is_float ? Operation::less_equal_float64 : Operation::less_equal_int64;
    case Opcode::equal:
      return is_float ? Operation::equal_float64 : Operation::equal_int64;
    case Opcode::not_equal:
      return is_float ? Operation::not_equal_float64 : Operation::not_equal_int64;
    case Opcode::minimum:
      return is_float ? Operation::minimum_float64 : Operation::minimum_int64;
    case Opcode::maximum:
      return is_float ? Operation::maximum_float64 : Operation::maximum_int64;
    case Opcode::arctan2:
      return Operation::arctan2_float64;
    case Opcode::hypot:
      return Operation::hypot_float64;
    default:
      return is_float ? Operation::add_float64 : Operation::add_int64;
  }
}

Form form(bool a_is_scalar, bool b_is_scalar) {
  if (a_is_scalar) return b_is_scalar ? Form::scalar_scalar : Form::scalar_lanes;
  return b_is_scalar ? Form::lanes_scalar : Form::lanes_lanes;
}

Value ramp_of(Opcode opcode, const Value& a, const Value& b) {
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
      : program(std::move(the_program)),
        bindings(std::move(the_bindings)),
        instructions(program.instructions()),
        layout(lay_out(instructions, bindings.extents)),
        values(instructions.size()),
        keys(instructions.size()),
        buffers(static_cast<std::size_t>(layout.buffers)) {
    for (std::size_t k = 0; k < instructions.size(); ++k)
      if (is_random(instructions[k].opcode))
        keys[k] = kernel::key_of({.seed = bindings.seed,
                                  .array = bindings.array_name,
                                  .call = bits(instructions[k].integer),
                                  .sample = bindings.sample});
  }

  Program program;
  Bindings bindings;
  std::span<const Instruction> instructions;
  Layout layout;
  std::vector<Value> values;
  std::vector<std::uint64_t> keys;
  std::vector<Buffer> buffers;
  std::array<Buffer, 3> ramps;  ///< operands that are ramps, written out
  Buffer row_numbers;
  Buffer column_numbers;

  // Of the present call.
  const kernel::Kernels* kernels = nullptr;
  std::int64_t offset = 0;
  Target target;

  void evaluate(ElementRange range) {
    for (std::size_t k = 0; k < instructions.size(); ++k)
      if (layout.steps[k].is_constant) execute(k, {});
    auto* destination = static_cast<std::byte*>(target.destination);
    for (std::int64_t element = range.begin; element < range.end;) {
      Strip strip = strip_from(element, range.end, destination);
      evaluate_strip(strip);
      element += strip.count;
      destination += strip.count * bytes_of(target.type);
    }
  }

 private:
  Strip strip_from(std::int64_t element, std::int64_t end, std::byte* destination) const {
    const bool is_constant = layout.steps.back().is_constant;
    const bool in_line = layout.traversal == Traversal::line || is_constant;
    const std::int64_t cols = bindings.extents.cols;
    Strip strip{.row = in_line ? 0 : element / cols,
                .column = in_line ? element : element % cols,
                .count = end - element,
                .destination = destination};
    if (layout.traversal == Traversal::rows && !is_constant) strip.count = std::min(strip.count, cols - strip.column);
    if (layout.needs_lanes && !is_constant) strip.count = short_strip(strip.count, destination);
    return strip;
  }

  /// Even parts of at most kStrip elements, lengthened to where a cache line of the destination begins.
  std::int64_t short_strip(std::int64_t count, const std::byte* destination) const {
    const std::int64_t parts = (count + kStrip - 1) / kStrip;
    const std::int64_t part = (count + parts - 1) / parts;
    const std::int64_t bytes = bytes_of(target.type);
    const std::uint64_t past = (reinterpret_cast<std::uintptr_t>(destination) + bits(part * bytes)) % kLineBytes;
    const std::int64_t to_line = static_cast<std::int64_t>((kLineBytes - past) % kLineBytes) / bytes;
    return std::min(count, part + to_line);
  }

  void evaluate_strip(const Strip& strip) {
    if (layout.needs_positions && !layout.steps.back().is_constant)
      kernels->positions(strip.row, strip.column, bindings.extents.cols, row_numbers.lanes.data(),
                         column_numbers.lanes.data(), strip.count);
    for (std::size_t k = 0; k < instructions.size(); ++k)
      if (!layout.steps[k].is_constant) execute(k, strip);
    if (!writes_destination(instructions.size() - 1)) store(strip);
  }

  void execute(std::size_t k, const Strip& strip) {
    const Instruction& instruction = instructions[k];
    Value& value = values[k];
    switch (instruction.opcode) {
      case Opcode::constant:
        value.base = instruction.type == ValueType::float64 ? std::bit_cast<std::int64_t>(instruction.number)
                                                            : instruction.integer;
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
      case Opcode::to_float64:
        value = to_float64(k, strip);
        break;
      case Opcode::function:
        value = function(k, strip);
        break;
      case Opcode::select:
        value = select(k, strip);
        break;
      case Opcode::uniform:
        value = draw(k, Distribution::uniform, strip);
        break;
      case Opcode::normal:
        value = draw(k, Distribution::normal, strip);
        break;
      default:
        value = binary(k, strip);
        break;
    }
  }

  Value row(const Strip& strip) const {
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

  Value column(const Strip& strip) const {
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

  Value draw(std::size_t k, Distribution distribution, const Strip& strip) {
    void* const out = output(k, strip);
    if (layout.traversal == Traversal::folded) {
      kernels->draws_at[index(distribution)](keys[k], row_numbers.lanes.data(), column_numbers.lanes.data(), out,
                                             strip.count);
      return {.lanes = out};
    }
    kernels->draws[index(distribution)](keys[k], strip.row, strip.column / 2, strip.column % 2, strip.count, out,
                                        store_of(k));
    return {.lanes = out};
  }

  Value to_float64(std::size_t k, const Strip& strip) {
    const Value& from = operand(k, 0);
    const auto to = index(ElementType::float64);
    if (shape(k) == Shape::scalar) {
      const Cell in{{from.base}};
      Cell out;
      kernels->from_int64[to](in.lanes.data(), out.lanes.data(), 1, Store::cached);
      return {.base = out.lanes[0]};
    }
    std::int64_t* const out = buffer(k);
    if (operand_shape(k, 0) == Shape::ramp) {
      kernels->ramp[to](from.base, from.step, out, strip.count, Store::cached);
    } else {
      kernels->from_int64[to](from.lanes, out, strip.count, Store::cached);
    }
    return {.lanes = out};
  }

  Value function(std::size_t k, const Strip& strip) {
    const auto& unary = kernels->unary[index(instructions[k].function)];
    if (shape(k) == Shape::scalar) {
      const Cell in{{operand(k, 0).base}};
      Cell out;
      unary(in.lanes.data(), out.lanes.data(), 1, Store::cached);
      return {.base = out.lanes[0]};
    }
    void* const out = output(k, strip);
    unary(readable(k, 0, strip), out, strip.count, store_of(k));
    return {.lanes = out};
  }

  Value binary(std::size_t k, const Strip& strip) {
    const Instruction& instruction = instructions[k];
    const bool is_float = instructions[static_cast<std::size_t>(instruction.operands[0])].type == ValueType::float64;
    const auto& forms = kernels->binary[index(operation(instruction.opcode, is_float))];
    if (shape(k) == Shape::ramp) return ramp_of(instruction.opcode, operand(k, 0), operand(k, 1));
    if (shape(k) == Shape::scalar) {
      const Cell a{{operand(k, 0).base}};
      const Cell b{{operand(k, 1).base}};
      Cell out;
      forms[index(Form::lanes_lanes)](a.lanes.data(), b.lanes.data(), out.lanes.data(), 1, Store::cached);
      return {.base = out.lanes[0]};
    }
    const Form the_form = form(is_scalar(k, 0), is_scalar(k, 1));
    void* const out = output(k, strip);
    forms[index(the_form)](readable(k, 0, strip), readable(k, 1, strip), out, strip.count, store_of(k));
    return {.lanes = out};
  }

  Value select(std::size_t k, const Strip& strip) {
    if (is_scalar(k, 0)) return choose(k, operand(k, 0).base != 0 ? 1 : 2, strip);
    void* const out = output(k, strip);
    const Form the_form = form(is_scalar(k, 1), is_scalar(k, 2));
    kernels->select[index(the_form)](readable(k, 0, strip), readable(k, 1, strip), readable(k, 2, strip), out,
                                     strip.count, store_of(k));
    return {.lanes = out};
  }

  /// A select with one condition for all elements is one of its operands.
  Value choose(std::size_t k, std::size_t chosen, const Strip& strip) {
    if (shape(k) != Shape::lanes) return operand(k, chosen);
    void* const out = output(k, strip);
    const void* const in = readable(k, chosen, strip);
    if (is_scalar(k, chosen)) {
      kernels->fill_8_bytes(in, out, strip.count, store_of(k));
    } else {
      kernels->from_int64[index(ElementType::int64)](in, out, strip.count, store_of(k));
    }
    return {.lanes = out};
  }

  /// The last value, converted into the destination.
  void store(const Strip& strip) {
    const Value& value = values.back();
    const auto type = index(target.type);
    const auto& from = program.type() == ValueType::float64 ? kernels->from_float64 : kernels->from_int64;
    switch (layout.steps.back().shape) {
      case Shape::scalar: {
        const Cell in{{value.base}};
        Cell element;
        from[type](in.lanes.data(), element.lanes.data(), 1, Store::cached);
        const auto fill = bytes_of(target.type) == 4 ? kernels->fill_4_bytes : kernels->fill_8_bytes;
        fill(element.lanes.data(), strip.destination, strip.count, target.store);
        break;
      }
      case Shape::ramp:
        kernels->ramp[type](value.base, value.step, strip.destination, strip.count, target.store);
        break;
      case Shape::lanes:
        from[type](value.lanes, strip.destination, strip.count, target.store);
        break;
    }
  }

  /// Whether a step's kernel stores elements of the destination itself.
  bool writes_destination(std::size_t k) const {
    const Opcode opcode = instructions[k].opcode;
    if (k + 1 != instructions.size() || shape(k) != Shape::lanes) return false;
    if (opcode == Opcode::row || opcode == Opcode::column || opcode == Opcode::to_float64) return false;
    if (is_random(opcode) && layout.traversal == Traversal::folded) return false;  // whole vectors are written there
    return target.type == (program.type() == ValueType::float64 ? ElementType::float64 : ElementType::int64);
  }

  void* output(std::size_t k, const Strip& strip) { return writes_destination(k) ? strip.destination : buffer(k); }
  Store store_of(std::size_t k) const { return writes_destination(k) ? target.store : Store::cached; }

  /// What a kernel reads: the lanes, written out if they are a ramp, or the scalar.
  const void* readable(std::size_t k, std::size_t n, const Strip& strip) {
    const Value& value = operand(k, n);
    switch (operand_shape(k, n)) {
      case Shape::scalar:
        return &value.base;
      case Shape::lanes:
        return value.lanes;
      case Shape::ramp:
        break;
    }
    kernels->ramp[index(ElementType::int64)](value.base, value.step, ramps[n].lanes.data(), strip.count, Store::cached);
    return ramps[n].lanes.data();
  }

  std::int64_t* buffer(std::size_t k) { return buffers[static_cast<std::size_t>(layout.steps[k].buffer)].lanes.data(); }
  std::size_t place(std::size_t k, std::size_t n) const {
    return static_cast<std::size_t>(instructions[k].operands[n]);
  }
  const Value& operand(std::size_t k, std::size_t n) const { return values[place(k, n)]; }
  Shape shape(std::size_t k) const { return layout.steps[k].shape; }
  Shape operand_shape(std::size_t k, std::size_t n) const { return shape(place(k, n)); }
  bool is_scalar(std::size_t k, std::size_t n) const { return operand_shape(k, n) == Shape::scalar; }
};

Evaluator::Evaluator(Program program, Bindings bindings)
    : state_(std::make_unique<State>(std::move(program), std::move(bindings))) {}
Evaluator::~Evaluator() = default;
Evaluator::Evaluator(Evaluator&&) noexcept = default;
Evaluator& Evaluator::operator=(Evaluator&&) noexcept = default;

void Evaluator::evaluate(ElementRange range, std::int64_t offset, const Target& target) noexcept {
  state_->kernels = &kernel::kernels();
  state_->offset = offset;
  state_->target = target;
  state_->evaluate(range);
  if (target.store == Store::streaming) kernel::finish_streaming();
}

}  // namespace windrow::expr
