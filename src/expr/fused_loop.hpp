#pragma once

#include <cstdint>
#include <vector>

#include "expr/executable.hpp"
#include "expr/instruction.hpp"
#include "expr/reduction.hpp"
#include "kernel/level.hpp"

namespace windrow::expr {

/// What a fused step computes, told without the program around it: steps that are alike have equal ones.
struct Recipe {
  kernel::Level level = kernel::Level::baseline;
  std::int32_t inputs = 0;  ///< how many instructions, the first ones, are operands: loads are lanes, others scalars
  std::vector<Instruction> instructions = {};  ///< their operands are places in here
  std::vector<std::int32_t> outputs = {};
  std::vector<std::int32_t> stores = {};
  /// What is folded, and how; if there is any, the loop goes over whole blocks.
  struct Folded {
    std::int32_t place = 0;
    Fold fold = Fold::sum;
    friend bool operator==(const Folded&, const Folded&) = default;
  };
  std::vector<Folded> folds = {};

  friend bool operator==(const Recipe&, const Recipe&) = default;
};

/// The pointers are to inputs, outputs, stores, and of what is folded the numbers of each block
/// (numbers_in_partial), in that order. 0 if all
/// floats that were stored are finite.
using FusedLoop = std::uint32_t (*)(void* const* pointers, std::int64_t vectors);

/// The machine code of a FusedLoop; nothing where it cannot be made. Stores go past the caches if `is_streaming`.
[[nodiscard]] Executable make_loop(const Recipe& recipe, bool is_streaming);

}  // namespace windrow::expr
