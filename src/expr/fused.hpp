#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "expr/layout.hpp"
#include "expr/reduction.hpp"
#include "kernel/level.hpp"

namespace windrow::expr {

/// Machine code for a fused step: one loop over vectors, its values in registers.
class FusedCode {
 public:
  /// Whether code for the instruction can be made for that level, and memory may be executed.
  [[nodiscard]] static bool can_fuse(const Instruction& instruction, kernel::Level level);

  /// With `folds`, one for each result that is not stored, these are folded instead of given out.
  /// *Cost*: a tenth of a millisecond. *Throws*: nothing; where no code can be made, is_made() tells.
  FusedCode(const Program& program, const Layout& layout, const Step& step, kernel::Level level,
            std::span<const Fold> folds = {});
  ~FusedCode();
  FusedCode(FusedCode&&) noexcept;
  FusedCode& operator=(FusedCode&&) noexcept;

  [[nodiscard]] bool is_made() const;
  /// Elements of a vector.
  [[nodiscard]] std::int64_t width() const;

  /// Where the operands are: the step's inputs, its outputs (without folds), its stores, and for each fold the
  /// numbers of each block, in that order. An input that is a scalar is one lane, all others `vectors` vectors.
  using Pointers = void* const*;
  /// Stores go past the caches if `streaming`: they are aligned to cache lines then. Whether all floats that were
  /// stored are finite.
  bool run(Pointers pointers, std::int64_t vectors, bool streaming) const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace windrow::expr
