#include "expr/program.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "expr/compiler.hpp"

namespace windrow::expr {

Program Program::compile(std::string_view text) {
  Builder builder;
  Scope scope;
  const Value value = Compiler(text, builder).whole_expression(scope);
  return {builder.instructions(), std::array{value.place}, 1, {}};
}

Program::Program(std::span<const Instruction> instructions, std::span<const std::int32_t> results, std::size_t stores,
                 std::vector<Input> inputs)
    : stores_(stores), inputs_(std::move(inputs)) {
  const auto at = [](std::int32_t place) { return static_cast<std::size_t>(place); };
  std::vector<bool> is_needed(instructions.size(), false);
  for (const std::int32_t place : results) is_needed[at(place)] = true;
  for (std::size_t k = instructions.size(); k-- > 0;)
    if (is_needed[k])
      for (const std::int32_t place : instructions[k].operands)
        if (place != Instruction::kNone) is_needed[at(place)] = true;

  std::vector<Instruction> needed;
  std::vector<std::int32_t> moved(instructions.size(), Instruction::kNone);
  for (std::size_t k = 0; k < instructions.size(); ++k) {
    if (!is_needed[k]) continue;
    Instruction instruction = instructions[k];
    for (std::int32_t& place : instruction.operands)
      if (place != Instruction::kNone) place = moved[at(place)];
    moved[k] = static_cast<std::int32_t>(needed.size());
    needed.push_back(instruction);
  }
  for (const std::int32_t place : results) results_.push_back(moved[at(place)]);
  instructions_ = std::make_shared<const std::vector<Instruction>>(std::move(needed));
}

std::span<const Instruction> Program::instructions() const {
  return *instructions_;
}

ValueType Program::type(std::size_t result) const {
  return (*instructions_)[static_cast<std::size_t>(results_[result])].type;
}

bool Program::depends_on_rank() const {
  return std::ranges::any_of(*instructions_, [](const Instruction& instruction) {
    return instruction.opcode == Opcode::rank || instruction.opcode == Opcode::node ||
           instruction.opcode == Opcode::pid;
  });
}

std::int64_t Program::random_calls() const {
  std::int64_t calls = 0;
  for (const Instruction& instruction : *instructions_)
    if (expr::is_random(instruction.opcode)) calls = std::max(calls, instruction.integer + 1);
  return calls;
}

bool Program::depends_on_block() const {
  return std::ranges::find(*instructions_, Opcode::offset, &Instruction::opcode) != instructions_->end();
}

}  // namespace windrow::expr
