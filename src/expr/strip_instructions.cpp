// What an evaluator does for the instructions that no machine code does: a kernel for all elements of a strip.
#include <bit>

#include "expr/evaluator_state.hpp"
#include "expr/operation.hpp"

namespace windrow::expr {

using kernel::Distribution;
using kernel::Form;

namespace {

std::uint64_t bits(std::int64_t x) {
  return static_cast<std::uint64_t>(x);
}
std::int64_t wrapped(std::uint64_t x) {
  return static_cast<std::int64_t>(x);
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

void Evaluator::State::execute(std::size_t k, const Strip& strip, bool is_last) {
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
    case Opcode::sample:
      value.base = bindings.sample;
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

Held Evaluator::State::row(const Strip& strip) const {
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

Held Evaluator::State::column(const Strip& strip) const {
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

void Evaluator::State::load(std::size_t k, const Strip& strip) {
  const auto input = index(instructions[k].integer);
  const Input& source = program.inputs()[input];
  const InputMemory& memory = bindings.inputs[input];
  const auto at = [&](std::int64_t element) { return memory.first + (element - memory.begin) * bytes_of(source.type); };
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

Held Evaluator::State::draw(std::size_t k, Distribution distribution, const Strip& strip, bool is_last) {
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

Held Evaluator::State::to_float64(std::size_t k, const Strip& strip) {
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

Held Evaluator::State::truncate(std::size_t k, const Strip& strip) {
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

Held Evaluator::State::unary(std::size_t k, kernel::Kernels::Unary function, const Strip& strip, bool is_last) {
  if (held(k).spread == Spread::scalar) {
    const Cell in{{operand(k, 0).base}};
    Cell out;
    function(in.lanes.data(), out.lanes.data(), 1, Store::cached);
    return {.base = out.lanes[0]};
  }
  const Output out = output(k, strip, is_last);
  note(out, function(readable_operand(k, 0, strip), out.lanes, strip.count, out.store), strip);
  return {.lanes = out.lanes};
}

Held Evaluator::State::binary(std::size_t k, const Strip& strip, bool is_last) {
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
  const bool all_finite = forms[index(the_form)](readable_operand(k, 0, strip), readable_operand(k, 1, strip),
                                                 out.lanes, strip.count, out.store);
  note(out, all_finite, strip);
  return {.lanes = out.lanes};
}

Held Evaluator::State::select(std::size_t k, const Strip& strip, bool is_last) {
  if (is_scalar(k, 0)) return choose(k, operand(k, 0).base != 0 ? 1 : 2, strip, is_last);
  const Output out = unwatched_output(k, strip, is_last);
  const Form the_form = form(is_scalar(k, 1), is_scalar(k, 2));
  kernels->select[index(the_form)](readable_operand(k, 0, strip), readable_operand(k, 1, strip),
                                   readable_operand(k, 2, strip), out.lanes, strip.count, out.store);
  return {.lanes = out.lanes};
}

Held Evaluator::State::choose(std::size_t k, std::size_t chosen, const Strip& strip, bool is_last) {
  if (held(k).spread != Spread::lanes) return operand(k, chosen);
  const Output out = unwatched_output(k, strip, is_last);
  const void* const in = readable_operand(k, chosen, strip);
  if (is_scalar(k, chosen)) {
    kernels->fill_8_bytes(in, out.lanes, strip.count, out.store);
  } else {
    kernels->from_int64[index(ElementType::int64)](in, out.lanes, strip.count, out.store);
  }
  return {.lanes = out.lanes};
}

void Evaluator::State::store(std::size_t result, const Strip& strip) {
  const auto k = index(program.results()[result]);
  const Target& target = targets[result];
  const auto type = index(target.type);
  const auto& from = is_float(program.type(result)) ? kernels->from_float64 : kernels->from_int64;
  void* const out = destination(result, strip.element);
  bool all_finite = true;
  switch (held(k).spread) {
    case Spread::scalar: {
      const Cell in{{values[k].base}};
      Cell element;
      all_finite = from[type](in.lanes.data(), element.lanes.data(), 1, Store::cached);
      fill_of(target.type)(element.lanes.data(), out, strip.count, target.store);
      break;
    }
    case Spread::ramp:
      kernels->ramp[type](values[k].base, values[k].step, out, strip.count, target.store);
      break;
    case Spread::lanes:
      all_finite = from[type](values[k].lanes, out, strip.count, target.store);
      break;
  }
  if (!all_finite) count_not_finite(result, strip);
}

void Evaluator::State::count_not_finite(std::size_t result, const Strip& strip) {
  const ElementType type = targets[result].type;
  if (!is_float(value_type(type))) return;
  const auto count = type == ElementType::float64 ? kernels->not_finite_float64 : kernels->not_finite_float32;
  const kernel::NotFinite found = count(destination(result, strip.element), strip.count);
  not_finite[result].nan += found.nan;
  not_finite[result].infinite += found.infinite;
}

kernel::Kernels::Fill Evaluator::State::fill_of(ElementType type) const {
  switch (bytes_of(type)) {
    case 1:
      return kernels->fill_1_byte;
    case 4:
      return kernels->fill_4_bytes;
    default:
      return kernels->fill_8_bytes;
  }
}

Evaluator::State::Output Evaluator::State::output(std::size_t k, const Strip& strip, bool is_last) {
  const std::int32_t result = held(k).store;
  if (result < 0 || !is_direct(index(result), is_last)) return {.lanes = buffer(k)};
  is_stored[index(result)] = true;
  return {destination(index(result), strip.element), targets[index(result)].store, result};
}

Evaluator::State::Output Evaluator::State::unwatched_output(std::size_t k, const Strip& strip, bool is_last) {
  if (is_float(instructions[k].type)) return {.lanes = buffer(k)};
  return output(k, strip, is_last);
}

void Evaluator::State::note(const Output& out, bool all_finite, const Strip& strip) {
  if (!all_finite && out.result >= 0) count_not_finite(index(out.result), strip);
}

const void* Evaluator::State::readable(std::size_t k, const Strip& strip, Buffer& space) {
  const Held& value = values[k];
  switch (held(k).spread) {
    case Spread::lanes:
      return value.lanes;
    case Spread::ramp:
      kernels->ramp[index(ElementType::int64)](value.base, value.step, space.lanes.data(), strip.count, Store::cached);
      break;
    case Spread::scalar:
      kernels->fill_8_bytes(&value.base, space.lanes.data(), strip.count, Store::cached);
      break;
  }
  return space.lanes.data();
}

const void* Evaluator::State::readable_operand(std::size_t k, std::size_t n, const Strip& strip) {
  if (is_scalar(k, n)) return &operand(k, n).base;
  return readable(place(k, n), strip, ramps[n]);
}

}  // namespace windrow::expr
