#include "expr/builder.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <optional>

namespace windrow::expr {
namespace {

/// Up to here the rounding errors of products, at most half a ULP each, stay near those of pow.
constexpr double kLargestProductPower = 8.0;

/// bool, integer, float: numpy's kinds.
int kind(ValueType type) {
  if (type == ValueType::boolean) return 0;
  return is_float(type) ? 2 : 1;
}

bool is_comparison(Opcode opcode) {
  return Opcode::less <= opcode && opcode <= Opcode::not_equal;
}
bool is_bitwise(Opcode opcode) {
  return Opcode::bit_and <= opcode && opcode <= Opcode::shift_right;
}
bool is_shift(Opcode opcode) {
  return opcode == Opcode::shift_left || opcode == Opcode::shift_right;
}
/// Of whole numbers too these are real.
bool is_real(Opcode opcode) {
  return opcode == Opcode::divide || opcode == Opcode::arctan2 || opcode == Opcode::hypot;
}

/// What int64 lanes give can be no int32, although the operands were.
bool may_outgrow(Opcode opcode) {
  switch (opcode) {
    case Opcode::add:
    case Opcode::subtract:
    case Opcode::multiply:
    case Opcode::floor_divide:
    case Opcode::power:
    case Opcode::shift_left:
    case Opcode::function:
      return true;
    default:
      return false;
  }
}

/// What float64 lanes give of two float32 is a float32 already.
bool stays_float32(Opcode opcode) {
  return opcode == Opcode::minimum || opcode == Opcode::maximum || opcode == Opcode::select;
}

}  // namespace

std::size_t Builder::Hash::operator()(const Instruction& instruction) const noexcept {
  std::uint64_t hash = static_cast<std::uint64_t>(instruction.integer);
  const auto mix = [&](auto value) {
    hash = (hash ^ static_cast<std::uint64_t>(value)) * 0x9e3779b97f4a7c15;
    hash ^= hash >> 29;
  };
  mix(instruction.opcode);
  mix(instruction.type);
  for (const std::int32_t place : instruction.operands) mix(place);
  mix(instruction.function);
  mix(instruction.stream);
  mix(instruction.domain);
  return hash;
}

void Builder::fail(const std::string& message) const {
  throw ExpressionError(column_, message);
}

Value Builder::append(const Instruction& instruction) {
  const auto [found, is_new] = places_.try_emplace(instruction, static_cast<std::int32_t>(instructions_.size()));
  if (is_new) instructions_.push_back(instruction);
  return {.place = found->second, .type = instruction.type};
}

Value Builder::constant(std::int64_t integer) {
  Value value = append({.opcode = Opcode::constant, .type = ValueType::int64, .integer = integer});
  value.is_number = true;
  return value;
}

Value Builder::constant(double number) {
  Value value =
      append({.opcode = Opcode::constant, .type = ValueType::float64, .integer = std::bit_cast<std::int64_t>(number)});
  value.is_number = true;
  return value;
}

Value Builder::load(std::int64_t array, ValueType type, const Shape& shape, std::int32_t domain) {
  Value value = append({.opcode = Opcode::load, .type = type, .integer = array, .domain = domain});
  value.shape = shape;
  return value;
}

Value Builder::parameter(std::int64_t number, ValueType type) {
  Value value = append({.opcode = Opcode::parameter, .type = type, .integer = number});
  value.is_number = true;
  return value;
}

Value Builder::combined(Instruction instruction, ValueType type, std::initializer_list<Value> operands) {
  instruction.type = type;
  std::size_t n = 0;
  bool is_number = true;
  bool is_positional = false;
  Shape shape;
  for (const Value& operand : operands) {
    instruction.operands[n++] = operand.place;
    is_number = is_number && operand.is_number;
    is_positional = is_positional || operand.is_positional;
    const auto both = broadcast(shape, operand.shape);
    if (!both)
      fail(fmt::format("shapes {} and {} do not fit: an axis must be equal in both, or 1 in one of them", shape.text(),
                       operand.shape.text()));
    shape = *both;
  }
  Value value = append(instruction);
  value.is_number = is_number;
  value.is_positional = is_positional;
  value.shape = shape;
  return value;
}

Value Builder::narrowed(Value value, ValueType type) {
  if (type == ValueType::float32) return combined({.opcode = Opcode::round_to_float32}, type, {value});
  if (type == ValueType::int32) return combined({.opcode = Opcode::wrap_to_int32}, type, {value});
  value.type = type;
  return value;
}

Value Builder::convert(Value a, ValueType type) {
  if (a.type == type) return a;
  if (type == ValueType::boolean) return truth(a);
  if (is_float(type) != is_float(a.type)) {
    if (!is_float(type)) return combined({.opcode = Opcode::truncate}, type, {a});
    if (at(a).opcode == Opcode::constant) {
      a.place = constant(static_cast<double>(at(a).integer)).place;
      a.type = ValueType::float64;
    } else {
      a = combined({.opcode = Opcode::to_float64}, ValueType::float64, {a});
    }
  }
  const bool is_smaller = (type == ValueType::float32 && a.type == ValueType::float64) ||
                          (type == ValueType::int32 && a.type == ValueType::int64);
  if (is_smaller) return narrowed(a, type);
  a.type = type;
  return a;
}

/// Whether a number that is a constant can be of that type, which is of its kind or a higher one.
bool Builder::fits(const Value& number, ValueType type) const {
  const Instruction& instruction = at(number);
  const bool is_known = instruction.opcode == Opcode::constant;
  if (type == ValueType::int32)
    return number.type != ValueType::int64 || (is_known && std::int32_t(instruction.integer) == instruction.integer);
  // numpy takes a whole number as the smallest type that holds it, and float32 holds those of 16 bits.
  if (type == ValueType::float32 && is_known && number.type == ValueType::int64)
    return std::numeric_limits<std::int16_t>::min() <= instruction.integer &&
           instruction.integer <= std::numeric_limits<std::uint16_t>::max();
  // numpy's bound, a little below the largest float32.
  if (type == ValueType::float32 && is_known && number.type == ValueType::float64)
    return !std::isfinite(instruction.number()) || std::fabs(instruction.number()) < 3.4e38;
  return true;
}

ValueType Builder::common_type(const Value& a, const Value& b) const {
  if (a.is_number == b.is_number) return promoted(a.type, b.type);
  const Value& number = a.is_number ? a : b;
  const Value& array = a.is_number ? b : a;
  if (kind(number.type) <= kind(array.type) && fits(number, array.type)) return array.type;
  return promoted(a.type, b.type);
}

/// The constant that + - * of two constants are, so that its value tells its type as that of a literal does.
std::optional<Value> Builder::folded(Opcode opcode, ValueType lanes, const Value& a, const Value& b) {
  const Instruction& left = at(a);
  const Instruction& right = at(b);
  if (left.opcode != Opcode::constant || right.opcode != Opcode::constant || !a.is_number || !b.is_number)
    return std::nullopt;
  if (lanes == ValueType::float64) {
    const double x = left.number();
    const double y = right.number();
    if (opcode == Opcode::add) return constant(x + y);
    if (opcode == Opcode::subtract) return constant(x - y);
    if (opcode == Opcode::multiply) return constant(x * y);
  }
  if (lanes == ValueType::int64) {
    const auto x = static_cast<std::uint64_t>(left.integer);
    const auto y = static_cast<std::uint64_t>(right.integer);
    if (opcode == Opcode::add) return constant(static_cast<std::int64_t>(x + y));
    if (opcode == Opcode::subtract) return constant(static_cast<std::int64_t>(x - y));
    if (opcode == Opcode::multiply) return constant(static_cast<std::int64_t>(x * y));
  }
  return std::nullopt;
}

Value Builder::operate(Opcode opcode, ValueType lanes, ValueType type, Value a, Value b) {
  const Value left = convert(a, lanes);
  const Value right = convert(b, lanes);
  if (const auto number = folded(opcode, lanes, left, right)) return *number;
  const bool is_narrow =
      (type == ValueType::float32 && !stays_float32(opcode)) || (type == ValueType::int32 && may_outgrow(opcode));
  if (!is_narrow) return combined({.opcode = opcode}, type, {left, right});
  const ValueType wide = is_float(type) ? ValueType::float64 : ValueType::int64;
  return narrowed(combined({.opcode = opcode}, wide, {left, right}), type);
}

Value Builder::binary(Opcode opcode, Value a, Value b) {
  if (is_comparison(opcode)) return operate(opcode, common_type(a, b), ValueType::boolean, a, b);
  if (is_bitwise(opcode)) return bitwise(opcode, a, b);
  if (opcode == Opcode::power) return power(a, b);
  if (a.type == ValueType::boolean && b.type == ValueType::boolean) return arithmetic_of_truths(opcode, a, b);
  return arithmetic(opcode, a, b);
}

Value Builder::arithmetic(Opcode opcode, Value a, Value b) {
  ValueType type = common_type(a, b);
  if (is_real(opcode) && !is_float(type)) type = ValueType::float64;
  return operate(opcode, type, type, a, b);
}

Value Builder::arithmetic_of_truths(Opcode opcode, Value a, Value b) {
  switch (opcode) {
    case Opcode::add:
      return operate(Opcode::bit_or, ValueType::boolean, ValueType::boolean, a, b);
    case Opcode::multiply:
      return operate(Opcode::bit_and, ValueType::boolean, ValueType::boolean, a, b);
    case Opcode::minimum:
    case Opcode::maximum:
      return operate(opcode, ValueType::boolean, ValueType::boolean, a, b);
    case Opcode::subtract:
      fail("truth values have no difference; write a ^ b for 'one of them alone', or a*1 - b to count");
    default:
      return arithmetic(opcode, convert(a, ValueType::int64), convert(b, ValueType::int64));
  }
}

Value Builder::bitwise(Opcode opcode, Value a, Value b) {
  ValueType type = common_type(a, b);
  if (is_float(type) && opcode == Opcode::bit_xor)
    fail("^ is the 'exclusive or' of whole numbers and truth values; a power is written **");
  if (is_float(type))
    fail(fmt::format(
        "bits are of whole numbers and truth values, found {} and {}; of conditions write (a < b) & (c < d)",
        name_of(a.type), name_of(b.type)));
  if (is_shift(opcode) && type == ValueType::boolean) type = ValueType::int64;
  return operate(opcode, type, type, a, b);
}

// A difference keeps the bits of a NaN, so that there is one NaN in all programs, whatever the order of operands that
// the compiler chooses at some level. From -0.0 it is the exact negative of every number.
Value Builder::negate(Value a) {
  if (a.type == ValueType::boolean) fail("a truth value has no negative; 'not' is written ~(a < b)");
  if (is_float(a.type)) {
    const Value zero = constant(-0.0);
    if (const auto number = folded(Opcode::subtract, a.type, zero, a)) return *number;
    return combined({.opcode = Opcode::subtract}, a.type, {zero, a});
  }
  const Value zero = constant(std::int64_t{0});
  if (a.place == zero.place) return combined({.opcode = Opcode::subtract}, a.type, {zero, a});  // 2**-0 is real
  return operate(Opcode::subtract, a.type, a.type, zero, a);
}

Value Builder::invert(Value a) {
  if (is_float(a.type))
    fail(fmt::format("~ is of whole numbers and truth values, found {}; of a condition write ~(a < b)",
                     name_of(a.type)));
  const std::int64_t ones = a.type == ValueType::boolean ? 1 : -1;
  return combined({.opcode = Opcode::bit_xor}, a.type, {a, constant(ones)});
}

Value Builder::function(kernel::Function function, Value a) {
  const ValueType type = a.type == ValueType::float32 ? ValueType::float32 : ValueType::float64;
  const Instruction instruction{.opcode = Opcode::function, .function = function};
  const Value result = combined(instruction, ValueType::float64, {convert(a, ValueType::float64)});
  return type == ValueType::float32 ? narrowed(result, type) : result;
}

Value Builder::test(kernel::Function function, Value a) {
  return combined({.opcode = Opcode::function, .function = function}, ValueType::boolean,
                  {convert(a, ValueType::float64)});
}

Value Builder::function_of_number(kernel::Function of_float64, kernel::Function of_int64, Value a) {
  if (is_float(a.type)) return combined({.opcode = Opcode::function, .function = of_float64}, a.type, {a});
  if (a.type == ValueType::boolean) return a;
  const Value result = combined({.opcode = Opcode::function, .function = of_int64}, ValueType::int64, {a});
  return narrowed(result, a.type);
}

Value Builder::truth(Value a) {
  if (a.type == ValueType::boolean) return a;
  const Value zero = is_float(a.type) ? constant(0.0) : constant(std::int64_t{0});
  return combined({.opcode = Opcode::not_equal}, ValueType::boolean, {a, zero});
}

Value Builder::select(Value condition, Value a, Value b) {
  const ValueType type = common_type(a, b);
  return combined({.opcode = Opcode::select}, type, {truth(condition), convert(a, type), convert(b, type)});
}

Value Builder::power(Value base, Value exponent) {
  if (base.type == ValueType::boolean) base = convert(base, ValueType::int64);
  if (exponent.type == ValueType::boolean) exponent = convert(exponent, ValueType::int64);
  const ValueType type = common_type(base, exponent);
  const Instruction& instruction = at(exponent);
  if (instruction.opcode == Opcode::constant) {
    const bool is_whole = instruction.type == ValueType::int64;
    const double n = is_whole ? static_cast<double>(instruction.integer) : instruction.number();
    if (!is_float(type) && n >= 0) return product_power(convert(base, type), instruction.integer);
    if (n >= 0 && n <= kLargestProductPower && n == std::floor(n))
      return product_power(convert(base, type), static_cast<std::int64_t>(n));
    if (n == 0.5) return function(kernel::Function::sqrt, convert(base, type));
  }
  // Whole numbers to whole numbers are whole, as in numpy; which refuses negative exponents, so that a minus sign tells
  // that a real power is meant.
  if (is_float(type) || !is_negated(exponent)) return operate(Opcode::power, type, type, base, exponent);
  return operate(Opcode::power, ValueType::float64, ValueType::float64, base, exponent);
}

bool Builder::is_negated(const Value& value) const {
  const Instruction* instruction = &at(value);
  if (instruction->opcode == Opcode::constant)
    return is_float(instruction->type) ? instruction->number() < 0 : instruction->integer < 0;
  if (instruction->opcode == Opcode::wrap_to_int32)
    instruction = &instructions_[static_cast<std::size_t>(instruction->operands[0])];
  if (instruction->opcode != Opcode::subtract) return false;
  const Instruction& from = instructions_[static_cast<std::size_t>(instruction->operands[0])];
  return from.opcode == Opcode::constant && (is_float(from.type) ? from.number() == 0.0 : from.integer == 0);
}

/// By repeated squaring: x**2 = x*x, x**3 = x*(x*x), x**4 = (x*x)*(x*x).
Value Builder::product_power(Value base, std::int64_t exponent) {
  if (exponent == 0) {
    Value one = convert(is_float(base.type) ? constant(1.0) : constant(std::int64_t{1}), base.type);
    one.is_number = base.is_number;
    one.is_positional = base.is_positional;
    one.shape = base.shape;
    return one;
  }
  std::optional<Value> product;
  for (Value square = base;; square = arithmetic(Opcode::multiply, square, square)) {
    if (exponent % 2 == 1) product = product ? arithmetic(Opcode::multiply, *product, square) : square;
    exponent /= 2;
    if (exponent == 0) return *product;
  }
}

}  // namespace windrow::expr
