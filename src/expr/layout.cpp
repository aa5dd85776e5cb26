#include "expr/layout.hpp"

#include <algorithm>

namespace windrow::expr {
namespace {

/// Rows shorter than this are folded: the work for a strip must not weigh more than the work for its elements.
constexpr std::int64_t kShortestRow = 128;

/// Steps that look at their operands in lanes or not at all: their results can be no ramps.
Shape scalar_or_lanes(Shape shape) {
  return shape == Shape::scalar ? Shape::scalar : Shape::lanes;
}

class Planner {
 public:
  Planner(std::span<const Instruction> instructions, const Extents& extents) : instructions_(instructions) {
    const bool random = std::ranges::any_of(instructions, [](const auto& in) { return is_random(in.opcode); });
    if (extents.one_dimensional || (extents.cols == 1 && !random)) {
      layout_.traversal = Traversal::line;
    } else {
      layout_.traversal = extents.cols < kShortestRow ? Traversal::folded : Traversal::rows;
    }
  }

  Layout plan() {
    for (const Instruction& instruction : instructions_) layout_.steps.push_back(step(instruction));
    assign_buffers();
    for (std::size_t k = 0; k < instructions_.size(); ++k) {
      const Opcode opcode = instructions_[k].opcode;
      if (layout_.steps[k].shape == Shape::lanes) layout_.needs_lanes = true;
      if (layout_.traversal == Traversal::folded &&
          (opcode == Opcode::row || opcode == Opcode::column || is_random(opcode)))
        layout_.needs_positions = true;
    }
    return std::move(layout_);
  }

 private:
  [[nodiscard]] Layout::Step& operand(const Instruction& instruction, std::size_t n) {
    return layout_.steps[static_cast<std::size_t>(instruction.operands[n])];
  }

  Layout::Step step(const Instruction& instruction) {
    switch (instruction.opcode) {
      case Opcode::row:
        return {.shape = by_traversal(Shape::scalar, Shape::ramp), .is_constant = false};
      case Opcode::column:
        return {.shape = by_traversal(Shape::ramp, Shape::scalar), .is_constant = false};
      case Opcode::uniform:
      case Opcode::normal:
        return {.shape = Shape::lanes, .is_constant = false};
      default:
        break;
    }
    Layout::Step result;
    for (const std::int32_t place : instruction.operands) {
      if (place == Instruction::kNone) continue;
      const Layout::Step& operand = layout_.steps[static_cast<std::size_t>(place)];
      result.shape = std::max(result.shape, operand.shape);
      result.is_constant = result.is_constant && operand.is_constant;
    }
    if (!keeps_ramps(instruction)) result.shape = scalar_or_lanes(result.shape);
    return result;
  }

  [[nodiscard]] Shape by_traversal(Shape in_row, Shape in_line) const {
    if (layout_.traversal == Traversal::folded) return Shape::lanes;
    return layout_.traversal == Traversal::rows ? in_row : in_line;
  }

  bool keeps_ramps(const Instruction& instruction) {
    if (instruction.type == ValueType::float64) return false;
    switch (instruction.opcode) {
      case Opcode::add:
      case Opcode::subtract:
        return true;
      case Opcode::multiply:
        return operand(instruction, 0).shape == Shape::scalar || operand(instruction, 1).shape == Shape::scalar;
      case Opcode::select:
        return operand(instruction, 0).shape == Shape::scalar;
      default:
        return false;
    }
  }

  /// A buffer is free again after its last reader; that one may already write to it, for kernels allow it.
  void assign_buffers() {
    std::vector<std::size_t> last_reader(instructions_.size(), 0);
    for (std::size_t k = 0; k < instructions_.size(); ++k)
      for (const std::int32_t place : instructions_[k].operands)
        if (place != Instruction::kNone) last_reader[static_cast<std::size_t>(place)] = k;
    std::vector<std::int32_t> free;
    for (std::size_t k = 0; k < instructions_.size(); ++k) {
      for (const std::int32_t place : instructions_[k].operands) {
        if (place == Instruction::kNone) continue;
        Layout::Step& read = layout_.steps[static_cast<std::size_t>(place)];
        const bool is_done = read.buffer >= 0 && last_reader[static_cast<std::size_t>(place)] == k;
        if (is_done && std::ranges::find(free, read.buffer) == free.end()) free.push_back(read.buffer);
      }
      Layout::Step& step = layout_.steps[k];
      if (step.shape != Shape::lanes) continue;
      if (free.empty()) free.push_back(layout_.buffers++);
      step.buffer = free.back();
      free.pop_back();
    }
  }

  std::span<const Instruction> instructions_;
  Layout layout_;
};

}  // namespace

Layout lay_out(std::span<const Instruction> instructions, const Extents& extents) {
  return Planner(instructions, extents).plan();
}

}  // namespace windrow::expr
