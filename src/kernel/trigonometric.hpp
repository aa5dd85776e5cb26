#pragma once

// Trigonometric functions of vectors and their inverses: see lanes.hpp for who may include this. As in elementary.hpp
// nothing is fused, so that all levels get the same bits.

#include "kernel/elementary.hpp"
#include "kernel/large_angle.hpp"

namespace windrow::kernel {
namespace {

/// |x| = n pi/2 + rest + low with |rest| <= pi/4; quarter is n, in its last two bits.
struct Quarters {
  Float64 rest;
  Float64 low;
  Bits quarter;
};

/// Up to here |n| is below 2^23.
inline constexpr double kLargestSmallAngle = 0x1.6p23;

/// Lanes of large angles. What is not finite gives the NaN that is programs' after its sign has been changed by `sign`.
[[gnu::noinline, gnu::cold]] inline void reduce_large(Float64 size, Bits sign, Quarters& out) {
  const Float64 nan = signed_by(where_defined(Int64{}, size), sign);
  for (int lane = 0; lane < kWidth<double>; ++lane) {
    if (size[lane] <= kLargestSmallAngle) continue;
    const bool is_finite = size[lane] <= 0x1.fffffffffffffp1023;
    const Angle angle = is_finite ? large_angle(size[lane]) : Angle{nan[lane], 0.0, 0};
    out.rest[lane] = angle.rest;
    out.low[lane] = angle.low;
    out.quarter[lane] = angle.quarter;
  }
}

/// Cody and Waite's way: pi/2 is a sum of three numbers of 30 bits and a fourth; n has at most 23 bits, so that the
/// first three products are exact. Where the first two differences cancel they are exact too, so that rounding errors
/// remain small beside the rest, and the low part is the one of the second difference.
inline Quarters quarters(Float64 size, Bits sign) {
  const Float64 to_integer = broadcast(0x1.8p52);  // the sum's last bit is worth 1
  const Float64 rounded = size * broadcast(0x1.45f306dc9c883p-1) + to_integer;
  const Float64 n = rounded - to_integer;
  const Float64 first = size - n * broadcast(0x1.921fb548p+0);
  const Float64 product = n * broadcast(-0x1.de973dc8p-31);
  const Float64 second = first - product;
  const Float64 low = (first - second) - product;
  const Float64 third = second - n * broadcast(-0x1.9d9cceb8p-62);
  Quarters found{third - n * broadcast(-0x1.1fc8f8cbb5bf7p-93), low, bits_of(rounded)};
  if (any(~(size <= broadcast(kLargestSmallAngle)))) [[unlikely]]
    reduce_large(size, sign, found);
  return found;
}

inline Bits last_bit_as_sign(Bits x) {
  return x << 63;
}

// For |r| <= pi/4 and z = r^2: sin r = r + r z S(z) and cos r = 1 + z C(z). S and C interpolate at Chebyshev's nodes,
// to 2^-55 and 2^-60.
inline constexpr double kSineSeries[] = {-0.16666666666666666,
                                         0.008333333333330948,
                                         -0.00019841269836756774,
                                         2.7557316101617874e-06,
                                         -2.5051131650235181e-08,
                                         1.5918115263265974e-10,
                                         0.0};
inline constexpr double kCosineSeries[] = {-0.5,
                                           0.041666666666666664,
                                           -0.0013888888888887398,
                                           2.4801587298764561e-05,
                                           -2.7557317271145144e-07,
                                           2.087614614655861e-09,
                                           -1.1382623647474604e-11};

/// Sine or cosine of rest + low, as the mask says: one polynomial with the coefficients of the lane's function.
inline Float64 sine_or_cosine(const Quarters& angle, Int64 is_cosine) {
  const Float64 r = angle.rest;
  const Float64 z = r * r;
  const Float64 square = z * z;
  const auto coefficient = [is_cosine](int k) {
    return is_cosine ? broadcast(kCosineSeries[k]) : broadcast(kSineSeries[k]);
  };
  const Float64 even = coefficient(0) + square * (coefficient(2) + square * (coefficient(4) + square * coefficient(6)));
  const Float64 odd = coefficient(1) + square * (coefficient(3) + square * coefficient(5));
  const Float64 first = is_cosine ? broadcast(1.0) : r;
  const Float64 low = is_cosine ? Float64{} : angle.low;
  return first + (first * z * (even + z * odd) + low);
}

/// Largest error found: 1.67 ULP.
inline Float64 sin(Float64 x) {
  const Quarters angle = quarters(magnitude(x), sign_of(x));
  const Float64 size = sine_or_cosine(angle, as_int(angle.quarter << 63) < Int64{});
  return signed_by(size, sign_of(x) ^ last_bit_as_sign(angle.quarter >> 1));
}

/// Largest error found: 1.57 ULP.
inline Float64 cos(Float64 x) {
  const Quarters angle = quarters(magnitude(x), Bits{});
  const Float64 size = sine_or_cosine(angle, as_int(angle.quarter << 63) >= Int64{});
  const Bits one = broadcast<std::uint64_t>(1);
  return signed_by(size, last_bit_as_sign((angle.quarter + one) >> 1));
}

/// The quotient of both, of which each lane takes the one it needs: with an odd quarter it is -cos r / sin r.
/// Largest error found: 2.77 ULP.
inline Float64 tan(Float64 x) {
  const Quarters angle = quarters(magnitude(x), sign_of(x));
  const Float64 sine = sine_or_cosine(angle, Int64{});
  const Float64 cosine = sine_or_cosine(angle, ~Int64{}) - angle.rest * angle.low;
  const Int64 odd = as_int(angle.quarter << 63) < Int64{};
  const Float64 size = (odd ? cosine : sine) / (odd ? sine : cosine);
  return signed_by(size, sign_of(x) ^ last_bit_as_sign(angle.quarter));
}

/// The angle of the point (x, y), or of (-x, y) where the mask is set; both of them not negative, not both infinite.
/// With r = y / x up to tan(pi/8) it is a polynomial, r + r^3 R(r^2), that interpolates at Chebyshev's nodes to 2^-57;
/// from tan(3 pi/8) on it is pi/2 + arctan(-x / y), and between pi/4 + arctan((y - x) / (y + x)).
inline Float64 arctan_of_quotient(Float64 y, Float64 x, Int64 from_pi) {
  constexpr double kSeries[] = {-0.33333333333333331,  0.19999999999995516,   -0.14285714284665682,
                                0.11111111015187018,   -0.090909045753064896, 0.076921831253768919,
                                -0.066645105255089362, 0.058581409048663283,  -0.050854078345894844,
                                0.039230447784793093,  -0.019175404711104932};
  constexpr double kPiHigh = 0x1.921fb54442d18p+1;
  constexpr double kPiLow = 0x1.1a62633145c07p-53;
  const Int64 steep = y > x * broadcast(0x1.3504f333f9de6p+1);
  const Int64 middle = ~steep & (y > x * broadcast(0x1.a827999fcef32p-2));
  const Float64 r = (steep ? -x : middle ? y - x : y) / (steep ? y : middle ? y + x : x);
  // The angle is share pi + arctan(r), or pi less that.
  const Float64 share = steep ? broadcast(0.5) : middle ? broadcast(0.25) : Float64{};
  const Float64 whole = from_pi ? broadcast(1.0) - share : share;
  const Float64 signed_r = from_pi ? -r : r;
  const Float64 z = r * r;
  const Float64 rest = signed_r * z * polynomial(z, z * z, kSeries) + whole * broadcast(kPiLow);
  return whole * broadcast(kPiHigh) + (signed_r + rest);
}

/// Largest error found: 1.66 ULP.
inline Float64 arctan(Float64 x) {
  return where_defined(x == x, signed_by(arctan_of_quotient(magnitude(x), broadcast(1.0), Int64{}), sign_of(x)));
}

/// The angle of the point (x, y). Huge and tiny numbers are scaled, so that sums are finite and quotients exact.
/// Largest error found in 2e4 points: 1.37 ULP.
struct Arctan2 {
  static Float64 apply(Float64 y, Float64 x) {
    const Float64 zero{};
    const Float64 one = broadcast(1.0);
    const Float64 infinity = broadcast(__builtin_inf());
    Float64 a = magnitude(y);
    Float64 b = magnitude(x);
    const Int64 both_infinite = (a == infinity) & (b == infinity);
    a = both_infinite ? one : a;
    b = both_infinite | ((a == zero) & (b == zero)) ? one : b;
    const Float64 larger = a > b ? a : b;
    const Float64 up = larger < broadcast(0x1p-900) ? broadcast(0x1p100) : one;
    const Float64 factor = larger > broadcast(0x1p1000) ? broadcast(0x1p-100) : up;
    const Float64 size = arctan_of_quotient(a * factor, b * factor, as_int(sign_of(x)) < Int64{});
    return where_defined((x == x) & (y == y), signed_by(size, sign_of(y)));
  }
};

/// The arc sine of x, 0 <= x <= 1/2: x + x^3 R(x^2), which interpolates at Chebyshev's nodes to 2^-57. Here x^2 is
/// known better than from x.
inline Float64 arcsin_of_small(Float64 x, Float64 square) {
  constexpr double kSeries[] = {
      0.16666666666666669,  0.074999999999984246,  0.04464285714637338,  0.030381944137085216, 0.022372173002005596,
      0.017352391265909227, 0.013971235301124539,  0.011478952690257387, 0.010324318288744113, 0.0054508781877205502,
      0.017419357964884856, -0.014881409392818066, 0.02877844261259304};
  return x + x * square * polynomial(square, square * square, kSeries);
}

inline constexpr double kHalfPiHigh = 0x1.921fb54442d18p+0;
inline constexpr double kHalfPiLow = 0x1.1a62633145c07p-54;

/// From 1/2 on pi/2 - 2 arcsin(sqrt((1 - x) / 2)).
/// Largest error found: 2.17 ULP.
inline Float64 arcsin(Float64 x) {
  const Float64 size = magnitude(x);
  const Int64 large = size > broadcast(0.5);
  const Float64 half = (broadcast(1.0) - size) * broadcast(0.5);
  const Float64 square = large ? half : size * size;
  const Float64 part = arcsin_of_small(large ? square_root(half) : size, square);
  const Float64 result = large ? broadcast(kHalfPiHigh) - (part + part - broadcast(kHalfPiLow)) : part;
  return where_defined(size <= broadcast(1.0), signed_by(result, sign_of(x)));
}

/// pi/2 - arcsin(x); beyond 1/2 as twice an arc sine, which loses nothing near 1.
/// Largest error found: 1.10 ULP.
inline Float64 arccos(Float64 x) {
  const Float64 size = magnitude(x);
  const Int64 large = size > broadcast(0.5);
  const Float64 half = (broadcast(1.0) - size) * broadcast(0.5);
  const Float64 square = large ? half : size * size;
  const Float64 part = arcsin_of_small(large ? square_root(half) : size, square);
  const Float64 twice = part + part;
  const Float64 of_small = broadcast(kHalfPiHigh) - (signed_by(part, sign_of(x)) - broadcast(kHalfPiLow));
  const Float64 of_negative = broadcast(2.0 * kHalfPiHigh) - (twice - broadcast(2.0 * kHalfPiLow));
  const Float64 of_large = x < Float64{} ? of_negative : twice;
  return where_defined(size <= broadcast(1.0), large ? of_large : of_small);
}

/// sqrt(a^2 + b^2), scaled by powers of two so that no square overflows or loses bits. Infinite if either is.
/// Largest error found in 2e4 points: 1.09 ULP.
struct Hypot {
  static Float64 apply(Float64 a, Float64 b) {
    const Float64 infinity = broadcast(__builtin_inf());
    const Float64 x = magnitude(a);
    const Float64 y = magnitude(b);
    const Float64 larger = x > y ? x : y;
    const Int64 huge = larger > broadcast(0x1p500);
    const Int64 tiny = larger < broadcast(0x1p-450);
    const Float64 factor = huge ? broadcast(0x1p-600) : tiny ? broadcast(0x1p600) : broadcast(1.0);
    const Float64 back = huge ? broadcast(0x1p600) : tiny ? broadcast(0x1p-600) : broadcast(1.0);
    const Float64 scaled_x = x * factor;
    const Float64 scaled_y = y * factor;
    const Float64 root = square_root(scaled_x * scaled_x + scaled_y * scaled_y) * back;
    const Float64 of_numbers = where_defined((a == a) & (b == b), root);
    return (x == infinity) | (y == infinity) ? infinity : of_numbers;
  }
};

}  // namespace
}  // namespace windrow::kernel
