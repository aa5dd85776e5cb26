#include "expr/operation.hpp"

namespace windrow::expr {

using kernel::Operation;

Operation operation(Opcode opcode, bool is_float) {
  switch (opcode) {
    case Opcode::subtract:
      return is_float ? Operation::subtract_float64 : Operation::subtract_int64;
    case Opcode::multiply:
      return is_float ? Operation::multiply_float64 : Operation::multiply_int64;
    case Opcode::divide:
      return Operation::divide_float64;
    case Opcode::floor_divide:
      return is_float ? Operation::floor_divide_float64 : Operation::floor_divide_int64;
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
    case Opcode::bit_and:
      return Operation::bit_and;
    case Opcode::bit_or:
      return Operation::bit_or;
    case Opcode::bit_xor:
      return Operation::bit_xor;
    case Opcode::shift_left:
      return Operation::shift_left;
    case Opcode::shift_right:
      return Operation::shift_right;
    default:
      return is_float ? Operation::add_float64 : Operation::add_int64;
  }
}

}  // namespace windrow::expr
