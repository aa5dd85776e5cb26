#pragma once

#include <cstddef>
#include <vector>

#include "expr/instruction.hpp"

namespace windrow::expr {

/// Appends typed instructions: finds the type of each operation and converts its operands.
class Builder {
 public:
  /// A value under construction: the place of its instruction, and its type.
  struct Value {
    std::int32_t place = Instruction::kNone;
    ValueType type = ValueType::int64;
  };

  Value append(const Instruction& instruction);
  Value constant(std::int64_t integer);
  Value constant(double number);

  /// + - * % minimum maximum, and, always float64, / arctan2 hypot.
  Value arithmetic(Opcode opcode, Value a, Value b);
  Value compare(Opcode opcode, Value a, Value b);
  Value negate(Value a);
  /// A function of `a`, which has the type of its operand.
  Value function(kernel::Function function, ValueType result, Value a);
  Value to_float64(Value a);
  /// `exponent` must be the value that was made last.
  Value power(Value base, Value exponent);
  Value select(Value condition, Value a, Value b);

  [[nodiscard]] std::size_t size() const { return instructions_.size(); }
  [[nodiscard]] std::vector<Instruction> take() { return std::move(instructions_); }

 private:
  Value binary(Opcode opcode, ValueType result, Value a, Value b);
  Value product_power(Value base, std::int64_t exponent);
  [[nodiscard]] bool is_negated(Value value) const;
  [[nodiscard]] const Instruction& at(Value value) const {
    return instructions_[static_cast<std::size_t>(value.place)];
  }

  std::vector<Instruction> instructions_;
};

}  // namespace windrow::expr
