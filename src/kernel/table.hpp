#pragma once

// The table of kernels.hpp at one width: see lanes.hpp for who may include this.

#include "kernel/arithmetic.hpp"
#include "kernel/conversions.hpp"
#include "kernel/escapes.hpp"
#include "kernel/fold.hpp"
#include "kernel/hash.hpp"
#include "kernel/hyperbolic.hpp"
#include "kernel/kernels.hpp"
#include "kernel/philox.hpp"
#include "kernel/simple.hpp"
#include "kernel/sources.hpp"
#include "kernel/trigonometric.hpp"
#include "kernel/unary.hpp"

namespace windrow::kernel {
namespace {

template <typename Op>
inline constexpr bool kIsLong = __is_same(Op, Arctan2) || __is_same(Op, Hypot);

template <typename Op, typename T, typename Result, typename A, typename B>
bool binary(const void* a, const void* b, void* out, std::int64_t count, Store how) {
  const Apply<Op, A, B> all{A(a), B(b)};
  Watch watch;
  const Watched<Apply<Op, A, B>> source{all, watch};
  if constexpr (kIsLong<Op>) {
    store_each<Result>(source, out, count, how);
  } else {
    store_all<Result>(source, out, count, how);
  }
  return watch.all_finite();
}

template <typename A, typename B>
void select(const void* condition, const void* a, const void* b, void* out, std::int64_t count, Store how) {
  store_all<std::uint64_t>(Choose<A, B>{Lanes<std::int64_t>(condition), A(a), B(b)}, out, count, how);
}

template <typename Element, typename T, template <typename> typename Conversion>
bool convert(const void* lanes, void* out, std::int64_t count, Store how) {
  const Conversion<Lanes<T>> converted{Lanes<T>(lanes)};
  Watch watch;
  store_all<Element>(Watched<Conversion<Lanes<T>>>{converted, watch}, out, count, how);
  return watch.all_finite();
}

/// No conversion.
template <typename A>
struct AsItIs : A {};

inline void fill_1_byte(const void* element, void* out, std::int64_t count, Store) {
  __builtin_memset(out, *static_cast<const std::uint8_t*>(element), static_cast<std::uint64_t>(count));
}

inline void int8_ramp(std::int64_t base, std::int64_t step, void* out, std::int64_t count, Store) {
  auto* const to = static_cast<std::uint8_t*>(out);
  for (std::int64_t n = 0; n < count; ++n)
    to[n] = static_cast<std::uint8_t>(static_cast<std::uint64_t>(base) + static_cast<std::uint64_t>(step * n));
}

template <typename T>
void fill(const void* element, void* out, std::int64_t count, Store how) {
  store_all<T>(Scalar<T>(element), out, count, how);
}

template <typename Element, template <typename> typename Conversion>
void ramp(std::int64_t base, std::int64_t step, void* out, std::int64_t count, Store how) {
  store_all<Element>(Conversion<RampSource>{RampSource(base, step)}, out, count, how);
}

inline bool is_small(std::int64_t x) {
  constexpr std::int64_t limit = std::int64_t{1} << 51;
  return -limit <= x && x <= limit;
}

/// Whether every element of the ramp can take the short way to float64.
inline bool is_small_ramp(std::int64_t base, std::int64_t step, std::int64_t count) {
  std::int64_t last = 0;
  return is_small(base) && !__builtin_mul_overflow(step, count - 1, &last) &&
         !__builtin_add_overflow(last, base, &last) && is_small(last);
}

template <typename A>
using SmallToFloat32 = RoundToFloat32<FloatOfSmall<A>>;
template <typename A>
using IntToFloat32 = RoundToFloat32<FloatOfInt<A>>;

template <typename Element, template <typename> typename Small, template <typename> typename Any>
void float_ramp(std::int64_t base, std::int64_t step, void* out, std::int64_t count, Store how) {
  if (is_small_ramp(base, step, count)) {
    ramp<Element, Small>(base, step, out, count, how);
  } else {
    ramp<Element, Any>(base, step, out, count, how);
  }
}

/// Element n lies floor((column + n) / columns) rows further. The quotient is taken half an element late, so that it is
/// 1/(2 columns) away from any whole number, far more than the rounding errors below 2^31. Adding 1.5 2^52, whose last
/// bit is worth 1, rounds to the nearest; half a row less makes that the floor.
inline void positions(std::int64_t row, std::int64_t column, std::int64_t columns, void* rows_out, void* columns_out,
                      std::int64_t count) {
  const Float64 reciprocal = broadcast(1.0 / static_cast<double>(columns));
  const Bits first_row = broadcast(static_cast<std::uint64_t>(row));
  const Bits row_length = broadcast(static_cast<std::uint64_t>(columns));
  const RampSource elements(column, 1);
  for (std::int64_t n = 0; n < count; n += kWidth<std::uint64_t>) {
    const Bits element = elements(n);
    const Float64 quotient = (float_of_small(element) + broadcast(0.5)) * reciprocal;
    const Float64 rounded = (quotient - broadcast(0.5)) + broadcast(0x1.8p52);
    const Bits down = bits_of(rounded) - broadcast<std::uint64_t>(0x4338000000000000);
    store(static_cast<std::uint64_t*>(rows_out) + n, first_row + down);
    store(static_cast<std::uint64_t*>(columns_out) + n, element - multiply_low_halves(down, row_length));
  }
}

template <typename Op, typename T, typename Result>
inline constexpr Kernels::Binary kForms_of[] = {binary<Op, T, Result, Lanes<T>, Lanes<T>>,
                                                binary<Op, T, Result, Lanes<T>, Scalar<T>>,
                                                binary<Op, T, Result, Scalar<T>, Lanes<T>>};

struct BinaryEntry {
  Operation operation;
  const Kernels::Binary* forms;
};

template <typename Op>
inline constexpr const Kernels::Binary* kOnFloats = kForms_of<Op, double, double>;
template <typename Op>
inline constexpr const Kernels::Binary* kOnInts = kForms_of<Op, std::uint64_t, std::uint64_t>;
template <typename Op>
inline constexpr const Kernels::Binary* kOnSignedInts = kForms_of<Op, std::int64_t, std::int64_t>;
template <typename Op>
inline constexpr const Kernels::Binary* kComparesFloats = kForms_of<Op, double, std::int64_t>;

inline constexpr BinaryEntry kBinaryEntries[] = {
    {Operation::add_float64, kOnFloats<Add>},
    {Operation::subtract_float64, kOnFloats<Subtract>},
    {Operation::multiply_float64, kOnFloats<Multiply>},
    {Operation::divide_float64, kOnFloats<Divide>},
    {Operation::modulo_float64, kOnFloats<Modulo>},
    {Operation::power_float64, kOnFloats<Power>},
    {Operation::less_float64, kComparesFloats<Less>},
    {Operation::less_equal_float64, kComparesFloats<LessEqual>},
    {Operation::equal_float64, kComparesFloats<Equal>},
    {Operation::not_equal_float64, kComparesFloats<NotEqual>},
    {Operation::add_int64, kOnInts<Add>},
    {Operation::subtract_int64, kOnInts<Subtract>},
    {Operation::multiply_int64, kOnInts<Multiply>},
    {Operation::modulo_int64, kOnSignedInts<Modulo>},
    {Operation::power_int64, kOnSignedInts<Power>},
    {Operation::less_int64, kOnSignedInts<Less>},
    {Operation::less_equal_int64, kOnSignedInts<LessEqual>},
    {Operation::equal_int64, kOnSignedInts<Equal>},
    {Operation::not_equal_int64, kOnSignedInts<NotEqual>},
    {Operation::minimum_float64, kOnFloats<Minimum>},
    {Operation::maximum_float64, kOnFloats<Maximum>},
    {Operation::minimum_int64, kOnSignedInts<Minimum>},
    {Operation::maximum_int64, kOnSignedInts<Maximum>},
    {Operation::arctan2_float64, kOnFloats<Arctan2>},
    {Operation::hypot_float64, kOnFloats<Hypot>},
    {Operation::floor_divide_float64, kOnFloats<FloorDivide>},
    {Operation::floor_divide_int64, kOnSignedInts<FloorDivide>},
    {Operation::bit_and, kOnInts<BitAnd>},
    {Operation::bit_or, kOnInts<BitOr>},
    {Operation::bit_xor, kOnInts<BitXor>},
    {Operation::shift_left, kOnSignedInts<ShiftLeft>},
    {Operation::shift_right, kOnSignedInts<ShiftRight>},
};
static_assert(sizeof kBinaryEntries / sizeof kBinaryEntries[0] == kOperations);

struct UnaryEntry {
  Function function;
  Kernels::Unary kernel;
};

inline constexpr UnaryEntry kUnaryEntries[] = {
    {Function::exp, unary<Exp, double>},
    {Function::expm1, unary<Only<expm1>, double>},
    {Function::log, unary<Log, double>},
    {Function::log10, unary<Log10, double>},
    {Function::log1p, unary<Only<log1p>, double>},
    {Function::sin, unary<Sin, double>},
    {Function::cos, unary<Cos, double>},
    {Function::tan, unary<Only<tan>, double>},
    {Function::arcsin, unary<Only<arcsin>, double>},
    {Function::arccos, unary<Only<arccos>, double>},
    {Function::arctan, unary<Only<arctan>, double>},
    {Function::sinh, unary<Only<sinh>, double>},
    {Function::cosh, unary<Only<cosh>, double>},
    {Function::tanh, unary<Only<tanh>, double>},
    {Function::arcsinh, unary<Only<arcsinh>, double>},
    {Function::arccosh, unary<Only<arccosh>, double>},
    {Function::arctanh, unary<Only<arctanh>, double>},
    {Function::sqrt, unary<Only<square_root>, double>},
    {Function::floor, unary<Only<floor>, double>},
    {Function::ceil, unary<Only<ceil>, double>},
    {Function::round, unary<Only<round>, double>},
    {Function::abs, unary<Only<static_cast<Float64 (*)(Float64)>(abs)>, double>},
    {Function::sign, unary<Only<static_cast<Float64 (*)(Float64)>(sign)>, double>},
    {Function::is_nan, unary<Only<is_nan>, double>},
    {Function::is_finite, unary<Only<is_finite>, double>},
    {Function::abs_int64, unary<Only<static_cast<Int64 (*)(Int64)>(abs)>, std::int64_t>},
    {Function::sign_int64, unary<Only<static_cast<Int64 (*)(Int64)>(sign)>, std::int64_t>},
};
static_assert(sizeof kUnaryEntries / sizeof kUnaryEntries[0] == kFunctions);

constexpr Kernels make_table() {
  Kernels table{};
  for (const UnaryEntry& entry : kUnaryEntries) table.unary[static_cast<int>(entry.function)] = entry.kernel;
  for (const BinaryEntry& entry : kBinaryEntries)
    for (int form = 0; form < 3; ++form) table.binary[static_cast<int>(entry.operation)][form] = entry.forms[form];

  using FromLanes = Lanes<std::uint64_t>;
  using FromScalar = Scalar<std::uint64_t>;
  table.select[static_cast<int>(Form::lanes_lanes)] = select<FromLanes, FromLanes>;
  table.select[static_cast<int>(Form::lanes_scalar)] = select<FromLanes, FromScalar>;
  table.select[static_cast<int>(Form::scalar_lanes)] = select<FromScalar, FromLanes>;
  table.select[static_cast<int>(Form::scalar_scalar)] = select<FromScalar, FromScalar>;

  constexpr auto float64 = static_cast<int>(ElementType::float64);
  constexpr auto float32 = static_cast<int>(ElementType::float32);
  constexpr auto int64 = static_cast<int>(ElementType::int64);
  constexpr auto int32 = static_cast<int>(ElementType::int32);
  constexpr auto int8 = static_cast<int>(ElementType::int8);
  table.round_to_float32 = unary<Only<nearest_float32>, double>;
  table.wrap_to_int32 = unary<Only<low_int32>, std::int64_t>;
  table.from_float64[int8] = to_int8;
  table.from_int64[int8] = to_int8;
  table.to_lanes[float64] = widen<double, double>;
  table.to_lanes[float32] = widen<float, double>;
  table.to_lanes[int64] = widen<std::int64_t, std::int64_t>;
  table.to_lanes[int32] = widen<std::int32_t, std::int64_t>;
  table.to_lanes[int8] = widen<std::uint8_t, std::int64_t>;
  table.from_float64[float64] = convert<double, double, AsItIs>;
  table.from_float64[float32] = convert<float, double, RoundToFloat32>;
  table.from_float64[int64] = convert<std::int64_t, double, TruncateToInt64>;
  table.from_float64[int32] = convert<std::int32_t, double, TruncateToInt32>;
  table.from_int64[float64] = convert<double, std::uint64_t, FloatOfInt>;
  table.from_int64[float32] = convert<float, std::uint64_t, IntToFloat32>;
  table.from_int64[int64] = convert<std::int64_t, std::int64_t, AsItIs>;
  table.from_int64[int32] = convert<std::int32_t, std::uint64_t, LowHalves>;
  table.ramp[float64] = float_ramp<double, FloatOfSmall, FloatOfInt>;
  table.ramp[float32] = float_ramp<float, SmallToFloat32, IntToFloat32>;
  table.ramp[int64] = ramp<std::int64_t, AsInt>;
  table.ramp[int32] = ramp<std::int32_t, LowHalves>;
  table.ramp[int8] = int8_ramp;
  table.fill_1_byte = fill_1_byte;
  table.fill_4_bytes = fill<std::int32_t>;
  table.fill_8_bytes = fill<std::int64_t>;

  table.sum = sum_of_lanes;
  table.product = product_of_lanes;
  table.deviation = deviation_of_lanes;
  table.minimum = minimum_of_lanes;
  table.maximum = maximum_of_lanes;
  table.sum_int64 = sum_of_ints;
  table.product_int64 = product_of_ints;
  table.minimum_int64 = minimum_of_ints;
  table.maximum_int64 = maximum_of_ints;

  table.not_finite_float64 = not_finite<double>;
  table.not_finite_float32 = not_finite<float>;

  table.positions = positions;
  table.draws[static_cast<int>(Distribution::bits)] = draws<Distribution::bits>;
  table.draws[static_cast<int>(Distribution::uniform)] = draws<Distribution::uniform>;
  table.draws[static_cast<int>(Distribution::normal)] = draws<Distribution::normal>;
  table.draws_at[static_cast<int>(Distribution::bits)] = draws_at<Distribution::bits>;
  table.draws_at[static_cast<int>(Distribution::uniform)] = draws_at<Distribution::uniform>;
  table.draws_at[static_cast<int>(Distribution::normal)] = draws_at<Distribution::normal>;
  table.escapes = escapes;
  table.hash = hash;
  return table;
}

/// Made by the compiler: nothing of a level runs before it is chosen.
constexpr Kernels kTable = make_table();

}  // namespace
}  // namespace windrow::kernel
