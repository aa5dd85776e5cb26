#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "expr/instruction.hpp"

namespace windrow::expr {

/// How the value of an instruction is held while a strip is evaluated: one value for all elements, an arithmetic
/// progression (int64 alone), or a buffer with a lane for each element. In this order: a later one can hold more.
enum class Shape : std::uint8_t { scalar, ramp, lanes };

/// What elements a strip may consist of, and with that the shapes of i and j.
enum class Traversal {
  rows,   ///< a part of one row: i is a scalar, j a ramp
  line,   ///< a part of a one-dimensional array or a single column: i is a ramp, j is 0
  folded  ///< parts of several short rows: i and j are lanes
};

/// The decisions about a program for arrays of certain extents that need not be made again for each strip.
struct Layout {
  struct Step {
    Shape shape = Shape::scalar;
    bool is_constant = true;   ///< during a call of evaluate()
    std::int32_t buffer = -1;  ///< where the lanes are
  };

  Traversal traversal = Traversal::rows;
  std::vector<Step> steps;       ///< one for each instruction
  std::int32_t buffers = 0;      ///< how many are in use at once
  bool needs_lanes = false;      ///< whether any step does: then strips must be short
  bool needs_positions = false;  ///< whether rows and columns are needed as lanes
};

[[nodiscard]] Layout lay_out(std::span<const Instruction> instructions, const Extents& extents);

}  // namespace windrow::expr
