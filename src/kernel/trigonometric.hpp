#pragma once

// Trigonometric functions of vectors and their inverses: see lanes.hpp for who may include this.

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

inline Int64 is_small_angle(Float64 size) {
  return size <= broadcast(kLargestSmallAngle);
}

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

/// x - n parts[0] - n parts[1] - ...
template <std::size_t kCount>
inline Float64 less_multiples(Float64 x, Float64 n, const double (&parts)[kCount]) {
#pragma GCC unroll 4
  for (const double part : parts) x = multiply_add(n, broadcast(-part), x);
  return x;
}

/// x - n pi, by Cody and Waite's way: pi is a sum of numbers. All products but the last one must be exact. A fused one
/// is; others are where n has at most 23 bits and the parts 30. Where differences cancel they are exact too.
inline Float64 less_multiples_of_pi(Float64 x, Float64 n) {
  if constexpr (kFuses) {
    return less_multiples(x, n, {0x1.921fb54442d18p+1, 0x1.1a62633145c07p-53, -0x1.f1976b7ed8fbcp-109});
  } else {
    return less_multiples(x, n, {0x1.921fb548p+1, -0x1.de973dc8p-30, -0x1.9d9cceb8p-61, -0x1.1fc8f8cbb5bf7p-92});
  }
}

/// Multiples of pi/2 less, with the low part: what the rounding of the second difference has taken.
inline Quarters quarters(Float64 size, Bits sign) {
  const Float64 to_integer = broadcast(0x1.8p52);  // the sum's last bit is worth 1
  const Float64 rounded = multiply_add(size, broadcast(0x1.45f306dc9c883p-1), to_integer);
  const Float64 n = rounded - to_integer;
  const Float64 first = multiply_add(n, broadcast(-0x1.921fb548p+0), size);
  const Float64 product = n * broadcast(-0x1.de973dc8p-31);
  const Float64 second = first - product;
  const Float64 low = (first - second) - product;
  const Float64 third = multiply_add(n, broadcast(0x1.9d9cceb8p-62), second);
  Quarters found{multiply_add(n, broadcast(0x1.1fc8f8cbb5bf7p-93), third), low, bits_of(rounded)};
  if (any(~is_small_angle(size))) [[unlikely]]
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
  const Float64 even_end = multiply_add(coefficient(6), square, coefficient(4));
  const Float64 even = multiply_add(multiply_add(even_end, square, coefficient(2)), square, coefficient(0));
  const Float64 odd = multiply_add(multiply_add(coefficient(5), square, coefficient(3)), square, coefficient(1));
  const Float64 first = is_cosine ? broadcast(1.0) : r;
  const Float64 low = is_cosine ? Float64{} : angle.low;
  return first + multiply_add(first * z, multiply_add(z, odd, even), low);
}

/// The sine of |r| <= pi/2 as r + r z S(z) with z = r^2. S interpolates at Chebyshev's nodes, to 2^-54. Where it is 1
/// rounding errors may make it larger.
inline Float64 sine_of_half_turn(Float64 r) {
  constexpr double kSeries[] = {-0.16666666666666666,   0.008333333333333316,    -0.00019841269841254974,
                                2.7557319219163234e-06, -2.5052107616996182e-08, 1.6058977312464087e-10,
                                -7.643970296798572e-13, 2.7314447669863995e-15};
  const Float64 z = r * r;
  const Float64 sine = multiply_add(r * z, polynomial(z, z * z, kSeries), r);
  return smaller(broadcast(1.0), larger(broadcast(-1.0), sine));
}

/// |x| = n pi + r with |r| <= pi/2 has the sine of r, with the sign changed where n is odd.
struct Sin {
  static Int64 is_usual(Float64 x) { return is_small_angle(magnitude(x)); }
  static Float64 usual(Float64 x) {
    const Float64 size = magnitude(x);
    const Float64 to_integer = broadcast(0x1.8p52);  // the sum's last bit is worth 1
    const Float64 rounded = multiply_add(size, broadcast(0x1.45f306dc9c883p-2), to_integer);
    const Float64 sine = sine_of_half_turn(less_multiples_of_pi(size, rounded - to_integer));
    return signed_by(sine, sign_of(x) ^ last_bit_as_sign(bits_of(rounded)));
  }
  static Float64 any(Float64 x) {
    const Quarters angle = quarters(magnitude(x), sign_of(x));
    const Float64 size = sine_or_cosine(angle, as_int(angle.quarter << 63) < Int64{});
    const Float64 of_large = signed_by(size, sign_of(x) ^ last_bit_as_sign(angle.quarter >> 1));
    return is_usual(x) ? usual(x) : of_large;
  }
};

/// |x| = (n - 1/2) pi + r with |r| <= pi/2 has the sine of r as its cosine, with the sign changed where n is odd.
struct Cos {
  static Int64 is_usual(Float64 x) { return is_small_angle(magnitude(x)); }
  static Float64 usual(Float64 x) {
    const Float64 size = magnitude(x);
    const Float64 half = broadcast(0.5);
    const Float64 to_integer = broadcast(0x1.8p52);  // the sum's last bit is worth 1
    const Float64 rounded = multiply_add(size, broadcast(0x1.45f306dc9c883p-2), half) + to_integer;
    const Float64 sine = sine_of_half_turn(less_multiples_of_pi(size, (rounded - to_integer) - half));
    return signed_by(sine, last_bit_as_sign(bits_of(rounded)));
  }
  static Float64 any(Float64 x) {
    const Quarters angle = quarters(magnitude(x), Bits{});
    const Float64 size = sine_or_cosine(angle, as_int(angle.quarter << 63) >= Int64{});
    const Bits one = broadcast<std::uint64_t>(1);
    const Float64 of_large = signed_by(size, last_bit_as_sign((angle.quarter + one) >> 1));
    return is_usual(x) ? usual(x) : of_large;
  }
};

/// The quotient of both, of which each lane takes the one it needs: with an odd quarter it is -cos r / sin r.
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

inline Float64 arctan(Float64 x) {
  return where_defined(x == x, signed_by(arctan_of_quotient(magnitude(x), broadcast(1.0), Int64{}), sign_of(x)));
}

/// The angle of the point (x, y). Huge and tiny numbers are scaled, so that sums are finite and quotients exact.
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
