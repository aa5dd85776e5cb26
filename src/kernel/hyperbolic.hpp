#pragma once

// Hyperbolic functions of vectors and their inverses: see lanes.hpp for who may include this.

#include "kernel/elementary.hpp"

namespace windrow::kernel {
namespace {

/// Up to 1 the odd polynomial x + x^3 R(x^2), which interpolates at Chebyshev's nodes to 2^-56; beyond, e^x/2 - e^-x/2,
/// where the second part is small enough beside the first.
inline Float64 sinh(Float64 x) {
  constexpr double kSeries[] = {0.16666666666666666,    0.0083333333333332985,  0.00019841269841324198,
                                2.7557319191381816e-06, 2.5052117695907823e-08, 1.6057679623801638e-10,
                                7.7461785930188273e-13};
  const Float64 size = magnitude(x);
  const Float64 square = size * size;
  const Float64 small = size + size * square * polynomial(square, square * square, kSeries);
  const Float64 half_power = half_exp(size);
  const Float64 large = half_power - broadcast(0.25) / half_power;
  return where_defined(x == x, signed_by(size < broadcast(1.0) ? small : large, sign_of(x)));
}

inline Float64 cosh(Float64 x) {
  const Float64 half_power = half_exp(magnitude(x));
  return where_defined(x == x, half_power + broadcast(0.25) / half_power);
}

/// With t = e^2|x| - 1 it is t / (t + 2), and with 2|x| = k ln(2) + r that is t = 2^k (e^r - 1) + (2^k - 1). From 22 on
/// it is 1 to the last bit.
inline Float64 tanh(Float64 x) {
  const Float64 size = smaller(broadcast(22.0), magnitude(x));
  const PowerOfTwo power = split_exponent(size + size);
  const Float64 scale = as_float((power.scale - broadcast<std::uint64_t>(1023)) << 52);
  const Float64 t = multiply_add(scale, exponential_less_one(power.rest), scale - broadcast(1.0));
  return where_defined(x == x, signed_by(t / (t + broadcast(2.0)), sign_of(x)));
}

/// ln(2 x) for large x, whose doubles and squares may be none.
inline Float64 logarithm_of_double(Float64 x) {
  const Split parts = split(x);
  return logarithm({parts.exponent + broadcast(1.0), parts.fraction});
}

/// sgn(x) ln(|x| + sqrt(x^2 + 1)), and that is ln(1 + (|x| + x^2 / (1 + sqrt(x^2 + 1)))); of large x ln(2 x).
inline Float64 arcsinh(Float64 x) {
  const Float64 one = broadcast(1.0);
  const Float64 size = magnitude(x);
  const Int64 large = size > broadcast(0x1p28);
  const Float64 square = size * size;
  const Float64 small = log1p(large ? one : size + square / (one + square_root(square + one)));
  const Float64 result = logarithm_at_edges(size + one, large ? logarithm_of_double(size) : small);
  return where_defined(x == x, signed_by(result, sign_of(x)));
}

/// ln(x + sqrt(x^2 - 1)), and with t = x - 1 that is ln(1 + (t + sqrt(2 t + t^2))); of large x ln(2 x).
inline Float64 arccosh(Float64 x) {
  const Float64 one = broadcast(1.0);
  const Int64 large = x > broadcast(0x1p28);
  const Float64 t = large ? one : x - one;
  const Float64 small = log1p(t + square_root(t + t + t * t));
  const Float64 result = logarithm_at_edges(x, large ? logarithm_of_double(x) : small);
  return where_defined(x >= one, result);
}

/// ln((1 + x) / (1 - x)) / 2, and that is sgn(x) ln(1 + 2 |x| / (1 - |x|)) / 2.
inline Float64 arctanh(Float64 x) {
  const Float64 one = broadcast(1.0);
  const Float64 size = magnitude(x);
  const Float64 result = broadcast(0.5) * log1p((size + size) / (one - size));
  // Of numbers whose half is subnormal the last bit would be lost.
  return where_defined(size <= one, signed_by(size < broadcast(0x1p-30) ? size : result, sign_of(x)));
}

}  // namespace
}  // namespace windrow::kernel
