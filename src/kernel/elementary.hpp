#pragma once

// Elementary functions of vectors: see lanes.hpp for who may include this. Only additions, multiplications, divisions
// and bit operations, in a fixed order and never fused: every level and every processor gets the same bits.

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

/// Natural logarithm of a normal, positive number. Largest error found in 2e7 points: 0.90 ULP.
/// x = 2^k (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)); with s = f / (2 + f) the logarithm of 1 + f is
/// 2 atanh(s) = 2 s + s R(s^2), and as 2 s = f - s f that is f - (f^2/2 - s (f^2/2 + R)). R interpolates the series
/// 2 z/3 + 2 z^2/5 + ... at Chebyshev's nodes to 2^-57. ln 2 is split so that k times its first part is exact.
inline Float64 logarithm(Float64 x) {
  constexpr double kSeries[] = {0.666666666666667,   0.39999999999899505, 0.28571428625975487, 0.2222221113479508,
                                0.18182889125261723, 0.15331721600556042, 0.14616449685043406};
  constexpr std::uint64_t kRootOfHalf = 0x3fe6a09e667f3bcd;
  constexpr std::uint64_t kExponentOfOne = 0x3ff0000000000000;
  const Bits shifted = bits_of(x) + broadcast(kExponentOfOne - kRootOfHalf);
  const Float64 k = float_of_small(shifted >> 52) - broadcast(1023.0);
  const Float64 f =
      as_float((shifted & broadcast<std::uint64_t>(0x000fffffffffffff)) + broadcast(kRootOfHalf)) - broadcast(1.0);
  const Float64 s = f / (broadcast(2.0) + f);
  const Float64 z = s * s;
  const Float64 half_square = broadcast(0.5) * f * f;
  const Float64 rest = s * (half_square + z * polynomial(z, kSeries));
  const Float64 low = rest + k * broadcast(0x1.3de6af278ece6p-42);
  return k * broadcast(0x1.62e42fefa3p-1) - ((half_square - low) - f);
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
