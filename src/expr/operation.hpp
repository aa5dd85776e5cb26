#pragma once

#include "expr/instruction.hpp"
#include "kernel/kernels.hpp"

namespace windrow::expr {

/// The kernel of an operation of two operands.
[[nodiscard]] kernel::Operation operation(Opcode opcode, bool is_float);

/// The elements that are lanes of that type as they stand.
[[nodiscard]] constexpr ElementType lane_element(ValueType type) {
  return is_float(type) ? ElementType::float64 : ElementType::int64;
}

}  // namespace windrow::expr
