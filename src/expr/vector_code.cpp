#include "expr/vector_code.hpp"

#include <array>

namespace windrow::expr {

using asmjit::imm;
using asmjit::x86::KReg;
using asmjit::x86::Mem;
using kernel::Function;
namespace Inst = asmjit::x86::Inst;

namespace {

// Predicates of vcmppd, as GCC takes them for <, <=, == and !=, and those of vpcmpq.
constexpr std::uint32_t kLess = 1;
constexpr std::uint32_t kLessEqual = 2;
constexpr std::uint32_t kEqual = 0;
constexpr std::uint32_t kNotEqual = 4;
constexpr std::uint32_t kUnordered = 3;
constexpr std::uint32_t kOrdered = 7;
constexpr std::uint32_t kGreater = 14;

// Of vroundpd and vrndscalepd: to the nearest, down, up; without the flag of inexact results.
constexpr std::uint32_t kToNearest = 8;
constexpr std::uint32_t kDown = 9;
constexpr std::uint32_t kUp = 10;

constexpr std::uint64_t kOne = 0x3ff0000000000000;
constexpr std::uint64_t kMinusOne = 0xbff0000000000000;
constexpr std::uint64_t kNan = 0xfff8000000000000;
constexpr std::uint64_t kMagnitude = 0x7fffffffffffffff;
constexpr std::uint64_t kLargest = 0x7fefffffffffffff;

std::uint32_t predicate(Opcode opcode) {
  switch (opcode) {
    case Opcode::less:
      return kLess;
    case Opcode::less_equal:
      return kLessEqual;
    case Opcode::equal:
      return kEqual;
    default:
      return kNotEqual;
  }
}

bool has_function(Function function) {
  return Function::sqrt <= function && function <= Function::sign_int64;
}

}  // namespace

bool VectorCode::has(const Instruction& instruction, kernel::Level level) {
  if (level == kernel::Level::baseline) return false;
  switch (instruction.opcode) {
    case Opcode::to_float64:
    case Opcode::round_to_float32:
    case Opcode::wrap_to_int32:
    case Opcode::add:
    case Opcode::subtract:
    case Opcode::multiply:
    case Opcode::divide:
    case Opcode::less:
    case Opcode::less_equal:
    case Opcode::equal:
    case Opcode::not_equal:
    case Opcode::minimum:
    case Opcode::maximum:
    case Opcode::bit_and:
    case Opcode::bit_or:
    case Opcode::bit_xor:
    case Opcode::shift_left:
    case Opcode::shift_right:
    case Opcode::select:
      return true;
    case Opcode::truncate:
      return level == kernel::Level::avx512 || instruction.type == ValueType::int32;
    case Opcode::function:
      return has_function(instruction.function);
    default:
      return false;
  }
}

// ---- Registers ----

VectorCode::Vec VectorCode::new_vector() {
  if (is_wide_) return cc_.newZmm();
  return cc_.newYmm();
}

VectorCode::Mask VectorCode::new_mask() {
  if (is_wide_) return cc_.newKq();
  return cc_.newYmm();
}

VectorCode::Operand VectorCode::constant(std::uint64_t lane) {
  if (is_wide_) return cc_.newUInt64Const(asmjit::ConstPoolScope::kLocal, lane)._1to8();
  const std::array<std::uint64_t, 4> lanes{lane, lane, lane, lane};
  return cc_.newConst(asmjit::ConstPoolScope::kLocal, lanes.data(), sizeof lanes);
}

VectorCode::Vec VectorCode::zero() {
  const Vec d = new_vector();
  cc_.emit(is_wide_ ? Inst::kIdVpxorq : Inst::kIdVpxor, d, d, d);
  return d;
}

VectorCode::Vec VectorCode::emit(InstId instruction, const Vec& a, const Operand& b) {
  const Vec d = new_vector();
  cc_.emit(instruction, d, a, b);
  return d;
}

VectorCode::Vec VectorCode::emit(InstId instruction, const Operand& a) {
  const Vec d = new_vector();
  cc_.emit(instruction, d, a);
  return d;
}

VectorCode::Vec VectorCode::emit_immediate(InstId instruction, const Operand& a, std::uint32_t immediate) {
  const Vec d = new_vector();
  cc_.emit(instruction, d, a, imm(immediate));
  return d;
}

VectorCode::Vec VectorCode::loaded(const Operand& from) {
  return from.isMem() ? emit(Inst::kIdVmovupd, from) : from.as<Vec>();
}

VectorCode::Vec VectorCode::broadcast(const Mem& lane) {
  return emit(Inst::kIdVbroadcastsd, lane);
}

VectorCode::Vec VectorCode::broadcast(const Vec& lanes) {
  return emit(Inst::kIdVbroadcastsd, lanes.xmm());
}

void VectorCode::store_first(const Mem& to, const Vec& lanes) {
  cc_.emit(Inst::kIdVmovsd, to, lanes.xmm());
}

VectorCode::Vec VectorCode::shifted(const Vec& lanes, int parts) {
  constexpr std::uint32_t swap_halves_of_four = 0x4e;
  constexpr std::uint32_t swap_neighbours_of_four = 0xb1;
  constexpr std::uint32_t swap_halves_of_two = 1;
  constexpr std::uint32_t swap_lanes = 0x55;
  const bool is_lane = parts * 8 == static_cast<int>(bytes());
  const Vec d = new_vector();
  if (is_lane) {
    cc_.emit(Inst::kIdVpermilpd, d, lanes, imm(swap_lanes));
  } else if (is_wide_) {
    cc_.emit(Inst::kIdVshuff64x2, d, lanes, lanes, imm(parts == 2 ? swap_halves_of_four : swap_neighbours_of_four));
  } else {
    cc_.emit(Inst::kIdVperm2f128, d, lanes, lanes, imm(swap_halves_of_two));
  }
  return d;
}

void VectorCode::set(const Vec& to, std::uint64_t lane) {
  cc_.emit(Inst::kIdVbroadcastsd, to, cc_.newUInt64Const(asmjit::ConstPoolScope::kLocal, lane));
}

void VectorCode::set(const Vec& to, const Vec& from) {
  cc_.emit(Inst::kIdVmovapd, to, from);
}

void VectorCode::store(const Mem& to, const Vec& lanes, bool is_streaming) {
  cc_.emit(is_streaming ? Inst::kIdVmovntpd : Inst::kIdVmovupd, to, lanes);
}

// ---- Truth values ----

VectorCode::Vec VectorCode::lanes_of(const Mask& mask) {
  if (is_wide_) return constant_where(mask, 1);
  return emit_immediate(Inst::kIdVpsrlq, mask, 63);
}

VectorCode::Mask VectorCode::mask_of(const Vec& lanes) {
  if (!is_wide_) return invert(emit(Inst::kIdVpcmpeqq, lanes, zero()));
  const Mask d = new_mask();
  cc_.emit(Inst::kIdVptestmq, d, lanes, lanes);
  return d;
}

void VectorCode::move_to(const asmjit::x86::Gp& bits, const Mask& mask) {
  cc_.emit(is_wide_ ? Inst::kIdKmovb : Inst::kIdVmovmskpd, bits, mask);
}

VectorCode::Vec VectorCode::constant_where(const Mask& mask, std::uint64_t lane) {
  if (!is_wide_) return emit(Inst::kIdVandpd, mask.as<Vec>(), constant(lane));
  const Vec d = new_vector();
  const Mem from = cc_.newUInt64Const(asmjit::ConstPoolScope::kLocal, lane);
  cc_.k(mask.as<KReg>()).z().emit(Inst::kIdVpbroadcastq, d, from);
  return d;
}

VectorCode::Mask VectorCode::combine(Opcode opcode, const Mask& a, const Mask& b) {
  const Mask d = new_mask();
  switch (opcode) {
    case Opcode::bit_and:
      cc_.emit(is_wide_ ? Inst::kIdKandb : Inst::kIdVpand, d, a, b);
      break;
    case Opcode::bit_or:
      cc_.emit(is_wide_ ? Inst::kIdKorb : Inst::kIdVpor, d, a, b);
      break;
    default:
      cc_.emit(is_wide_ ? Inst::kIdKxorb : Inst::kIdVpxor, d, a, b);
      break;
  }
  return d;
}

VectorCode::Mask VectorCode::invert(const Mask& mask) {
  if (!is_wide_) return emit(Inst::kIdVpxor, mask.as<Vec>(), constant(~std::uint64_t{0}));
  const Mask d = new_mask();
  cc_.emit(Inst::kIdKnotb, d, mask);
  return d;
}

VectorCode::Mask VectorCode::compare(Opcode opcode, bool is_float, const Vec& a, const Operand& b) {
  return is_float ? compare_floats(a, b, predicate(opcode)) : compare_ints(a, b, opcode);
}

VectorCode::Mask VectorCode::compare_floats(const Vec& a, const Operand& b, std::uint32_t the_predicate) {
  const Mask d = new_mask();
  cc_.emit(Inst::kIdVcmppd, d, a, b, imm(the_predicate));
  return d;
}

VectorCode::Mask VectorCode::compare_ints(const Vec& a, const Operand& b, Opcode opcode) {
  if (is_wide_) {
    const Mask d = new_mask();
    cc_.emit(Inst::kIdVpcmpq, d, a, b, imm(predicate(opcode)));
    return d;
  }
  switch (opcode) {
    case Opcode::less:
      return emit(Inst::kIdVpcmpgtq, loaded(b), a);
    case Opcode::less_equal:
      return invert(emit(Inst::kIdVpcmpgtq, a, b));
    case Opcode::equal:
      return emit(Inst::kIdVpcmpeqq, a, b);
    default:
      return invert(emit(Inst::kIdVpcmpeqq, a, b));
  }
}

VectorCode::Mask VectorCode::test(Function function, const Vec& a) {
  if (function == Function::is_nan) return compare_floats(a, a, kNotEqual);
  return compare_floats(emit(Inst::kIdVandpd, a, constant(kMagnitude)), constant(kLargest), kLessEqual);
}

VectorCode::Vec VectorCode::select(const Mask& mask, const Operand& a, const Vec& b) {
  const Vec d = new_vector();
  if (is_wide_) {
    cc_.k(mask.as<KReg>()).emit(Inst::kIdVblendmpd, d, b, a);
  } else {
    cc_.emit(Inst::kIdVblendvpd, d, b, a, mask);
  }
  return d;
}

// ---- Arithmetic ----

VectorCode::Vec VectorCode::arithmetic(Opcode opcode, bool is_float, const Vec& a, const Operand& b) {
  switch (opcode) {
    case Opcode::add:
      return emit(is_float ? Inst::kIdVaddpd : Inst::kIdVpaddq, a, b);
    case Opcode::subtract:
      return emit(is_float ? Inst::kIdVsubpd : Inst::kIdVpsubq, a, b);
    case Opcode::multiply:
      return is_float ? emit(Inst::kIdVmulpd, a, b) : product_of_ints(a, b);
    case Opcode::divide:
      return emit(Inst::kIdVdivpd, a, b);
    case Opcode::minimum:
      return is_float ? extreme_of_floats(Inst::kIdVminpd, a, b) : extreme_of_ints(opcode, a, b);
    case Opcode::maximum:
      return is_float ? extreme_of_floats(Inst::kIdVmaxpd, a, b) : extreme_of_ints(opcode, a, b);
    case Opcode::bit_and:
      return emit(is_wide_ ? Inst::kIdVpandq : Inst::kIdVpand, a, b);
    case Opcode::bit_or:
      return emit(is_wide_ ? Inst::kIdVporq : Inst::kIdVpor, a, b);
    case Opcode::bit_xor:
      return emit(is_wide_ ? Inst::kIdVpxorq : Inst::kIdVpxor, a, b);
    case Opcode::shift_left:
      return emit(Inst::kIdVpsllvq, a, b);
    default:
      return shifted_right(a, b);
  }
}

void VectorCode::join(const Vec& bits, const Vec& others) {
  cc_.emit(is_wide_ ? Inst::kIdVporq : Inst::kIdVpor, bits, bits, others);
}

/// The processor's gives the second where one of them is NaN: right for a NaN that is the second.
VectorCode::Vec VectorCode::extreme_of_floats(InstId instruction, const Vec& a, const Operand& b) {
  return select(compare_floats(a, a, kUnordered), a, emit(instruction, a, b));
}

VectorCode::Vec VectorCode::extreme_of_ints(Opcode opcode, const Vec& a, const Operand& b) {
  const bool is_minimum = opcode == Opcode::minimum;
  if (is_wide_) return emit(is_minimum ? Inst::kIdVpminsq : Inst::kIdVpmaxsq, a, b);
  const Vec other = loaded(b);
  return select(is_minimum ? emit(Inst::kIdVpcmpgtq, other, a) : emit(Inst::kIdVpcmpgtq, a, other), a, other);
}

/// The low halves' product, and above it those of a low and a high half.
VectorCode::Vec VectorCode::product_of_ints(const Vec& a, const Operand& b) {
  if (is_wide_) return emit(Inst::kIdVpmullq, a, b);
  const Vec other = loaded(b);
  const Vec first = emit(Inst::kIdVpmuludq, emit_immediate(Inst::kIdVpsrlq, a, 32), other);
  const Vec second = emit(Inst::kIdVpmuludq, emit_immediate(Inst::kIdVpsrlq, other, 32), a);
  const Vec high = emit_immediate(Inst::kIdVpsllq, emit(Inst::kIdVpaddq, first, second), 32);
  return emit(Inst::kIdVpaddq, high, emit(Inst::kIdVpmuludq, a, other));
}

/// Without an instruction for it, negative numbers are shifted as their complements.
VectorCode::Vec VectorCode::shifted_right(const Vec& a, const Operand& b) {
  if (is_wide_) return emit(Inst::kIdVpsravq, a, b);
  const Vec negative = emit(Inst::kIdVpcmpgtq, zero(), a);
  return emit(Inst::kIdVpxor, emit(Inst::kIdVpsrlvq, emit(Inst::kIdVpxor, a, negative), b), negative);
}

// ---- Conversions ----

VectorCode::Vec VectorCode::convert(const Instruction& instruction, const Vec& a) {
  switch (instruction.opcode) {
    case Opcode::to_float64:
      return float_of(a);
    case Opcode::wrap_to_int32:
      return low_int32(a);
    default:
      break;
  }
  if (instruction.opcode == Opcode::truncate && instruction.type != ValueType::int32)
    return emit(Inst::kIdVcvttpd2qq, a);
  // By way of vectors half as wide.
  const bool is_rounding = instruction.opcode == Opcode::round_to_float32;
  const Vec d = new_vector();
  const Vec half = is_wide_ ? Vec(d.ymm()) : Vec(d.xmm());
  cc_.emit(is_rounding ? Inst::kIdVcvtpd2ps : Inst::kIdVcvttpd2dq, half, a);
  cc_.emit(is_rounding ? Inst::kIdVcvtps2pd : Inst::kIdVpmovsxdq, d, half);
  return d;
}

/// As kernel::float_of().
VectorCode::Vec VectorCode::float_of(const Vec& a) {
  if (is_wide_) return emit(Inst::kIdVcvtqq2pd, a);
  constexpr std::uint32_t high_words = 0xaa;
  const Vec low = new_vector();
  cc_.emit(Inst::kIdVpblendd, low, a, constant(0x4330000000000000), imm(high_words));
  const Vec high = emit(Inst::kIdVpxor, emit_immediate(Inst::kIdVpsrlq, a, 32), constant(0x4530000080000000));
  return emit(Inst::kIdVaddpd, emit(Inst::kIdVsubpd, high, constant(0x4530000080100000)), low);
}

VectorCode::Vec VectorCode::low_int32(const Vec& a) {
  if (is_wide_) return emit_immediate(Inst::kIdVpsraq, emit_immediate(Inst::kIdVpsllq, a, 32), 32);
  constexpr std::uint32_t high_words = 0xaa;
  constexpr std::uint32_t low_words_twice = 0xa0;
  const Vec signs = emit_immediate(Inst::kIdVpshufd, emit_immediate(Inst::kIdVpsrad, a, 31), low_words_twice);
  const Vec d = new_vector();
  cc_.emit(Inst::kIdVpblendd, d, a, signs, imm(high_words));
  return d;
}

// ---- Functions ----

VectorCode::Vec VectorCode::function(Function function, const Vec& a) {
  switch (function) {
    case Function::sqrt:
      return emit(Inst::kIdVsqrtpd, a);
    case Function::floor:
      return rounded(a, kDown);
    case Function::ceil:
      return rounded(a, kUp);
    case Function::round:
      return rounded(a, kToNearest);
    case Function::abs:
      return absolute(a);
    case Function::sign:
      return sign(a);
    case Function::abs_int64:
      return absolute_of_int(a);
    default:
      return sign_of_int(a);
  }
}

/// A signalling NaN stays one in the kernels, which know no instruction for this.
VectorCode::Vec VectorCode::rounded(const Vec& a, std::uint32_t direction) {
  const Vec whole = emit_immediate(is_wide_ ? Inst::kIdVrndscalepd : Inst::kIdVroundpd, a, direction);
  return select(compare_floats(a, a, kOrdered), whole, a);
}

VectorCode::Vec VectorCode::absolute(const Vec& a) {
  const Vec size = emit(Inst::kIdVandpd, a, constant(kMagnitude));
  return select(compare_floats(a, a, kUnordered), constant(kNan), size);
}

VectorCode::Vec VectorCode::sign(const Vec& a) {
  const Vec none = zero();
  const Vec negative = constant_where(compare_floats(a, none, kLess), kMinusOne);
  const Vec positive = constant_where(compare_floats(a, none, kGreater), kOne);
  const Vec undefined = constant_where(compare_floats(a, a, kUnordered), kNan);
  return emit(Inst::kIdVorpd, emit(Inst::kIdVorpd, negative, positive), undefined);
}

VectorCode::Vec VectorCode::absolute_of_int(const Vec& a) {
  if (is_wide_) return emit(Inst::kIdVpabsq, a);
  const Vec negative = emit(Inst::kIdVpcmpgtq, zero(), a);
  return emit(Inst::kIdVpsubq, emit(Inst::kIdVpxor, a, negative), negative);
}

VectorCode::Vec VectorCode::sign_of_int(const Vec& a) {
  if (is_wide_) return emit(Inst::kIdVpmaxsq, emit(Inst::kIdVpminsq, a, constant(1)), constant(~std::uint64_t{0}));
  const Vec none = zero();
  return emit(Inst::kIdVpsubq, emit(Inst::kIdVpcmpgtq, none, a), emit(Inst::kIdVpcmpgtq, a, none));
}

}  // namespace windrow::expr
