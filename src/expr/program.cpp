#include "expr/instruction.hpp"

namespace windrow::expr {

std::span<const Instruction> Program::instructions() const {
  return *instructions_;
}

}  // namespace windrow::expr
