#pragma once

#include <cstddef>
#include <cstdint>

#include "base/extents.hpp"
#include "kernel/store.hpp"

namespace windrow::kernel {

/// A lane is 64 bits: a double, an int64, or a truth value (an int64 that is 0 or 1). A buffer of lanes that a kernel
/// reads or that has results of `draws_at` in it is readable and writable for kLanePadding lanes past its last element.
inline constexpr std::int64_t kLanePadding = 16;

/// Operations of two operands. Integers wrap. Comparisons of the other directions are these with operands exchanged.
/// `modulo` has the sign of the divisor, as Python's %; an integer modulo 0 is 0. `power` is C's pow; of integers it
/// wraps. `floor_divide` rounds down, as Python's //; an integer // 0 is 0. A shift by 64 bits or more, or by a
/// negative number, leaves 0, or the sign. `minimum` and `maximum` of a NaN are NaN; `arctan2` takes y, then x.
enum class Operation {
  add_float64,
  subtract_float64,
  multiply_float64,
  divide_float64,
  modulo_float64,
  power_float64,
  less_float64,
  less_equal_float64,
  equal_float64,
  not_equal_float64,
  add_int64,
  subtract_int64,
  multiply_int64,
  modulo_int64,
  power_int64,
  less_int64,
  less_equal_int64,
  equal_int64,
  not_equal_int64,
  minimum_float64,
  maximum_float64,
  minimum_int64,
  maximum_int64,
  arctan2_float64,
  hypot_float64,
  floor_divide_float64,
  floor_divide_int64,
  bit_and,
  bit_or,
  bit_xor,
  shift_left,
  shift_right,
};
inline constexpr std::size_t kOperations = 32;

/// Functions of one operand: numpy's functions of these names. float64 but for abs_int64 and sign_int64; is_nan and
/// is_finite give truth values. The same bits with AVX2 and AVX-512; accurate to 4 units in the last place wherever the
/// result is, subnormal numbers included: docs/accuracy.md has the largest errors found, and tells which functions may
/// have other last bits at the baseline. NaN is the one NaN of programs.
enum class Function {
  exp,
  expm1,
  log,
  log10,
  log1p,
  sin,
  cos,
  tan,
  arcsin,
  arccos,
  arctan,
  sinh,
  cosh,
  tanh,
  arcsinh,
  arccosh,
  arctanh,
  sqrt,
  floor,
  ceil,
  round,
  abs,
  sign,
  is_nan,
  is_finite,
  abs_int64,
  sign_int64,
};
inline constexpr std::size_t kFunctions = 27;

/// Which of two operands are lanes and which are one value for all elements.
enum class Form { lanes_lanes, lanes_scalar, scalar_lanes, scalar_scalar };
inline constexpr std::size_t kForms = 4;

/// What is drawn: the 64 bits themselves, uniform numbers, normal numbers. See random.hpp.
enum class Distribution { bits, uniform, normal };
inline constexpr std::size_t kDistributions = 3;

/// Of some numbers and a middle: the sum of their differences to it, and of the squares of these.
struct Deviation {
  double rest = 0.0;
  double squares = 0.0;
};

/// How many of some floats are no finite numbers.
struct NotFinite {
  std::int64_t nan = 0;
  std::int64_t infinite = 0;

  friend bool operator==(const NotFinite&, const NotFinite&) = default;
};

/// The vector functions at one level. Pointers without a type point to 64-bit lanes, unless they are called `out` with
/// an element type. `count` is the number of elements; results may overwrite an operand of the same position. Memory
/// of elements needs the alignment of its element type alone. Only Store::streaming needs a finish_streaming() after.
/// Those that return a bool tell whether all float results are finite: true only if they are, but not always then.
struct Kernels {
  using Binary = bool (*)(const void* a, const void* b, void* out, std::int64_t count, Store store);
  using Unary = bool (*)(const void* a, void* out, std::int64_t count, Store store);
  using Select = void (*)(const void* condition, const void* a, const void* b, void* out, std::int64_t count,
                          Store store);
  using Convert = bool (*)(const void* lanes, void* out, std::int64_t count, Store store);
  using Widen = void (*)(const void* elements, void* lanes, std::int64_t count);
  using Fill = void (*)(const void* element, void* out, std::int64_t count, Store store);
  using Ramp = void (*)(std::int64_t base, std::int64_t step, void* out, std::int64_t count, Store store);
  using Positions = void (*)(std::int64_t row, std::int64_t column, std::int64_t columns, void* rows_out,
                             void* columns_out, std::int64_t count);
  using Draws = void (*)(std::uint64_t key, std::int64_t row, std::int64_t pair, std::int64_t skipped,
                         std::int64_t count, void* out, Store store);
  using DrawsAt = void (*)(std::uint64_t key, const void* rows, const void* columns, void* out, std::int64_t count);
  using Escapes = void (*)(double x_begin, double x_step, std::int64_t first, double y, std::int64_t limit,
                           std::int32_t* out, std::int64_t count);
  using Hash = std::uint64_t (*)(const void* bytes, std::size_t size);

  Binary binary[kOperations][kForms];  ///< not for Form::scalar_scalar

  Unary unary[kFunctions];

  /// Where `condition` (lanes) is not 0, `a`, else `b`; the form is that of a and b.
  Select select[kForms];

  /// A float64 as the nearest float32, and an int64 as the int32 of its low 32 bits; as lanes again.
  Unary round_to_float32;
  Unary wrap_to_int32;

  /// Lanes into elements, indexed by ElementType. A float64 becomes an integer by truncation, and the type's minimum
  /// where it does not fit or is no number. An int64 becomes an int32 or an int8 by wrapping and a float32 by way of
  /// float64.
  Convert from_float64[kElementTypes.size()];
  Convert from_int64[kElementTypes.size()];

  /// Elements into lanes that hold the same numbers, indexed by ElementType. Reads and writes `count` of them.
  Widen to_lanes[kElementTypes.size()];

  /// Many float64 lanes as one, in an order that depends on `count` alone, which must be a multiple of 32: the sum, the
  /// product, and the differences to `middle`.
  double (*sum)(const void* lanes, std::int64_t count);
  double (*product)(const void* lanes, std::int64_t count);
  Deviation (*deviation)(const void* lanes, std::int64_t count, double middle);
  /// Of any number of lanes: NaN if one of them is; the neutral element of none.
  double (*minimum)(const void* lanes, std::int64_t count);
  double (*maximum)(const void* lanes, std::int64_t count);
  /// Of int64 lanes; sums and products wrap.
  std::int64_t (*sum_int64)(const void* lanes, std::int64_t count);
  std::int64_t (*product_int64)(const void* lanes, std::int64_t count);
  std::int64_t (*minimum_int64)(const void* lanes, std::int64_t count);
  std::int64_t (*maximum_int64)(const void* lanes, std::int64_t count);

  /// Of float64 and float32 elements, whatever their number.
  NotFinite (*not_finite_float64)(const void* elements, std::int64_t count);
  NotFinite (*not_finite_float32)(const void* elements, std::int64_t count);

  /// One element, of 1, 4 or 8 bytes, everywhere.
  Fill fill_1_byte;
  Fill fill_4_bytes;
  Fill fill_8_bytes;

  /// base, base + step, base + 2 step, ...: wrapping int64, then converted as from_int64, indexed by ElementType.
  Ramp ramp[kElementTypes.size()];

  /// Row and column numbers, as int64 lanes, of consecutive elements from (row, column) on, in rows of `columns`.
  /// column + count must be below 2^31.
  Positions positions;

  /// Draws for `count` columns of one row, from column 2 pair + skipped (0 or 1) on, into elements of float64
  /// (Distribution::bits: of 64 bits). Where pairs of columns do not begin at 16 bytes of memory all goes through the
  /// caches.
  Draws draws[kDistributions];

  /// Draws for the elements whose rows and columns are given as int64 lanes.
  DrawsAt draws_at[kDistributions];

  /// For points of a line, c = x_begin + (n + 0.5) x_step + i y, from n = `first` on: the step at which the orbit
  /// z -> z^2 + c of 0 is farther from 0 than 2 for the first time, from 1 on; 0 if it is not within `limit` steps.
  /// Every operation of a step is rounded by itself: the real part is (x x - y y) + c_x, the imaginary (x y + x y) +
  /// c_y, the square of the distance x x + y y.
  Escapes escapes;

  /// XXH3-64 of some bytes, with the default secret and seed 0.
  Hash hash;
};

/// The table of a level, or null where this build does not have it.
[[nodiscard]] const Kernels* baseline_kernels();
[[nodiscard]] const Kernels* avx2_kernels();
[[nodiscard]] const Kernels* avx512_kernels();

/// The table of the level in use.
[[nodiscard]] const Kernels& kernels();

/// Makes streaming stores of this thread ordered before its later stores.
void finish_streaming();

}  // namespace windrow::kernel
