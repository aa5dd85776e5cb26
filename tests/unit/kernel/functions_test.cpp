// The functions of one and two operands against MPFR, whose results are correctly rounded.
#include <gtest/gtest.h>
#define MPFR_USE_NO_MACRO
#include <mpfr.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <limits>
#include <numbers>
#include <random>
#include <string>
#include <vector>

#include "kernel/kernels.hpp"
#include "unit/kernel/levels.hpp"

namespace windrow::kernel {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
/// The NaN that the processor makes of an invalid operation: functions give no other.
constexpr std::uint64_t kNanBits = 0xfff8000000000000;
const double kNan = std::bit_cast<double>(kNanBits);
constexpr double kLargest = std::numeric_limits<double>::max();
constexpr double kSmallest = 5e-324;
constexpr double kSmallestNormal = std::numeric_limits<double>::min();

/// What is promised; the largest errors found are printed here and kept in docs/accuracy.md.
constexpr double kPromisedUlps = 4.0;

class Real {
 public:
  explicit Real(double x = 0.0) {
    mpfr_init2(value_, 160);
    mpfr_set_d(value_, x, MPFR_RNDN);
  }
  ~Real() { mpfr_clear(value_); }
  Real(const Real&) = delete;
  Real& operator=(const Real&) = delete;
  mpfr_ptr get() { return value_; }

 private:
  mpfr_t value_;
};

/// The error of `found` in units of the last place of the exact number; infinite where the kinds of numbers differ.
double ulps(double found, Real& exact) {
  const double rounded = mpfr_get_d(exact.get(), MPFR_RNDN);
  if (std::isnan(rounded)) return std::bit_cast<std::uint64_t>(found) == kNanBits ? 0.0 : kInfinity;
  if (std::isnan(found) || std::isinf(found) || std::isinf(rounded)) return found == rounded ? 0.0 : kInfinity;
  if (rounded == 0.0) return found == 0.0 && std::signbit(found) == std::signbit(rounded) ? 0.0 : kInfinity;
  const auto unit = std::max<mpfr_exp_t>(mpfr_get_exp(exact.get()) - 53, -1074);
  Real difference;
  mpfr_sub_d(difference.get(), exact.get(), found, MPFR_RNDN);
  mpfr_mul_2si(difference.get(), difference.get(), -unit, MPFR_RNDN);
  return std::abs(mpfr_get_d(difference.get(), MPFR_RNDN));
}

std::vector<double> apply(Function function, std::vector<double> x) {
  const auto count = static_cast<std::int64_t>(x.size());
  std::vector<double> out(x.size());
  x.resize(x.size() + kLanePadding);
  kernels().unary[static_cast<std::size_t>(function)](x.data(), out.data(), count, Store::cached);
  return out;
}

std::vector<double> apply(Operation operation, std::vector<double> a, std::vector<double> b) {
  const auto count = static_cast<std::int64_t>(a.size());
  std::vector<double> out(a.size());
  a.resize(a.size() + kLanePadding);
  b.resize(b.size() + kLanePadding);
  kernels().binary[static_cast<std::size_t>(operation)][static_cast<std::size_t>(Form::lanes_lanes)](
      a.data(), b.data(), out.data(), count, Store::cached);
  return out;
}

struct AtLevel {
  Level level;
  std::vector<double> values;
};

/// At every level that this processor has. Levels with a fused multiply-add must agree to the bit.
template <typename Apply>
std::vector<AtLevel> at_all_levels(const std::string& name, Apply at_level) {
  std::vector<AtLevel> found;
  at_every_level([&](Level level) { found.push_back({level, at_level()}); });
  for (std::size_t k = 2; k < found.size(); ++k)
    for (std::size_t n = 0; n < found[k].values.size(); ++n)
      EXPECT_EQ(std::bit_cast<std::uint64_t>(found[k].values[n]), std::bit_cast<std::uint64_t>(found[1].values[n]))
          << name << " at level " << name_of(found[k].level) << " number " << n;
  return found;
}

/// Numbers of all exponents and signs, numbers around 1, numbers of [low, high], and those that are hard.
std::vector<double> points(double low, double high) {
  std::mt19937_64 bits(20240229);
  const auto between = [&](double a, double b) { return a + (b - a) * (static_cast<double>(bits() >> 11) * 0x1p-53); };
  std::vector<double> x;
  for (int n = 0; n < 10000; ++n) {
    x.push_back(std::bit_cast<double>(bits()));
    if (std::isnan(x.back())) x.back() = kNan;  // programs know no other
    x.push_back(between(low, high));
    x.push_back(between(-2.0, 2.0));
    x.push_back(std::ldexp(between(-1.0, 1.0), static_cast<int>(bits() % 64) - 40));
  }
  // The doubles nearest to multiples of pi/2, and the one of all doubles that is nearest (Kahan's).
  for (std::uint64_t n = 1; n < 2000000; n += 1 + n / 8) x.push_back(static_cast<double>(n) * (std::numbers::pi / 2.0));
  x.push_back(0x1.6ac5b262ca1ffp+849);
  // Where results become infinite, subnormal, 0 or 1, and where formulas change.
  for (const double edge : {709.782712893384,
                            710.4758600739439,
                            708.3964185322641,
                            745.1332191019411,
                            743.7469247408213,
                            std::numbers::ln2,
                            std::numbers::ln2 / 2.0,
                            36.7368005696771,
                            22.0,
                            0.5,
                            1.0,
                            2.0,
                            0.41421356237309503,
                            2.414213562373095,
                            0x1p28,
                            0x1.6p23,
                            0x1p52,
                            0x1p53,
                            0x1p-54,
                            0x1p-30,
                            std::sqrt(0.5),
                            std::sqrt(2.0),
                            kSmallest,
                            kSmallestNormal,
                            kLargest})
    for (const double size : {std::nextafter(edge, 0.0), edge, std::nextafter(edge, kInfinity)}) {
      x.push_back(size);
      x.push_back(-size);
    }
  for (const double special : {0.0, -0.0, kInfinity, -kInfinity, kNan, 1e-310, -1e-310}) x.push_back(special);
  return x;
}

using Reference = int (*)(mpfr_ptr, mpfr_srcptr, mpfr_rnd_t);

struct Row {
  const char* name;
  Function function;
  Reference reference;
  double low;
  double high;
};

constexpr Row kRows[] = {
    {"exp", Function::exp, mpfr_exp, -745.0, 710.0},       {"expm1", Function::expm1, mpfr_expm1, -40.0, 710.0},
    {"log", Function::log, mpfr_log, 0.0, 100.0},          {"log10", Function::log10, mpfr_log10, 0.0, 1000.0},
    {"log1p", Function::log1p, mpfr_log1p, -1.0, 10.0},    {"sin", Function::sin, mpfr_sin, -1e5, 1e5},
    {"cos", Function::cos, mpfr_cos, -1e5, 1e5},           {"tan", Function::tan, mpfr_tan, -1e5, 1e5},
    {"arcsin", Function::arcsin, mpfr_asin, -1.0, 1.0},    {"arccos", Function::arccos, mpfr_acos, -1.0, 1.0},
    {"arctan", Function::arctan, mpfr_atan, -10.0, 10.0},  {"sinh", Function::sinh, mpfr_sinh, -710.0, 710.0},
    {"cosh", Function::cosh, mpfr_cosh, -710.0, 710.0},    {"tanh", Function::tanh, mpfr_tanh, -20.0, 20.0},
    {"arcsinh", Function::arcsinh, mpfr_asinh, -9.0, 9.0}, {"arccosh", Function::arccosh, mpfr_acosh, 1.0, 10.0},
    {"arctanh", Function::arctanh, mpfr_atanh, -1.0, 1.0}, {"sqrt", Function::sqrt, mpfr_sqrt, 0.0, 100.0},
};

TEST(Functions, AreWithinTheirErrorsOfTheExactNumber) {
  for (const Row& row : kRows) {
    const std::vector<double> x = points(row.low, row.high);
    const std::vector<AtLevel> found = at_all_levels(row.name, [&] { return apply(row.function, x); });
    std::vector<double> largest(found.size());
    for (std::size_t n = 0; n < x.size(); ++n) {
      Real argument(x[n]);
      Real exact;
      row.reference(exact.get(), argument.get(), MPFR_RNDN);
      for (std::size_t k = 0; k < found.size(); ++k) {
        const double error = ulps(found[k].values[n], exact);
        EXPECT_LE(error, kPromisedUlps) << row.name << " of " << x[n] << " at level " << name_of(found[k].level);
        largest[k] = std::max(largest[k], error);
      }
    }
    std::printf("%-8s", row.name);
    for (const double error : largest) std::printf(" %.2f", error);
    std::printf(" ULP\n");
  }
}

TEST(Functions, OfTwoOperandsAreWithinTheirErrors) {
  struct {
    const char* name;
    Operation operation;
    int (*reference)(mpfr_ptr, mpfr_srcptr, mpfr_srcptr, mpfr_rnd_t);
  } const rows[] = {{"arctan2", Operation::arctan2_float64, mpfr_atan2},
                    {"hypot", Operation::hypot_float64, mpfr_hypot}};
  std::vector<double> a = points(-10.0, 10.0);
  std::vector<double> b = a;
  std::shuffle(b.begin(), b.end(), std::mt19937_64(7));
  // Both far out together, near together, and all pairs of what is special.
  for (std::size_t n = 0, count = a.size(); n < count; n += 3) {
    a.push_back(a[n]);
    b.push_back(a[n] * (1.0 + static_cast<double>(n % 1000) * 0.01));
  }
  const double special[] = {0.0,      -0.0,      1.0,       -1.0,       kSmallest, -kSmallest,
                            kLargest, -kLargest, kInfinity, -kInfinity, kNan};
  for (const double x : special)
    for (const double y : special) {
      a.push_back(x);
      b.push_back(y);
    }
  for (const auto& row : rows) {
    const std::vector<AtLevel> found = at_all_levels(row.name, [&] { return apply(row.operation, a, b); });
    std::vector<double> largest(found.size());
    for (std::size_t n = 0; n < a.size(); ++n) {
      Real x(a[n]);
      Real y(b[n]);
      Real exact;
      row.reference(exact.get(), x.get(), y.get(), MPFR_RNDN);
      for (std::size_t k = 0; k < found.size(); ++k) {
        const double error = ulps(found[k].values[n], exact);
        EXPECT_LE(error, kPromisedUlps) << row.name << " of " << a[n] << ", " << b[n] << ": " << found[k].values[n];
        largest[k] = std::max(largest[k], error);
      }
    }
    std::printf("%-8s", row.name);
    for (const double error : largest) std::printf(" %.2f", error);
    std::printf(" ULP\n");
  }
}

void check_exact(Function function, const std::string& name, double (*expected)(double)) {
  const std::vector<double> x = points(-100.0, 100.0);
  for (const auto& [level, found] : at_all_levels(name, [&] { return apply(function, x); }))
    for (std::size_t n = 0; n < x.size(); ++n) {
      const double right = std::isnan(x[n]) ? kNan : expected(x[n]);
      ASSERT_EQ(std::bit_cast<std::uint64_t>(found[n]), std::bit_cast<std::uint64_t>(right)) << name << " of " << x[n];
    }
}

TEST(Functions, RoundingsAndSignsAreExact) {
  check_exact(Function::round, "round", [](double x) { return std::nearbyint(x); });
  check_exact(Function::floor, "floor", [](double x) { return std::floor(x); });
  check_exact(Function::ceil, "ceil", [](double x) { return std::ceil(x); });
  check_exact(Function::abs, "abs", [](double x) { return std::abs(x); });
  check_exact(Function::sign, "sign", [](double x) { return x > 0.0 ? 1.0 : x < 0.0 ? -1.0 : 0.0; });
  at_every_level([](Level) {
    EXPECT_EQ(apply(Function::round, {0.5, 1.5, 2.5, -0.5, -3.5}), (std::vector<double>{0.0, 2.0, 2.0, 0.0, -4.0}));
  });
}

// Numbers that take the long way have their neighbours take it too: their results must not change.
TEST(Functions, OfANumberDoNotDependOnItsNeighbours) {
  for (const Row& row : kRows) {
    const std::vector<double> x = points(row.low, row.high);
    at_every_level([&](Level level) {
      const std::vector<double> together = apply(row.function, x);
      for (std::size_t n = 0; n < x.size(); ++n)
        ASSERT_EQ(std::bit_cast<std::uint64_t>(apply(row.function, {x[n]})[0]),
                  std::bit_cast<std::uint64_t>(together[n]))
            << row.name << " of " << x[n] << " at level " << name_of(level);
    });
  }
}

TEST(Functions, WholePowersOfTenHaveExactLogarithms) {
  std::vector<double> x;
  std::vector<double> exponents;
  double power = 1.0;
  for (int n = 0; n <= 22; ++n, power *= 10.0) {
    x.push_back(power);
    exponents.push_back(n);
  }
  at_every_level([&](Level) { EXPECT_EQ(apply(Function::log10, x), exponents); });
}

TEST(Functions, KeepTheirSpecialValues) {
  struct {
    Function function;
    double x, expected;
  } const known[] = {
      {Function::cos, 0.0, 1.0},
      {Function::exp, 0.0, 1.0},
      {Function::log, 1.0, 0.0},
      {Function::cosh, 0.0, 1.0},
      {Function::arccos, 1.0, 0.0},
      {Function::tanh, 30.0, 1.0},
      {Function::arccos, -1.0, std::numbers::pi},
      {Function::arctan, kInfinity, std::numbers::pi / 2.0},
      {Function::log, 0.0, -kInfinity},
      {Function::log, -0.0, -kInfinity},
      {Function::log1p, -1.0, -kInfinity},
      {Function::arctanh, -1.0, -kInfinity},
  };
  at_every_level([&](Level) {
    for (const auto& k : known) EXPECT_EQ(apply(k.function, {k.x})[0], k.expected) << k.x;
  });
}

TEST(Functions, NeitherSineNorCosineExceedsOne) {
  std::vector<double> x;
  for (int n = 0; n < 20000; ++n) x.push_back(n * (std::numbers::pi / 4.0) + (n % 7) * 1e-9);
  at_every_level([&](Level) {
    for (const Function function : {Function::sin, Function::cos})
      for (const double value : apply(function, x)) EXPECT_LE(std::abs(value), 1.0);
  });
}

std::vector<std::int64_t> tested(Function function, std::vector<double> x) {
  const auto count = static_cast<std::int64_t>(x.size());
  std::vector<std::int64_t> out(x.size());
  x.resize(x.size() + kLanePadding);
  kernels().unary[static_cast<std::size_t>(function)](x.data(), out.data(), count, Store::streaming);
  finish_streaming();
  return out;
}

TEST(Functions, TestsGiveTruthValues) {
  const std::vector<double> x{0.0, kNan, kInfinity, -kInfinity, kLargest, -kLargest, kSmallest};
  at_every_level([&](Level) {
    EXPECT_EQ(tested(Function::is_nan, x), (std::vector<std::int64_t>{0, 1, 0, 0, 0, 0, 0}));
    EXPECT_EQ(tested(Function::is_finite, x), (std::vector<std::int64_t>{1, 0, 0, 0, 1, 1, 1}));
  });
}

TEST(Functions, OfIntegersStayIntegers) {
  constexpr std::int64_t lowest = std::numeric_limits<std::int64_t>::min();
  constexpr std::int64_t highest = std::numeric_limits<std::int64_t>::max();
  const auto of = [](Function function, std::vector<std::int64_t> x) {
    const auto count = static_cast<std::int64_t>(x.size());
    std::vector<std::int64_t> out(x.size());
    x.resize(x.size() + kLanePadding);
    kernels().unary[static_cast<std::size_t>(function)](x.data(), out.data(), count, Store::cached);
    return out;
  };
  at_every_level([&](Level) {
    const std::vector<std::int64_t> x{0, 1, -1, highest, lowest, -highest};
    EXPECT_EQ(of(Function::abs_int64, x), (std::vector<std::int64_t>{0, 1, 1, highest, lowest, highest}));
    EXPECT_EQ(of(Function::sign_int64, x), (std::vector<std::int64_t>{0, 1, -1, 1, -1, -1}));
  });
}

// Heads, bodies and tails of any length at any place in a cache line.
TEST(Functions, StoreTheResultAndNothingElse) {
  at_every_level([&](Level) {
    for (const Store how : {Store::streaming, Store::cached})
      for (std::size_t first = 0; first < 20; ++first)
        for (std::size_t count = 0; count < 50; ++count) {
          const std::vector<double> x(count + kLanePadding, 4.0);
          std::vector<double> memory(80, -1.0);
          kernels().unary[static_cast<std::size_t>(Function::sqrt)](x.data(), memory.data() + first,
                                                                    static_cast<std::int64_t>(count), how);
          finish_streaming();
          for (std::size_t n = 0; n < memory.size(); ++n)
            ASSERT_EQ(memory[n], first <= n && n < first + count ? 2.0 : -1.0) << first << " " << count << " " << n;
        }
  });
}

}  // namespace
}  // namespace windrow::kernel
