#include "expr/layout.hpp"

#include <algorithm>
#include <set>

#include "expr/lanes.hpp"

namespace windrow::expr {
namespace {

/// Instructions that look at their operands in lanes or not at all: their results can be no ramps.
Spread scalar_or_lanes(Spread spread) {
  return spread == Spread::scalar ? Spread::scalar : Spread::lanes;
}

class Planner {
 public:
  Planner(const Program& program, const Extents& extents, const std::function<bool(const Instruction&)>& can_fuse)
      : program_(program), instructions_(program.instructions()), can_fuse_(can_fuse) {
    layout_.traversal = traversal(extents);
  }

  Layout plan() {
    for (const Instruction& instruction : instructions_) layout_.held.push_back(held(instruction));
    for (const Layout::Held& held : layout_.held) layout_.needs_lanes |= held.spread == Spread::lanes;
    if (layout_.traversal == Traversal::folded)
      layout_.needs_positions = std::ranges::any_of(instructions_, [&](const auto& in) { return is_positional(in); });
    make_steps();
    assign_buffers();
    return std::move(layout_);
  }

 private:
  [[nodiscard]] Traversal traversal(const Extents& extents) const {
    const bool is_random =
        std::ranges::any_of(instructions_, [](const auto& in) { return expr::is_random(in.opcode); });
    const bool is_positional =
        std::ranges::any_of(instructions_, [&](const auto& in) { return this->is_positional(in); });
    if (extents.one_dimensional || (extents.cols == 1 && !is_random) || !is_positional) return Traversal::line;
    return extents.cols < kShortestRow ? Traversal::folded : Traversal::rows;
  }

  [[nodiscard]] Reach reach(const Instruction& load) const {
    return program_.inputs()[static_cast<std::size_t>(load.integer)].reach;
  }

  /// Whether rows and columns matter to it.
  [[nodiscard]] bool is_positional(const Instruction& instruction) const {
    if (instruction.opcode == Opcode::row || instruction.opcode == Opcode::column || is_random(instruction.opcode))
      return true;
    return instruction.opcode == Opcode::load &&
           (reach(instruction) == Reach::row || reach(instruction) == Reach::column);
  }

  Layout::Held held(const Instruction& instruction) {
    switch (instruction.opcode) {
      case Opcode::row:
        return {.spread = by_traversal(Spread::scalar, Spread::ramp), .is_constant = false};
      case Opcode::column:
        return {.spread = by_traversal(Spread::ramp, Spread::scalar), .is_constant = false};
      case Opcode::load:
        return held_load(reach(instruction));
      case Opcode::uniform:
      case Opcode::normal:
        return {.spread = Spread::lanes, .is_constant = false};
      default:
        break;
    }
    Layout::Held result;
    for (const std::int32_t place : instruction.operands) {
      if (place == Instruction::kNone) continue;
      const Layout::Held& operand = layout_.held[index(place)];
      result.spread = std::max(result.spread, operand.spread);
      result.is_constant = result.is_constant && operand.is_constant;
    }
    if (!keeps_ramps(instruction)) result.spread = scalar_or_lanes(result.spread);
    return result;
  }

  [[nodiscard]] Layout::Held held_load(Reach reach) const {
    if (reach == Reach::element) return {.spread = Spread::lanes, .is_constant = false};
    if (reach == Reach::all || layout_.traversal == Traversal::line) return {};
    if (reach == Reach::row) return {.spread = by_traversal(Spread::scalar, Spread::scalar), .is_constant = false};
    return {.spread = Spread::lanes, .is_constant = false};
  }

  [[nodiscard]] Spread by_traversal(Spread in_row, Spread in_line) const {
    if (layout_.traversal == Traversal::folded) return Spread::lanes;
    return layout_.traversal == Traversal::rows ? in_row : in_line;
  }

  [[nodiscard]] Spread spread(std::int32_t place) const { return layout_.held[index(place)].spread; }

  [[nodiscard]] bool keeps_ramps(const Instruction& instruction) const {
    if (instruction.type != ValueType::int64) return false;
    switch (instruction.opcode) {
      case Opcode::add:
      case Opcode::subtract:
        return true;
      case Opcode::multiply:
        return spread(instruction.operands[0]) == Spread::scalar || spread(instruction.operands[1]) == Spread::scalar;
      case Opcode::select:
        return spread(instruction.operands[0]) == Spread::scalar;
      default:
        return false;
    }
  }

  // ---- Steps ----

  [[nodiscard]] bool is_fusable(std::size_t k) const {
    return layout_.held[k].spread == Spread::lanes && instructions_[k].opcode != Opcode::load &&
           can_fuse_(instructions_[k]);
  }

  /// Rounds: in each, one fused step comes first, then the kernels that need it. Every instruction is in the earliest
  /// round that its operands allow; what can be fused then goes into the latest one that its readers allow, so that few
  /// values cross from step to step.
  void make_steps() {
    const std::size_t count = instructions_.size();
    std::vector<int> round(count, 0);
    std::vector<bool> fusable(count);
    int last = 0;
    for (std::size_t k = 0; k < count; ++k) {
      fusable[k] = is_fusable(k);
      for (const std::int32_t place : instructions_[k].operands) {
        if (place == Instruction::kNone || spread(place) != Spread::lanes || is_source(place)) continue;
        const bool is_after = fusable[k] && !fusable[index(place)];
        round[k] = std::max(round[k], round[index(place)] + (is_after ? 1 : 0));
      }
      last = std::max(last, round[k]);
    }
    std::vector<int> latest(count, last);
    for (std::size_t k = count; k-- > 0;) {
      if (fusable[k]) round[k] = latest[k];
      for (const std::int32_t place : instructions_[k].operands)
        if (place != Instruction::kNone) latest[index(place)] = std::min(latest[index(place)], round[k]);
    }
    for (std::size_t k = 0; k < count; ++k)
      if (!layout_.held[k].is_constant && (spread_of(k) != Spread::lanes || instructions_[k].opcode == Opcode::load))
        layout_.steps.push_back({.instructions = {static_cast<std::int32_t>(k)}});
    for (int r = 0; r <= last; ++r) {
      Step fused{.is_fused = true};
      for (std::size_t k = 0; k < count; ++k)
        if (fusable[k] && round[k] == r) fused.instructions.push_back(static_cast<std::int32_t>(k));
      if (fused.instructions.size() == 1) fused.is_fused = reads_memory(fused.instructions[0]);
      if (!fused.instructions.empty()) layout_.steps.push_back(std::move(fused));
      for (std::size_t k = 0; k < count; ++k)
        if (!fusable[k] && round[k] == r && spread_of(k) == Spread::lanes && !is_source(static_cast<std::int32_t>(k)) &&
            !layout_.held[k].is_constant)
          layout_.steps.push_back({.instructions = {static_cast<std::int32_t>(k)}});
    }
    find_ends();
  }

  /// A lone operation is a kernel's, unless it can go over the memory of inputs in one loop.
  [[nodiscard]] bool reads_memory(std::int32_t k) const {
    return std::ranges::all_of(instructions_[index(k)].operands, [&](std::int32_t place) {
      return place == Instruction::kNone || is_source(place) || spread(place) == Spread::scalar;
    });
  }

  [[nodiscard]] Spread spread_of(std::size_t k) const { return layout_.held[k].spread; }
  [[nodiscard]] bool is_source(std::int32_t place) const { return instructions_[index(place)].opcode == Opcode::load; }

  /// What the fused steps take from others, and give to them.
  void find_ends() {
    std::vector<std::int32_t> step_of(instructions_.size(), -1);
    for (std::size_t s = 0; s < layout_.steps.size(); ++s)
      for (const std::int32_t k : layout_.steps[s].instructions) step_of[index(k)] = static_cast<std::int32_t>(s);
    std::vector<std::set<std::int32_t>> inputs(layout_.steps.size());
    std::vector<bool> is_read(instructions_.size(), false);  // by another step
    for (std::size_t k = 0; k < instructions_.size(); ++k) {
      if (step_of[k] < 0) continue;
      for (const std::int32_t place : instructions_[k].operands) {
        if (place == Instruction::kNone || step_of[index(place)] == step_of[k]) continue;
        inputs[index(step_of[k])].insert(place);
        is_read[index(place)] = true;
      }
    }
    const auto results = program_.results();
    for (std::size_t r = program_.stores(); r < results.size(); ++r) is_read[index(results[r])] = true;  // by a sink
    for (std::size_t s = 0; s < layout_.steps.size(); ++s) {
      Step& step = layout_.steps[s];
      step.inputs.assign(inputs[s].begin(), inputs[s].end());
      for (const std::int32_t k : step.instructions) {
        if (is_read[index(k)]) step.outputs.push_back(k);
        for (std::size_t r = 0; r < program_.stores(); ++r)
          if (results[r] == k) step.stores.push_back(static_cast<std::int32_t>(r));
        if (!is_read[index(k)] && std::ranges::count(results, k) == 1)
          layout_.held[index(k)].store = step.stores.back();
      }
    }
  }

  /// A buffer is free again after the last step that reads it; that one may already write to it, for kernels allow it.
  /// Results keep theirs until the end of the strip.
  void assign_buffers() {
    const std::size_t never = layout_.steps.size();
    std::vector<std::size_t> last_reader(instructions_.size(), 0);
    for (std::size_t s = 0; s < layout_.steps.size(); ++s)
      for (const std::int32_t k : layout_.steps[s].instructions)
        for (const std::int32_t place : instructions_[index(k)].operands)
          if (place != Instruction::kNone) last_reader[index(place)] = s;
    for (const std::int32_t place : program_.results()) last_reader[index(place)] = never;

    std::vector<std::int32_t> free;
    for (std::size_t s = 0; s < layout_.steps.size(); ++s) {
      const Step& step = layout_.steps[s];
      std::set<std::int32_t> read;
      for (const std::int32_t k : step.instructions)
        for (const std::int32_t place : instructions_[index(k)].operands)
          if (place != Instruction::kNone && last_reader[index(place)] == s && layout_.held[index(place)].buffer >= 0)
            read.insert(layout_.held[index(place)].buffer);
      free.insert(free.end(), read.begin(), read.end());
      for (const std::int32_t k : step.instructions) {
        if (spread(k) != Spread::lanes || (step.is_fused && !crosses(step, k))) continue;
        if (free.empty()) free.push_back(layout_.buffers++);
        layout_.held[index(k)].buffer = free.back();
        free.pop_back();
      }
    }
  }

  [[nodiscard]] bool crosses(const Step& step, std::int32_t k) const {
    return std::ranges::find(step.outputs, k) != step.outputs.end() ||
           std::ranges::find(program_.results(), k) != program_.results().end();
  }

  const Program& program_;
  std::span<const Instruction> instructions_;
  const std::function<bool(const Instruction&)>& can_fuse_;
  Layout layout_;
};

}  // namespace

Layout lay_out(const Program& program, const Extents& extents,
               const std::function<bool(const Instruction&)>& can_fuse) {
  return Planner(program, extents, can_fuse).plan();
}

}  // namespace windrow::expr
