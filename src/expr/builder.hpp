#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "expr/instruction.hpp"
#include "expr/types.hpp"

namespace windrow::expr {

/// A value under construction: the place of its instruction, and what numpy would say of it.
struct Value {
  std::int32_t place = Instruction::kNone;
  ValueType type = ValueType::int64;
  /// A number rather than an array: it does not make the type of an array larger, unless it is of a larger kind.
  bool is_number = false;
  Shape shape = {};
  bool is_positional = false;  ///< it depends on rows and columns, whatever the array: i, rows, uniform(), ...
};

/// Appends typed instructions, each once: finds the type and the shape of each operation as numpy 1.24 would, and
/// converts its operands.
class Builder {
 public:
  /// Where in the text the next operations come from. What they throw is an ExpressionError for that column.
  void locate(std::size_t column) { column_ = column; }
  [[noreturn]] void fail(const std::string& message) const;

  Value append(const Instruction& instruction);
  Value constant(std::int64_t integer);
  Value constant(double number);
  /// The elements of an array, seen in a shape; `domain` is its number if it is not the array's own.
  Value load(std::int64_t array, ValueType type, const Shape& shape, std::int32_t domain = Instruction::kNone);
  /// A number that is known when the program runs.
  Value parameter(std::int64_t number, ValueType type);

  /// An operation of two operands.
  Value binary(Opcode opcode, Value a, Value b);
  Value negate(Value a);
  Value invert(Value a);
  /// A function of float64; float32 of a float32.
  Value function(kernel::Function function, Value a);
  /// A function of a float64 that gives a truth value.
  Value test(kernel::Function function, Value a);
  /// abs and sign, which have a kernel for whole numbers.
  Value function_of_number(kernel::Function of_float64, kernel::Function of_int64, Value a);
  Value select(Value condition, Value a, Value b);
  /// Whether negate() has made this number of one that is not negated, or it is a constant below 0.
  [[nodiscard]] bool is_negated(const Value& value) const;
  /// a != 0.
  Value truth(Value a);

  /// As numpy's astype, but that int64 to float32 goes by way of float64.
  Value convert(Value a, ValueType type);

  [[nodiscard]] const std::vector<Instruction>& instructions() const { return instructions_; }
  [[nodiscard]] const Instruction& at(Value value) const {
    return instructions_[static_cast<std::size_t>(value.place)];
  }

 private:
  struct Hash {
    std::size_t operator()(const Instruction& instruction) const noexcept;
  };

  [[nodiscard]] ValueType common_type(const Value& a, const Value& b) const;
  [[nodiscard]] bool fits(const Value& number, ValueType type) const;
  /// The operation in lanes of type `lanes`, brought back to what a value of type `type` can hold.
  std::optional<Value> folded(Opcode opcode, ValueType lanes, const Value& a, const Value& b);
  Value operate(Opcode opcode, ValueType lanes, ValueType type, Value a, Value b);
  Value arithmetic(Opcode opcode, Value a, Value b);
  Value arithmetic_of_truths(Opcode opcode, Value a, Value b);
  Value bitwise(Opcode opcode, Value a, Value b);
  Value power(Value base, Value exponent);
  Value product_power(Value base, std::int64_t exponent);
  /// The value of an instruction whose operands are these.
  Value combined(Instruction instruction, ValueType type, std::initializer_list<Value> operands);
  /// Brings a float64 to float32 or an int64 to int32, if that is the type.
  Value narrowed(Value value, ValueType type);

  std::vector<Instruction> instructions_;
  std::unordered_map<Instruction, std::int32_t, Hash> places_;
  std::size_t column_ = 0;
};

}  // namespace windrow::expr
