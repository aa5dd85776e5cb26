#pragma once

#include <array>
#include <cstdint>

#include "expr/program.hpp"
#include "kernel/kernels.hpp"

namespace windrow::expr {

enum class Opcode : std::uint8_t {
  constant,
  row,
  column,
  offset,
  rows,
  cols,
  rank,
  node,
  pid,
  to_float64,
  add,
  subtract,
  multiply,
  divide,
  modulo,
  power,
  less,
  less_equal,
  equal,
  not_equal,
  minimum,
  maximum,
  arctan2,
  hypot,
  function,
  select,
  uniform,
  normal,
};

[[nodiscard]] constexpr bool is_random(Opcode opcode) {
  return opcode == Opcode::uniform || opcode == Opcode::normal;
}

/// One step of a program: its value is named by its place. Operands are the places of earlier instructions, all of one
/// type (but the condition of a select); a truth value is an int64 that is 0 or 1.
struct Instruction {
  static constexpr std::int32_t kNone = -1;

  Opcode opcode = Opcode::constant;
  ValueType type = ValueType::int64;
  std::array<std::int32_t, 3> operands{kNone, kNone, kNone};
  kernel::Function function = kernel::Function::exp;  ///< of Opcode::function
  std::int64_t integer = 0;                           ///< of an int64 constant its value, of a random call its number
  double number = 0.0;                                ///< of a float64 constant its value
};

}  // namespace windrow::expr
