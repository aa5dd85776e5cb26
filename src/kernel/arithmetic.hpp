#pragma once

// Operations on vectors: see lanes.hpp for who may include this.

#include "kernel/sources.hpp"

namespace windrow::kernel {
namespace {

struct Add {
  template <typename V>
  static V apply(V a, V b) {
    return a + b;
  }
};
struct Subtract {
  template <typename V>
  static V apply(V a, V b) {
    return a - b;
  }
};
struct Multiply {
  template <typename V>
  static V apply(V a, V b) {
    return a * b;
  }
};
struct Divide {
  template <typename V>
  static V apply(V a, V b) {
    return a / b;
  }
};
struct Less {
  template <typename V>
  static Int64 apply(V a, V b) {
    return truth(a < b);
  }
};
struct LessEqual {
  template <typename V>
  static Int64 apply(V a, V b) {
    return truth(a <= b);
  }
};
struct Equal {
  template <typename V>
  static Int64 apply(V a, V b) {
    return truth(a == b);
  }
};
struct NotEqual {
  template <typename V>
  static Int64 apply(V a, V b) {
    return truth(a != b);
  }
};

/// numpy's: fmod, moved by the divisor where the signs differ; a zero has the divisor's sign.
inline double modulo(double a, double b) {
  const double rest = __builtin_fmod(a, b);
  if (b == 0.0 || rest != rest) return rest;
  if (rest == 0.0) return __builtin_copysign(0.0, b);
  return (rest < 0.0) == (b < 0.0) ? rest : rest + b;
}

/// The processor traps on a divisor of 0 and on the minimum divided by -1.
inline std::int64_t modulo(std::int64_t a, std::int64_t b) {
  if (b == 0 || b == -1) return 0;
  const std::int64_t rest = a % b;
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

struct Modulo {
  static Float64 apply(Float64 a, Float64 b) {
    for (int lane = 0; lane < kWidth<double>; ++lane) a[lane] = modulo(a[lane], b[lane]);
    return a;
  }
  static Int64 apply(Int64 a, Int64 b) {
    for (int lane = 0; lane < kWidth<std::int64_t>; ++lane) a[lane] = modulo(a[lane], b[lane]);
    return a;
  }
};

/// numpy's: the difference to C's remainder, divided, is nearly whole, and one less where the signs of remainder and
/// divisor differ; what it is off by more than half is put right. A quotient that is 0 has the sign of a / b.
inline double floor_divide(double a, double b) {
  if (b == 0.0) return a / b;
  const double rest = __builtin_fmod(a, b);
  double quotient = (a - rest) / b;
  if (rest != 0.0 && (rest < 0.0) != (b < 0.0)) quotient -= 1.0;
  if (quotient == 0.0) return __builtin_copysign(0.0, a / b);
  const double whole = __builtin_floor(quotient);
  return quotient - whole > 0.5 ? whole + 1.0 : whole;
}

/// The minimum divided by -1 wraps.
inline std::int64_t floor_divide(std::int64_t a, std::int64_t b) {
  if (b == 0) return 0;
  if (b == -1) return static_cast<std::int64_t>(0 - static_cast<std::uint64_t>(a));
  const std::int64_t quotient = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

struct FloorDivide {
  static Float64 apply(Float64 a, Float64 b) {
    for (int lane = 0; lane < kWidth<double>; ++lane) a[lane] = floor_divide(a[lane], b[lane]);
    return a;
  }
  static Int64 apply(Int64 a, Int64 b) {
    for (int lane = 0; lane < kWidth<std::int64_t>; ++lane) a[lane] = floor_divide(a[lane], b[lane]);
    return a;
  }
};

struct BitAnd {
  static Bits apply(Bits a, Bits b) { return a & b; }
};
struct BitOr {
  static Bits apply(Bits a, Bits b) { return a | b; }
};
struct BitXor {
  static Bits apply(Bits a, Bits b) { return a ^ b; }
};
struct ShiftLeft {
  static Int64 apply(Int64 a, Int64 b) {
    for (int lane = 0; lane < kWidth<std::int64_t>; ++lane) {
      const auto count = static_cast<std::uint64_t>(b[lane]);
      a[lane] = count < 64 ? static_cast<std::int64_t>(static_cast<std::uint64_t>(a[lane]) << count) : 0;
    }
    return a;
  }
};
struct ShiftRight {
  static Int64 apply(Int64 a, Int64 b) {
    for (int lane = 0; lane < kWidth<std::int64_t>; ++lane) {
      const auto count = static_cast<std::uint64_t>(b[lane]);
      a[lane] >>= count < 63 ? count : 63;
    }
    return a;
  }
};

/// In wrapping arithmetic; with a negative exponent the quotient 1 / base^-exponent without its fraction, and 0 of 0.
inline std::int64_t power(std::int64_t base, std::int64_t exponent) {
  if (exponent < 0) {
    if (base == 1) return 1;
    return base == -1 ? 1 - 2 * (exponent & 1) : 0;
  }
  std::uint64_t product = 1;
  for (auto square = static_cast<std::uint64_t>(base); exponent > 0; square *= square, exponent /= 2)
    if (exponent % 2 == 1) product *= square;
  return static_cast<std::int64_t>(product);
}

/// Of real numbers the C library's: the same at every level, for all of them call one function. It may differ in the
/// last bit between C libraries, and between processors for which one C library has several versions.
struct Power {
  static Float64 apply(Float64 a, Float64 b) {
    for (int lane = 0; lane < kWidth<double>; ++lane) a[lane] = __builtin_pow(a[lane], b[lane]);
    return where_defined(a == a, a);
  }
  static Int64 apply(Int64 a, Int64 b) {
    for (int lane = 0; lane < kWidth<std::int64_t>; ++lane) a[lane] = power(a[lane], b[lane]);
    return a;
  }
};

template <typename Op, typename A, typename B>
struct Apply {
  A a;
  B b;
  auto operator()(std::int64_t n) const { return Op::apply(a(n), b(n)); }
};

template <typename A, typename B>
struct Choose {
  Lanes<std::int64_t> condition;
  A a;
  B b;
  Bits operator()(std::int64_t n) const { return condition(n) != Int64{} ? a(n) : b(n); }
};

}  // namespace
}  // namespace windrow::kernel
