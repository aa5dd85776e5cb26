#include "expr/builder.hpp"

#include <cmath>
#include <optional>

namespace windrow::expr {
namespace {

/// Up to here the rounding errors of products, at most half a ULP each, stay near those of pow.
constexpr double kLargestProductPower = 8.0;

/// The exponent, if a power of a base of that type is made of products.
std::optional<std::int64_t> product_exponent(ValueType base, const Instruction& exponent) {
  if (exponent.opcode != Opcode::constant) return std::nullopt;
  if (exponent.type == ValueType::int64 && base != ValueType::float64) return exponent.integer;
  const double n = exponent.type == ValueType::float64 ? exponent.number : static_cast<double>(exponent.integer);
  if (n > kLargestProductPower || n != std::floor(n)) return std::nullopt;
  return static_cast<std::int64_t>(n);
}

}  // namespace

Builder::Value Builder::append(const Instruction& instruction) {
  instructions_.push_back(instruction);
  return {static_cast<std::int32_t>(instructions_.size()) - 1, instruction.type};
}

Builder::Value Builder::constant(std::int64_t integer) {
  return append({.opcode = Opcode::constant, .type = ValueType::int64, .integer = integer});
}

Builder::Value Builder::constant(double number) {
  return append({.opcode = Opcode::constant, .type = ValueType::float64, .number = number});
}

Builder::Value Builder::binary(Opcode opcode, ValueType result, Value a, Value b) {
  return append({.opcode = opcode, .type = result, .operands = {a.place, b.place, Instruction::kNone}});
}

Builder::Value Builder::to_float64(Value a) {
  if (a.type == ValueType::float64) return a;
  return append({.opcode = Opcode::to_float64,
                 .type = ValueType::float64,
                 .operands = {a.place, Instruction::kNone, Instruction::kNone}});
}

Builder::Value Builder::function(kernel::Function function, ValueType result, Value a) {
  return append({.opcode = Opcode::function,
                 .type = result,
                 .operands = {a.place, Instruction::kNone, Instruction::kNone},
                 .function = function});
}

Builder::Value Builder::arithmetic(Opcode opcode, Value a, Value b) {
  const bool is_real = opcode == Opcode::divide || opcode == Opcode::arctan2 || opcode == Opcode::hypot;
  if (!is_real && a.type != ValueType::float64 && b.type != ValueType::float64)
    return binary(opcode, ValueType::int64, a, b);
  const Value left = to_float64(a);
  const Value right = to_float64(b);
  return binary(opcode, ValueType::float64, left, right);
}

Builder::Value Builder::compare(Opcode opcode, Value a, Value b) {
  if (a.type != ValueType::float64 && b.type != ValueType::float64) return binary(opcode, ValueType::boolean, a, b);
  const Value left = to_float64(a);
  const Value right = to_float64(b);
  return binary(opcode, ValueType::boolean, left, right);
}

// A difference keeps the bits of a NaN, so that there is one NaN in all programs, whatever the order of operands that
// the compiler chooses at some level. From -0.0 it is the exact negative of every number.
Builder::Value Builder::negate(Value a) {
  if (a.type == ValueType::float64) return arithmetic(Opcode::subtract, constant(-0.0), a);
  return arithmetic(Opcode::subtract, constant(std::int64_t{0}), a);
}

Builder::Value Builder::power(Value base, Value exponent) {
  if (const auto n = product_exponent(base.type, at(exponent))) {
    const bool is_float = base.type == ValueType::float64 || exponent.type == ValueType::float64;
    instructions_.pop_back();
    return product_power(is_float ? to_float64(base) : base, *n);
  }
  // Whole numbers to whole numbers are whole, as in numpy; which refuses negative exponents, so that a minus sign tells
  // that a real power is meant.
  if (base.type != ValueType::float64 && exponent.type != ValueType::float64 && !is_negated(exponent))
    return binary(Opcode::power, ValueType::int64, base, exponent);
  const Value left = to_float64(base);
  const Value right = to_float64(exponent);
  return binary(Opcode::power, ValueType::float64, left, right);
}

/// Whether negate() has made this whole number.
bool Builder::is_negated(Value value) const {
  const Instruction& instruction = at(value);
  if (instruction.opcode != Opcode::subtract) return false;
  const Instruction& from = instructions_[static_cast<std::size_t>(instruction.operands[0])];
  return from.opcode == Opcode::constant && from.type == ValueType::int64 && from.integer == 0;
}

/// By repeated squaring: x**2 = x*x, x**3 = x*(x*x), x**4 = (x*x)*(x*x).
Builder::Value Builder::product_power(Value base, std::int64_t exponent) {
  if (exponent == 0) return base.type == ValueType::float64 ? constant(1.0) : constant(std::int64_t{1});
  std::optional<Value> product;
  for (Value square = base;; square = arithmetic(Opcode::multiply, square, square)) {
    if (exponent % 2 == 1) product = product ? arithmetic(Opcode::multiply, *product, square) : square;
    exponent /= 2;
    if (exponent == 0) return *product;
  }
}

Builder::Value Builder::select(Value condition, Value a, Value b) {
  if (condition.type == ValueType::float64) condition = compare(Opcode::not_equal, condition, constant(0.0));
  if ((a.type == ValueType::float64) != (b.type == ValueType::float64)) {
    a = to_float64(a);
    b = to_float64(b);
  }
  const ValueType type = a.type == b.type ? a.type : ValueType::int64;
  return append({.opcode = Opcode::select, .type = type, .operands = {condition.place, a.place, b.place}});
}

}  // namespace windrow::expr
