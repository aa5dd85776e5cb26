#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "expr/instruction.hpp"

namespace windrow::expr {

/// How the value of an instruction is held while a strip is evaluated: one value for all elements, an arithmetic
/// progression (int64 alone), or a lane for each element. In this order: a later one can hold more.
enum class Spread : std::uint8_t { scalar, ramp, lanes };

/// What elements a strip may consist of, and with that the spread of i and j.
enum class Traversal {
  rows,   ///< a part of one row: i is a scalar, j a ramp
  line,   ///< consecutive elements, for which i is a ramp and j is 0, or neither matters
  folded  ///< parts of several short rows: i and j are lanes
};

/// Rows shorter than this are folded: the work for a strip must not weigh more than the work for its elements.
inline constexpr std::int64_t kShortestRow = 128;

/// What is done at a time for all elements of a strip: one instruction by a kernel, or several by machine code.
struct Step {
  std::vector<std::int32_t> instructions = {};  ///< in order
  bool is_fused = false;
  std::vector<std::int32_t> inputs = {};   ///< what it reads of other steps, scalars too
  std::vector<std::int32_t> outputs = {};  ///< what other steps and sinks read of it
  std::vector<std::int32_t> stores = {};   ///< the results that it computes and that are stored, by their numbers
};

/// The decisions about a program for a domain that need not be made again for each strip.
struct Layout {
  struct Held {
    Spread spread = Spread::scalar;
    bool is_constant = true;   ///< during a call of evaluate()
    std::int32_t buffer = -1;  ///< where the lanes are, if a step writes them
    std::int32_t store = -1;   ///< number of the result that nothing but its destination needs the lanes for
  };

  Traversal traversal = Traversal::rows;
  std::vector<Held> held;  ///< one for each instruction
  std::vector<Step> steps;
  std::int32_t buffers = 0;      ///< how many are in use at once
  bool needs_lanes = false;      ///< whether any step does: then strips must be short
  bool needs_positions = false;  ///< whether rows and columns are needed as lanes
};

/// `can_fuse` tells which instructions machine code can be made for.
[[nodiscard]] Layout lay_out(const Program& program, const Extents& extents,
                             const std::function<bool(const Instruction&)>& can_fuse);

}  // namespace windrow::expr
