#pragma once

// Elementary functions of vectors: see lanes.hpp for who may include this. Only additions, multiplications, divisions
// and bit operations, in a fixed order, fused where multiply_add() is written: AVX2 and AVX-512 get the same bits.
// Logarithms, and what random numbers are made of, are never fused: every level and every processor gets the same bits.
//
// docs/accuracy.md has the largest error found of each function. Coefficients are those of the polynomial that equals
// the function at Chebyshev's nodes of its interval, solved in 113 bits and rounded once; the error given for it is
// that of the rounded coefficients.

#include <cstddef>

#include "kernel/lanes.hpp"

namespace windrow::kernel {
namespace {

/// coefficients[0] + coefficients[1] x + ..., by Horner's rule.
template <std::size_t kCount>
inline Float64 polynomial(Float64 x, const double (&coefficients)[kCount]) {
  Float64 sum = broadcast(coefficients[kCount - 1]);
  for (std::size_t k = kCount - 1; k > 0; --k) sum = sum * x + broadcast(coefficients[k - 1]);
  return sum;
}

/// The same polynomial with multiply_add(), as the sum of its even and its odd part: two chains of operations, half as
/// long, that the processor works on at once. `square` is x^2.
template <std::size_t kCount>
inline Float64 polynomial(Float64 x, Float64 square, const double (&coefficients)[kCount]) {
  constexpr std::size_t last_even = (kCount - 1) / 2 * 2;
  constexpr std::size_t last_odd = (kCount - 2) / 2 * 2 + 1;
  Float64 even = broadcast(coefficients[last_even]);
  Float64 odd = broadcast(coefficients[last_odd]);
  for (std::size_t k = last_even; k > 0; k -= 2) even = multiply_add(even, square, broadcast(coefficients[k - 2]));
  for (std::size_t k = last_odd; k > 1; k -= 2) odd = multiply_add(odd, square, broadcast(coefficients[k - 2]));
  return multiply_add(x, odd, even);
}

/// x = 2^exponent (1 + fraction), with 1 + fraction in [sqrt(1/2), sqrt(2)).
struct Split {
  Float64 exponent;
  Float64 fraction;
};

/// Of normal, positive numbers.
inline Split split(Float64 x) {
  constexpr std::uint64_t kRootOfHalf = 0x3fe6a09e667f3bcd;
  constexpr std::uint64_t kExponentOfOne = 0x3ff0000000000000;
  const Bits shifted = bits_of(x) + broadcast(kExponentOfOne - kRootOfHalf);
  const Bits fraction = (shifted & broadcast<std::uint64_t>(0x000fffffffffffff)) + broadcast(kRootOfHalf);
  return {float_of_small(shifted >> 52) - broadcast(1023.0), as_float(fraction) - broadcast(1.0)};
}

/// Of any number; those that are not positive and finite give anything. Subnormal ones are made normal first.
inline Split split_any(Float64 x) {
  const Int64 subnormal = x < broadcast(0x1p-1022);
  const Split parts = split(subnormal ? x * broadcast(0x1p54) : x);
  return {parts.exponent - (subnormal ? broadcast(54.0) : Float64{}), parts.fraction};
}

/// The logarithm of 1 + f is f - (half_square - rest).
/// With s = f / (2 + f) it is 2 atanh(s) = 2 s + s R(s^2), and as 2 s = f - s f that is f - (f^2/2 - s (f^2/2 + R)).
/// R interpolates the series 2 z/3 + 2 z^2/5 + ... at Chebyshev's nodes to 2^-57.
struct LogarithmParts {
  Float64 half_square;
  Float64 rest;
};
inline LogarithmParts logarithm_parts(Float64 f) {
  constexpr double kSeries[] = {0.666666666666667,   0.39999999999899505, 0.28571428625975487, 0.2222221113479508,
                                0.18182889125261723, 0.15331721600556042, 0.14616449685043406};
  const Float64 s = f / (broadcast(2.0) + f);
  const Float64 z = s * s;
  const Float64 half_square = broadcast(0.5) * f * f;
  return {half_square, s * (half_square + z * polynomial(z, kSeries))};
}

/// ln 2 in two parts: an exponent times the first one is exact.
inline constexpr double kLn2High = 0x1.62e42fefa3p-1;
inline constexpr double kLn2Low = 0x1.3de6af278ece6p-42;

/// The natural logarithm of 2^exponent (1 + fraction + small), small being far below the last bit of 1 + fraction.
inline Float64 logarithm(const Split& x, Float64 small = Float64{}) {
  const auto [half_square, rest] = logarithm_parts(x.fraction);
  const Float64 low = rest + (x.exponent * broadcast(kLn2Low) + small);
  return x.exponent * broadcast(kLn2High) - ((half_square - low) - x.fraction);
}

/// Natural logarithm of a normal, positive number. Largest error found in 2e7 points: 0.90 ULP.
inline Float64 logarithm(Float64 x) {
  return logarithm(split(x));
}

/// What a logarithm of x is, where it is not `y`: -inf of 0, inf of inf, and of what is negative or no number none.
inline Float64 logarithm_at_edges(Float64 x, Float64 y) {
  const Float64 infinity = broadcast(__builtin_inf());
  const Float64 finite = x == Float64{} ? -infinity : y;
  return where_defined(x >= Float64{}, x == infinity ? infinity : finite);
}

inline Int64 is_normal_and_positive(Float64 x) {
  return (x >= broadcast(0x1p-1022)) & (x <= broadcast(0x1.fffffffffffffp1023));
}

/// Natural logarithm.
struct Log {
  static Int64 is_usual(Float64 x) { return is_normal_and_positive(x); }
  static Float64 usual(Float64 x) { return logarithm(x); }
  static Float64 any(Float64 x) { return logarithm_at_edges(x, logarithm(split_any(x))); }
};

/// Decimal logarithm: with l = ln(1 + f) it is k log10(2) + l log10(e). Both factors and l are split into two parts,
/// the first ones so short that their products are exact: whole powers of ten have exact logarithms.
struct Log10 {
  static Int64 is_usual(Float64 x) { return is_normal_and_positive(x); }
  static Float64 usual(Float64 x) { return of(split(x)); }
  static Float64 any(Float64 x) { return logarithm_at_edges(x, of(split_any(x))); }

 private:
  static Float64 of(const Split& parts) {
    const auto [half_square, rest] = logarithm_parts(parts.fraction);
    const Bits upper = broadcast<std::uint64_t>(0xffffffff00000000);
    const Float64 high = as_float(bits_of(parts.fraction - half_square) & upper);
    const Float64 low = ((parts.fraction - high) - half_square) + rest;
    const Float64 of_exponent = parts.exponent * broadcast(0x1.34413509f8p-2);
    const Float64 of_high = high * broadcast(0x1.bcb7b18p-2);
    const Float64 sum = of_exponent + of_high;
    const Float64 small = parts.exponent * broadcast(-0x1.80433b83b532ap-44) +
                          (low + high) * broadcast(-0x1.6c8d78e6acaa4p-29) + low * broadcast(0x1.bcb7b18p-2);
    return sum + (((of_exponent - sum) + of_high) + small);
  }
};

/// ln(1 + x). 1 + x is u + c, where u is the rounded sum; then ln(u + c) = ln(u) + c / u. Where u has the exponent 0
/// its fraction is x itself.
inline Float64 log1p(Float64 x) {
  const Float64 one = broadcast(1.0);
  const Float64 u = one + x;
  const Split parts = split(u);
  // The smaller of 1 and x is taken from u last: both differences are exact.
  const Float64 lost = u >= broadcast(2.0) ? one - (u - x) : x - (u - one);
  const Int64 direct = parts.exponent == Float64{};
  const Float64 fraction = direct ? x : parts.fraction;
  const Float64 small = direct ? Float64{} : lost / u;
  const Float64 result = logarithm({parts.exponent, fraction}, small);
  const Int64 tiny = magnitude(x) < broadcast(0x1p-54);
  return logarithm_at_edges(u, tiny ? x : result);
}

inline constexpr double kLogarithm2OfE = 0x1.71547652b82fep+0;

/// x = k ln(2) + rest, with |rest| <= ln(2)/2 and x between -2^10 and 2^10. The low 12 bits of `scale` are k + 2046.
struct PowerOfTwo {
  Float64 exponent;
  Float64 rest;
  Bits scale;
};
inline PowerOfTwo split_exponent(Float64 x) {
  const Float64 to_integer = broadcast(0x1.8p52 + 2046.0);  // the sum's last bit is worth 1
  const Float64 rounded = multiply_add(x, broadcast(kLogarithm2OfE), to_integer);
  const Float64 k = rounded - to_integer;
  const Float64 rest = multiply_add(k, broadcast(-kLn2Low), multiply_add(k, broadcast(-kLn2High), x));
  return {k, rest, bits_of(rounded)};
}

/// 2^k x, in two steps: only the second one can be inexact. The exponents are biased: the halves of k + 2046.
inline Float64 scaled(Float64 x, Bits scale) {
  const Bits half = scale >> 1;
  return x * as_float(half << 52) * as_float((scale - half) << 52);
}

/// 2^k x where both are normal numbers: 2046 has no bit below the exponent's.
inline Float64 scaled_within_normal(Float64 x, Bits scale) {
  return as_float(bits_of(x) + ((scale - broadcast<std::uint64_t>(2046)) << 52));
}

/// e^r - 1 for |r| <= ln(2)/2, r + r^2 R(r): R interpolates at Chebyshev's nodes, to 2^-56.
inline Float64 exponential_less_one(Float64 r) {
  constexpr double kSeries[] = {0.50000000000000011,    0.16666666666666669,    0.041666666666624129,
                                0.0083333333333300615,  0.0013888888917213717,  0.00019841269863053618,
                                2.4801521295954376e-05, 2.7557268459997064e-06, 2.7620088445409746e-07,
                                2.510038549551032e-08};
  const Float64 square = r * r;
  return multiply_add(square, polynomial(r, square, kSeries), r);
}

/// Beyond these e^x is 0 and infinite, half of it too. A NaN stays.
inline Float64 within_exponents(Float64 x) {
  return smaller(broadcast(711.0), larger(broadcast(-746.0), x));
}

struct Exp {
  /// Where the result is normal.
  static Int64 is_usual(Float64 x) { return magnitude(x) <= broadcast(708.0); }
  static Float64 usual(Float64 x) {
    const PowerOfTwo power = split_exponent(x);
    return scaled_within_normal(broadcast(1.0) + exponential_less_one(power.rest), power.scale);
  }
  static Float64 any(Float64 x) {
    const PowerOfTwo power = split_exponent(within_exponents(x));
    return scaled(broadcast(1.0) + exponential_less_one(power.rest), power.scale);
  }
};

/// e^x / 2, which may be finite where e^x is not.
inline Float64 half_exp(Float64 x) {
  const PowerOfTwo power = split_exponent(within_exponents(x));
  const Bits one = broadcast<std::uint64_t>(1);
  return scaled(broadcast(1.0) + exponential_less_one(power.rest), power.scale - one);
}

/// e^x - 1: with x = k ln(2) + r it is 2^k ((e^r - 1) + (1 - 2^-k)).
inline Float64 expm1(Float64 x) {
  // Below it is -1 to the last bit.
  const PowerOfTwo power = split_exponent(within_exponents(larger(broadcast(-50.0), x)));
  const Float64 bounded = smaller(broadcast(1000.0), power.exponent);
  const Bits inverse = (bits_of(broadcast(0x1.8p52 + 1023.0) - bounded)) << 52;
  const Float64 one = broadcast(1.0);
  const Float64 sum = (one - as_float(inverse)) + exponential_less_one(power.rest);
  const Float64 result = scaled(sum, power.scale);
  return x == Float64{} ? x : result;
}

struct SineCosine {
  Float64 sine;
  Float64 cosine;
};

/// Sine and cosine of 2 pi u for 0 <= u < 1, a multiple of 2^-53. Largest error found in 2e7 points: 1.64 ULP.
/// u = q/4 + r with |r| <= 1/8, exactly; polynomials in r interpolate at Chebyshev's nodes to 2^-55.
inline SineCosine sine_cosine_of_turns(Float64 u) {
  constexpr double kSine[] = {-41.341702240399755, 81.6052492760517,    -76.70585973562093,
                              42.05868918088512,   -15.094054182079999, 3.78643334956545};
  constexpr double kCosine[] = {-19.739208802178716, 64.93939402266824, -85.4568172066438,  60.24464135270201,
                                -26.426253275854723, 7.903206911569678, -1.6990343940660637};
  const Float64 to_integer = broadcast(0x1.8p52);  // the sum's last bit is worth 1
  const Float64 rounded = u * broadcast(4.0) + to_integer;
  const Bits quarter = bits_of(rounded);
  const Float64 r = u - (rounded - to_integer) * broadcast(0.25);
  const Float64 square = r * r;
  const Float64 correction = r * (broadcast(2.4492935982947064e-16) + square * polynomial(square, kSine));
  const Float64 sine = r * broadcast(6.283185307179586) + correction;
  const Float64 cosine = broadcast(1.0) + square * polynomial(square, kCosine);

  const Bits one = broadcast<std::uint64_t>(1);
  const Int64 odd = as_int(quarter & one) != Int64{};
  const Bits two = broadcast<std::uint64_t>(2);
  const Bits sine_sign = (quarter & two) << 62;
  const Bits cosine_sign = ((quarter + one) & two) << 62;
  const Float64 first = odd ? cosine : sine;
  const Float64 second = odd ? sine : cosine;
  return {as_float(bits_of(first) ^ sine_sign), as_float(bits_of(second) ^ cosine_sign)};
}

}  // namespace
}  // namespace windrow::kernel
