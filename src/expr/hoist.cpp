#include "expr/hoist.hpp"

#include <algorithm>
#include <vector>

#include "expr/lanes.hpp"
#include "expr/layout.hpp"
#include "expr/operation.hpp"

namespace windrow::expr {
namespace {

/// A row of lanes of this length is half a megabyte.
constexpr std::int64_t kLongestRow = 65536;

/// What a value depends on, besides numbers that are the same in the whole domain.
enum class Dependence { nothing, column, more };

Dependence own_dependence(const Program& program, const Instruction& instruction, HoistOptions options) {
  const bool is_given = instruction.opcode == Opcode::load || instruction.opcode == Opcode::parameter ||
                        instruction.opcode == Opcode::sample;
  if (is_given && options.is_one_of_many) return Dependence::more;
  switch (instruction.opcode) {
    case Opcode::column:
      return Dependence::column;
    case Opcode::load:
      switch (program.inputs()[static_cast<std::size_t>(instruction.integer)].reach) {
        case Reach::column:
          return Dependence::column;
        case Reach::all:
          return Dependence::nothing;
        default:
          return Dependence::more;
      }
    case Opcode::row:
    case Opcode::offset:  // it changes from call to call
    case Opcode::uniform:
    case Opcode::normal:
      return Dependence::more;
    default:
      return Dependence::nothing;
  }
}

/// Whether the value is cheaper to compute than to read: an arithmetic progression, or what is read already.
bool is_cheap(const Instruction& instruction) {
  const bool is_progression = instruction.type == ValueType::int64 &&
                              (instruction.opcode == Opcode::add || instruction.opcode == Opcode::subtract ||
                               instruction.opcode == Opcode::multiply);
  return is_progression || instruction.opcode == Opcode::column || instruction.opcode == Opcode::load;
}

}  // namespace

std::optional<Hoisted> hoist(const Program& program, const Extents& extents, HoistOptions options) {
  if (extents.rows < 2 || extents.cols < kShortestRow || extents.cols > kLongestRow) return std::nullopt;
  const auto instructions = program.instructions();
  std::vector<Dependence> dependence;
  for (const Instruction& instruction : instructions) {
    Dependence found = own_dependence(program, instruction, options);
    for (const std::int32_t place : instruction.operands)
      if (place != Instruction::kNone) found = std::max(found, dependence[index(place)]);
    dependence.push_back(found);
  }
  // What others than such values need of them.
  std::vector<bool> is_wanted(instructions.size(), false);
  for (std::size_t k = 0; k < instructions.size(); ++k)
    for (const std::int32_t place : instructions[k].operands)
      if (place != Instruction::kNone && dependence[k] == Dependence::more) is_wanted[index(place)] = true;
  for (const std::int32_t place : program.results()) is_wanted[index(place)] = true;

  std::vector<std::int32_t> hoisted;
  std::vector<Instruction> rest(instructions.begin(), instructions.end());
  std::vector<Input> inputs(program.inputs().begin(), program.inputs().end());
  for (std::size_t k = 0; k < instructions.size(); ++k) {
    const Instruction& instruction = instructions[k];
    if (!is_wanted[k] || dependence[k] != Dependence::column || is_cheap(instruction)) continue;
    hoisted.push_back(static_cast<std::int32_t>(k));
    rest[k] = {.opcode = Opcode::load, .type = instruction.type, .integer = static_cast<std::int64_t>(inputs.size())};
    inputs.push_back({.array = -1, .type = lane_element(instruction.type), .reach = Reach::column});
  }
  if (hoisted.empty()) return std::nullopt;
  return Hoisted{.columns = {instructions, hoisted, hoisted.size(), {program.inputs().begin(), program.inputs().end()}},
                 .rest = {rest, program.results(), program.stores(), std::move(inputs)}};
}

}  // namespace windrow::expr
