#pragma once

#include <array>
#include <bit>
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
  sample,     ///< its number
  load,       ///< the element of an input
  parameter,  ///< a number that is known when the program runs
  to_float64,
  round_to_float32,  ///< a float64 as the nearest float32
  wrap_to_int32,     ///< an int64 as the int32 of its low 32 bits
  truncate,          ///< a float64 as an integer, the type's minimum where it does not fit
  add,
  subtract,
  multiply,
  divide,
  floor_divide,
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
  bit_and,
  bit_or,
  bit_xor,
  shift_left,
  shift_right,
  function,
  select,
  uniform,
  normal,
};

[[nodiscard]] constexpr bool is_random(Opcode opcode) {
  return opcode == Opcode::uniform || opcode == Opcode::normal;
}

/// One step of a program: its value is named by its place. Operands are the places of earlier instructions, all float64
/// lanes or all int64 lanes (but the condition of a select). A lane holds a float32 as a float64, an int32 as an int64,
/// a truth value as the int64 0 or 1.
struct Instruction {
  static constexpr std::int32_t kNone = -1;

  Opcode opcode = Opcode::constant;
  ValueType type = ValueType::int64;
  std::array<std::int32_t, 3> operands{kNone, kNone, kNone};
  kernel::Function function = kernel::Function::exp;  ///< of Opcode::function
  /// Of a constant the bits of its lane; of a load the number of the input, of a parameter its number, of a random call
  /// the call's.
  std::int64_t integer = 0;
  std::int32_t stream = 0;      ///< of a random call: the number of the array that names its stream
  std::int32_t domain = kNone;  ///< of a row, a column or a random call: the number of the domain, if it is bound; of a
                                ///< load: of its shape, if that is not the array's

  [[nodiscard]] double number() const { return std::bit_cast<double>(integer); }
  friend bool operator==(const Instruction&, const Instruction&) = default;
};

}  // namespace windrow::expr
