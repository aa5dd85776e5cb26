#pragma once

// Roots, signs, roundings and tests of vectors: see lanes.hpp for who may include this. All of them are exact, or
// rounded once.

#include "kernel/sources.hpp"

namespace windrow::kernel {
namespace {

inline Float64 abs(Float64 x) {
  return where_defined(x == x, magnitude(x));
}

/// The minimum stays what it is, as in numpy.
inline Int64 abs(Int64 x) {
  return x < Int64{} ? as_int(Bits{} - bits_of(x)) : x;
}

/// -1, 0 or 1, of -0.0 too; NaN of NaN.
inline Float64 sign(Float64 x) {
  const Float64 of_number = x < Float64{} ? broadcast(-1.0) : Float64{};
  return where_defined(x == x, x > Float64{} ? broadcast(1.0) : of_number);
}

inline Int64 sign(Int64 x) {
  return (x < Int64{}) - (x > Int64{});  // a comparison that holds is -1
}

/// To the nearest whole number, of two to the even one. From 2^52 on all numbers are whole; below, adding 2^52 rounds.
inline Float64 round(Float64 x) {
  const Float64 size = magnitude(x);
  const Float64 limit = broadcast(0x1p52);
  return size < limit ? signed_by((size + limit) - limit, sign_of(x)) : x;
}

/// What the rounded number is too large by is taken away; the sign is kept where 0 remains.
inline Float64 floor(Float64 x) {
  const Float64 rounded = round(x);
  return rounded > x ? rounded - broadcast(1.0) : rounded;
}

inline Float64 ceil(Float64 x) {
  return signed_by(floor(signed_by(x, sign_of(broadcast(-0.0)))), sign_of(broadcast(-0.0)));
}

inline Int64 is_nan(Float64 x) {
  return truth(x != x);
}

inline Int64 is_finite(Float64 x) {
  return truth(magnitude(x) <= broadcast(0x1.fffffffffffffp1023));
}

/// NaN if either is. Of two equal ones (0.0 and -0.0) the second.
struct Minimum {
  static Float64 apply(Float64 a, Float64 b) { return (a < b) | (a != a) ? a : b; }
  static Int64 apply(Int64 a, Int64 b) { return a < b ? a : b; }
};
struct Maximum {
  static Float64 apply(Float64 a, Float64 b) { return (a > b) | (a != a) ? a : b; }
  static Int64 apply(Int64 a, Int64 b) { return a > b ? a : b; }
};

}  // namespace
}  // namespace windrow::kernel
