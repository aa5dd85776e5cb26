#include "kernel/kernels.hpp"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "unit/kernel/levels.hpp"

namespace windrow::kernel {
namespace {

constexpr std::int64_t kMin64 = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kMax64 = std::numeric_limits<std::int64_t>::max();
constexpr std::int32_t kMin32 = std::numeric_limits<std::int32_t>::min();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
// The NaN that the processor makes of an invalid operation; programs know no other.
const double kNan = std::nan("");

const std::vector<double> kFloats{0.0,       -0.0,       1.0,     -1.0,       0.5,         -2.5,        3.0,
                                  7.25,      0x1p31,     -0x1p31, 0x1p31 - 1, -0x1p31 - 1, 0x1p52,      0x1p53,
                                  0x1p63,    -0x1p63,    0x1p64,  1e300,      -1e300,      5e-324,      1e-310,
                                  kInfinity, -kInfinity, kNan,    1.999999,   -0.99999,    2147483647.9};
const std::vector<std::int64_t> kInts{0,
                                      1,
                                      -1,
                                      2,
                                      -7,
                                      10,
                                      kMax64,
                                      kMin64,
                                      kMin64 + 1,
                                      std::int64_t{1} << 31,
                                      (std::int64_t{1} << 32) + 5,
                                      -(std::int64_t{1} << 51),
                                      std::int64_t{1} << 51,
                                      (std::int64_t{1} << 51) + 1,
                                      (std::int64_t{1} << 53) + 1,
                                      -(std::int64_t{1} << 53) - 1,
                                      (std::int64_t{1} << 62) + 257,
                                      123456789012345678};

template <typename T>
std::vector<T> padded(std::vector<T> values) {
  values.resize(values.size() + kLanePadding);
  return values;
}

/// All pairs of the values, as two columns.
template <typename T>
std::array<std::vector<T>, 2> all_pairs(const std::vector<T>& values) {
  std::array<std::vector<T>, 2> pairs;
  for (const T a : values)
    for (const T b : values) {
      pairs[0].push_back(a);
      pairs[1].push_back(b);
    }
  return pairs;
}

template <typename Result, typename T>
std::vector<Result> apply(Operation operation, Form form, const std::vector<T>& a, const std::vector<T>& b,
                          std::size_t count) {
  const auto left = padded(a);
  const auto right = padded(b);
  std::vector<Result> out(count);
  kernels().binary[static_cast<std::size_t>(operation)][static_cast<std::size_t>(form)](
      left.data(), right.data(), out.data(), static_cast<std::int64_t>(count), Store::cached);
  return out;
}

template <typename T>
bool same_bytes(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

/// Compares an operation in all forms and at all levels with a function of one pair, to the bit where it is no NaN.
template <typename Result, typename T, typename Expected>
void check(Operation operation, const std::vector<T>& values, Expected expected) {
  const auto [a, b] = all_pairs(values);
  use_level(Level::baseline);
  const auto reference = apply<Result>(operation, Form::lanes_lanes, a, b, a.size());
  for (std::size_t n = 0; n < a.size(); ++n) {
    const Result right = expected(a[n], b[n]);
    if (right != right) {
      EXPECT_NE(reference[n], reference[n]) << a[n] << " " << b[n];
    } else {
      EXPECT_EQ(reference[n], right) << a[n] << " " << b[n];
      EXPECT_EQ(std::signbit(static_cast<double>(reference[n])), std::signbit(static_cast<double>(right)))
          << a[n] << " " << b[n];
    }
  }
  at_every_level([&](Level level) {
    EXPECT_TRUE(same_bytes(apply<Result>(operation, Form::lanes_lanes, a, b, a.size()), reference)) << name_of(level);
    for (std::size_t n = 0; n < values.size(); ++n) {
      const std::vector<T> one{values[n]};
      const std::vector<T> copies(values.size(), values[n]);
      EXPECT_TRUE(same_bytes(apply<Result>(operation, Form::lanes_scalar, values, one, values.size()),
                             apply<Result>(operation, Form::lanes_lanes, values, copies, values.size())));
      EXPECT_TRUE(same_bytes(apply<Result>(operation, Form::scalar_lanes, one, values, values.size()),
                             apply<Result>(operation, Form::lanes_lanes, copies, values, values.size())));
    }
  });
}

std::uint64_t bits(std::int64_t x) {
  return static_cast<std::uint64_t>(x);
}

TEST(Kernels, FloatOperationsAreThoseOfTheProcessor) {
  check<double>(Operation::add_float64, kFloats, [](double a, double b) { return a + b; });
  check<double>(Operation::subtract_float64, kFloats, [](double a, double b) { return a - b; });
  check<double>(Operation::multiply_float64, kFloats, [](double a, double b) { return a * b; });
  check<double>(Operation::divide_float64, kFloats, [](double a, double b) { return a / b; });
  check<double>(Operation::power_float64, kFloats, [](double a, double b) { return std::pow(a, b); });
}

TEST(Kernels, PowersThatAreNoNumberAreTheNanOfTheProcessor) {
  const std::vector<double> bases{-2.0, -0.5, -5e-324, std::nan(""), -std::nan("")};
  const std::vector<double> exponents{0.5, -0.3, 1e-300, 2.0, std::nan("")};
  at_every_level([&](Level level) {
    const auto powers = apply<double>(Operation::power_float64, Form::lanes_lanes, bases, exponents, bases.size());
    for (const double power : powers)
      EXPECT_EQ(std::bit_cast<std::uint64_t>(power), 0xfff8000000000000) << name_of(level);
  });
}

TEST(Kernels, ComparisonsAreZeroOrOne) {
  check<std::int64_t>(Operation::less_float64, kFloats, [](double a, double b) { return std::int64_t{a < b}; });
  check<std::int64_t>(Operation::less_equal_float64, kFloats, [](double a, double b) { return std::int64_t{a <= b}; });
  check<std::int64_t>(Operation::equal_float64, kFloats, [](double a, double b) { return std::int64_t{a == b}; });
  check<std::int64_t>(Operation::not_equal_float64, kFloats, [](double a, double b) { return std::int64_t{a != b}; });
  using Int = std::int64_t;
  check<Int>(Operation::less_int64, kInts, [](Int a, Int b) { return Int{a < b}; });
  check<Int>(Operation::less_equal_int64, kInts, [](Int a, Int b) { return Int{a <= b}; });
  check<Int>(Operation::equal_int64, kInts, [](Int a, Int b) { return Int{a == b}; });
  check<Int>(Operation::not_equal_int64, kInts, [](Int a, Int b) { return Int{a != b}; });
}

TEST(Kernels, MinimumAndMaximumPassNanOn) {
  using Int = std::int64_t;
  check<double>(Operation::minimum_float64, kFloats, [](double a, double b) { return a < b || a != a ? a : b; });
  check<double>(Operation::maximum_float64, kFloats, [](double a, double b) { return a > b || a != a ? a : b; });
  check<Int>(Operation::minimum_int64, kInts, [](Int a, Int b) { return a < b ? a : b; });
  check<Int>(Operation::maximum_int64, kInts, [](Int a, Int b) { return a > b ? a : b; });
}

TEST(Kernels, IntegersWrap) {
  using Int = std::int64_t;
  check<Int>(Operation::add_int64, kInts, [](Int a, Int b) { return static_cast<Int>(bits(a) + bits(b)); });
  check<Int>(Operation::subtract_int64, kInts, [](Int a, Int b) { return static_cast<Int>(bits(a) - bits(b)); });
  check<Int>(Operation::multiply_int64, kInts, [](Int a, Int b) { return static_cast<Int>(bits(a) * bits(b)); });
}

TEST(Kernels, ModuloHasTheSignOfTheDivisor) {
  check<std::int64_t>(Operation::modulo_int64, kInts, [](std::int64_t a, std::int64_t b) -> std::int64_t {
    if (b == 0) return 0;
    const std::uint64_t divisor = b < 0 ? 0 - bits(b) : bits(b);
    const std::uint64_t rest = (a < 0 ? 0 - bits(a) : bits(a)) % divisor;
    const std::uint64_t magnitude = rest != 0 && (a < 0) != (b < 0) ? divisor - rest : rest;
    return static_cast<std::int64_t>(b < 0 ? 0 - magnitude : magnitude);
  });
  struct Known {
    double a, b, expected;
  };
  // From Python, where % of floats gives these; of zero divisors and infinities from numpy.remainder.
  const std::vector<Known> known{{7.0, 3.0, 1.0},   {-7.0, 3.0, 2.0},
                                 {7.0, -3.0, -2.0}, {-7.0, -3.0, -1.0},
                                 {5.5, 2.0, 1.5},   {-5.5, 2.0, 0.5},
                                 {6.0, -3.0, -0.0}, {-6.0, 3.0, 0.0},
                                 {1.0, 0.0, kNan},  {kInfinity, 2.0, kNan},
                                 {1.0, kNan, kNan}, {2.0, kInfinity, 2.0},
                                 {1e300, 7.0, 1.0}, {-1.0, kInfinity, kInfinity}};
  at_every_level([&](Level) {
    for (const Known& k : known) {
      const double found =
          apply<double>(Operation::modulo_float64, Form::lanes_lanes, std::vector{k.a}, std::vector{k.b}, 1)[0];
      if (std::isnan(k.expected)) {
        EXPECT_TRUE(std::isnan(found)) << k.a << " % " << k.b;
      } else {
        EXPECT_EQ(found, k.expected) << k.a << " % " << k.b;
        EXPECT_EQ(std::signbit(found), std::signbit(k.expected)) << k.a << " % " << k.b;
      }
    }
  });
}

template <typename Element, typename T>
std::vector<Element> convert(Kernels::Convert kernel, const std::vector<T>& values) {
  std::vector<Element> out(values.size());
  const auto in = padded(values);
  kernel(in.data(), out.data(), static_cast<std::int64_t>(values.size()), Store::cached);
  return out;
}

TEST(Kernels, FloatsBecomeElements) {
  std::vector<std::int64_t> to_int64;
  std::vector<std::int32_t> to_int32;
  std::vector<float> to_float32;
  for (const double x : kFloats) {
    to_int64.push_back(x >= -0x1p63 && x < 0x1p63 ? static_cast<std::int64_t>(x) : kMin64);
    to_int32.push_back(x > -0x1p31 - 1 && x < 0x1p31 ? static_cast<std::int32_t>(x) : kMin32);
    to_float32.push_back(static_cast<float>(x));
  }
  at_every_level([&](Level level) {
    const auto& from = kernels().from_float64;
    EXPECT_EQ(convert<std::int64_t>(from[static_cast<std::size_t>(ElementType::int64)], kFloats), to_int64);
    EXPECT_EQ(convert<std::int32_t>(from[static_cast<std::size_t>(ElementType::int32)], kFloats), to_int32);
    EXPECT_TRUE(same_bytes(convert<float>(from[static_cast<std::size_t>(ElementType::float32)], kFloats), to_float32))
        << name_of(level);
    EXPECT_TRUE(same_bytes(convert<double>(from[static_cast<std::size_t>(ElementType::float64)], kFloats), kFloats));
  });
}

TEST(Kernels, IntegersBecomeElements) {
  std::vector<double> to_float64;
  std::vector<std::int32_t> to_int32;
  std::vector<float> to_float32;
  for (const std::int64_t x : kInts) {
    to_float64.push_back(static_cast<double>(x));
    to_int32.push_back(static_cast<std::int32_t>(static_cast<std::uint32_t>(bits(x))));
    to_float32.push_back(static_cast<float>(static_cast<double>(x)));
  }
  at_every_level([&](Level) {
    const auto& from = kernels().from_int64;
    EXPECT_EQ(convert<double>(from[static_cast<std::size_t>(ElementType::float64)], kInts), to_float64);
    EXPECT_EQ(convert<float>(from[static_cast<std::size_t>(ElementType::float32)], kInts), to_float32);
    EXPECT_EQ(convert<std::int32_t>(from[static_cast<std::size_t>(ElementType::int32)], kInts), to_int32);
    EXPECT_EQ(convert<std::int64_t>(from[static_cast<std::size_t>(ElementType::int64)], kInts), kInts);
  });
}

// ---- What is not finite ----

TEST(Kernels, TellWhetherAllResultsAreFinite) {
  constexpr std::int64_t count = 64;
  constexpr double inf = std::numeric_limits<double>::infinity();
  at_every_level([&](Level level) {
    const auto& table = kernels();
    const auto function = [&](Function f) { return table.unary[static_cast<std::size_t>(f)]; };
    const auto convert_to = [&](ElementType type) { return table.from_float64[static_cast<std::size_t>(type)]; };
    const auto add =
        table.binary[static_cast<std::size_t>(Operation::add_float64)][static_cast<std::size_t>(Form::lanes_lanes)];
    std::vector<double> out(count + kLanePadding);
    for (const Store store : {Store::cached, Store::streaming})
      for (std::int64_t place = -1; place < count; ++place)
        for (const double odd : {inf, -inf, std::nan("")}) {
          std::vector<double> x(count + kLanePadding, 0.75);
          if (place >= 0) x[static_cast<std::size_t>(place)] = odd;
          const auto expect = [&](bool told) {
            EXPECT_EQ(told, place < 0) << name_of(level) << " " << place << " " << odd;
          };
          for (const Function f : {Function::sin, Function::log1p, Function::floor, Function::sqrt})
            expect(function(f)(x.data(), out.data(), count, store));
          expect(add(x.data(), x.data(), out.data(), count, store));
          expect(convert_to(ElementType::float64)(x.data(), out.data(), count, store));
          expect(convert_to(ElementType::float32)(x.data(), out.data(), count, store));
          EXPECT_TRUE(convert_to(ElementType::int32)(x.data(), out.data(), count, store));
          if (place >= 0) x[static_cast<std::size_t>(place)] = 1e300;  // overflows
          expect(function(Function::exp)(x.data(), out.data(), count, store));
          expect(convert_to(ElementType::float32)(x.data(), out.data(), count, store));
          if (place >= 0) x[static_cast<std::size_t>(place)] = 0.0;
          expect(function(Function::log)(x.data(), out.data(), count, store));
        }
    finish_streaming();
  });
}

template <typename T>
NotFinite counted(NotFinite (*count)(const void*, std::int64_t), std::int64_t elements) {
  constexpr T inf = std::numeric_limits<T>::infinity();
  const std::array<T, 7> cycle{T{0},
                               inf,
                               std::numeric_limits<T>::max(),
                               -inf,
                               std::numeric_limits<T>::quiet_NaN(),
                               -std::numeric_limits<T>::quiet_NaN(),
                               inf};
  std::vector<T> x;
  for (std::int64_t n = 0; n < elements; ++n) x.push_back(cycle[static_cast<std::size_t>(n % 7)]);
  return count(x.data(), elements);
}

TEST(Kernels, CountWhatIsNotFinite) {
  at_every_level([&](Level) {
    for (const std::int64_t cycles : {0, 1, 5, 1009}) {
      const NotFinite expected{.nan = 2 * cycles, .infinite = 3 * cycles};
      EXPECT_EQ(counted<double>(kernels().not_finite_float64, 7 * cycles), expected);
      EXPECT_EQ(counted<float>(kernels().not_finite_float32, 7 * cycles), expected);
    }
    EXPECT_EQ(counted<double>(kernels().not_finite_float64, 5), (NotFinite{.nan = 1, .infinite = 2}));
    EXPECT_EQ(counted<float>(kernels().not_finite_float32, 5), (NotFinite{.nan = 1, .infinite = 2}));
  });
}

template <typename Element>
void check_ramp(ElementType type, std::int64_t base, std::int64_t step) {
  constexpr std::int64_t count = 37;
  std::vector<Element> expected;
  for (std::int64_t n = 0; n < count; ++n) {
    const auto value = static_cast<std::int64_t>(bits(base) + bits(step) * bits(n));
    if constexpr (std::is_floating_point_v<Element>) {
      expected.push_back(static_cast<Element>(static_cast<double>(value)));
    } else {
      expected.push_back(static_cast<Element>(value));
    }
  }
  at_every_level([&](Level level) {
    std::vector<Element> out(count);
    kernels().ramp[static_cast<std::size_t>(type)](base, step, out.data(), count, Store::streaming);
    finish_streaming();
    EXPECT_EQ(out, expected) << name_of(level) << " " << base << " " << step;
  });
}

TEST(Kernels, RampsAreExact) {
  for (const std::int64_t base : kInts)
    for (const std::int64_t step : kInts) {
      check_ramp<double>(ElementType::float64, base, step);
      check_ramp<float>(ElementType::float32, base, step);
      check_ramp<std::int64_t>(ElementType::int64, base, step);
      check_ramp<std::int32_t>(ElementType::int32, base, step);
    }
}

TEST(Kernels, PositionsAreQuotientAndRemainder) {
  constexpr std::int64_t count = 1100;
  at_every_level([&](Level) {
    for (const std::int64_t columns : {1, 2, 3, 7, 10, 23, 97, 127})
      for (const std::int64_t column : {std::int64_t{0}, columns / 2, columns - 1}) {
        std::vector<std::int64_t> rows(count + kLanePadding);
        std::vector<std::int64_t> found(count + kLanePadding);
        kernels().positions(5000000011, column, columns, rows.data(), found.data(), count);
        for (std::int64_t n = 0; n < count; ++n) {
          ASSERT_EQ(rows[static_cast<std::size_t>(n)], 5000000011 + (column + n) / columns);
          ASSERT_EQ(found[static_cast<std::size_t>(n)], (column + n) % columns);
        }
      }
  });
}

TEST(Kernels, SelectTakesWhatIsNotZeroAsTrue) {
  const auto condition = padded(std::vector<std::int64_t>{0, 1, -5, 0, kMin64, 0, 0, 9, 0, 1, 0});
  constexpr std::size_t count = 11;
  std::vector<double> a(count + kLanePadding, -0.0);
  std::vector<double> b(count + kLanePadding, 2.5);
  at_every_level([&](Level) {
    for (std::size_t form = 0; form < kForms; ++form) {
      std::vector<double> out(count);
      kernels().select[form](condition.data(), a.data(), b.data(), out.data(), count, Store::cached);
      for (std::size_t n = 0; n < count; ++n) EXPECT_EQ(out[n], condition[n] != 0 ? 0.0 : 2.5);
    }
  });
}

// Heads, bodies and tails of any length at any place in a cache line, past the caches and through them.
template <typename Element>
void check_fill(Kernels::Fill fill, Element element, Store store) {
  for (std::size_t first = 0; first < 20; ++first)
    for (std::size_t count = 0; count < 70; ++count) {
      std::vector<Element> memory(128, Element{0});
      fill(&element, memory.data() + first, static_cast<std::int64_t>(count), store);
      finish_streaming();
      for (std::size_t n = 0; n < memory.size(); ++n)
        ASSERT_EQ(memory[n] == element, first <= n && n < first + count) << first << " " << count << " " << n;
    }
}

TEST(Kernels, NothingIsStoredOutsideTheResult) {
  at_every_level([&](Level) {
    for (const Store store : {Store::streaming, Store::cached}) {
      check_fill<std::int32_t>(kernels().fill_4_bytes, 0x7f00ff01, store);
      check_fill<std::int64_t>(kernels().fill_8_bytes, 0x7f00ff0100000000, store);
    }
  });
}

}  // namespace
}  // namespace windrow::kernel
