#pragma once

#include <asmjit/x86.h>

#include <cstdint>

#include "expr/instruction.hpp"
#include "kernel/level.hpp"

namespace windrow::expr {

/// Emits instructions on whole vectors of lanes, for AVX2 or AVX-512. Each does to the bit what the kernels of
/// src/kernel do: arithmetic.hpp, simple.hpp and conversions.hpp.
class VectorCode {
 public:
  using Compiler = asmjit::x86::Compiler;
  using Vec = asmjit::x86::Vec;
  /// A register, or memory of a whole vector.
  using Operand = asmjit::Operand;
  /// A truth value for each lane: a mask register, or all bits of the lane.
  using Mask = asmjit::x86::Reg;

  /// Whether there is code for the instruction.
  [[nodiscard]] static bool has(const Instruction& instruction, kernel::Level level);

  VectorCode(Compiler& compiler, kernel::Level level) : cc_(compiler), is_wide_(level == kernel::Level::avx512) {}

  [[nodiscard]] std::uint32_t bytes() const { return is_wide_ ? 64 : 32; }
  [[nodiscard]] Vec new_vector();
  [[nodiscard]] Vec zero();

  [[nodiscard]] Vec loaded(const Operand& from);
  [[nodiscard]] Vec broadcast(const asmjit::x86::Mem& lane);
  /// The first lane everywhere.
  [[nodiscard]] Vec broadcast(const Vec& lanes);
  void store_first(const asmjit::x86::Mem& to, const Vec& lanes);
  /// The first half, quarter or eighth of the lanes (1 / `parts`) is what comes after as many.
  [[nodiscard]] Vec shifted(const Vec& lanes, int parts);
  /// One lane everywhere in a register, or what another has.
  void set(const Vec& to, std::uint64_t lane);
  void set(const Vec& to, const Vec& from);
  void store(const asmjit::x86::Mem& to, const Vec& lanes, bool is_streaming);

  /// 0 or 1 in each lane, and back: whether a lane is not 0.
  [[nodiscard]] Vec lanes_of(const Mask& mask);
  [[nodiscard]] Mask mask_of(const Vec& lanes);
  /// A bit for each lane.
  void move_to(const asmjit::x86::Gp& bits, const Mask& mask);

  [[nodiscard]] Vec arithmetic(Opcode opcode, bool is_float, const Vec& a, const Operand& b);
  [[nodiscard]] Mask compare(Opcode opcode, bool is_float, const Vec& a, const Operand& b);
  [[nodiscard]] Mask combine(Opcode opcode, const Mask& a, const Mask& b);
  [[nodiscard]] Mask invert(const Mask& mask);
  /// a where the mask is set, elsewhere b.
  [[nodiscard]] Vec select(const Mask& mask, const Operand& a, const Vec& b);
  [[nodiscard]] Vec convert(const Instruction& instruction, const Vec& a);
  [[nodiscard]] Vec function(kernel::Function function, const Vec& a);
  /// The bits of either, in the first one's register.
  void join(const Vec& bits, const Vec& others);
  /// is_nan and is_finite.
  [[nodiscard]] Mask test(kernel::Function function, const Vec& a);

 private:
  using InstId = asmjit::InstId;

  [[nodiscard]] Mask new_mask();
  [[nodiscard]] Operand constant(std::uint64_t lane);
  Vec emit(InstId instruction, const Vec& a, const Operand& b);
  Vec emit(InstId instruction, const Operand& a);
  Vec emit_immediate(InstId instruction, const Operand& a, std::uint32_t immediate);
  Mask compare_floats(const Vec& a, const Operand& b, std::uint32_t predicate);
  Mask compare_ints(const Vec& a, const Operand& b, Opcode opcode);
  /// The lane of a constant where the mask is set, elsewhere 0.
  Vec constant_where(const Mask& mask, std::uint64_t lane);

  Vec extreme_of_floats(InstId instruction, const Vec& a, const Operand& b);
  Vec extreme_of_ints(Opcode opcode, const Vec& a, const Operand& b);
  Vec product_of_ints(const Vec& a, const Operand& b);
  Vec shifted_right(const Vec& a, const Operand& b);
  Vec float_of(const Vec& a);
  Vec low_int32(const Vec& a);
  Vec rounded(const Vec& a, std::uint32_t direction);
  Vec absolute(const Vec& a);
  Vec sign(const Vec& a);
  Vec absolute_of_int(const Vec& a);
  Vec sign_of_int(const Vec& a);

  Compiler& cc_;
  bool is_wide_;
};

}  // namespace windrow::expr
