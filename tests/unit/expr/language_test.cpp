#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>

#include "unit/expr/evaluate.hpp"

namespace windrow::expr {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr std::int64_t kMin64 = std::numeric_limits<std::int64_t>::min();
constexpr std::int32_t kMin32 = std::numeric_limits<std::int32_t>::min();

struct Integer {
  std::string_view text;
  std::int64_t value;
};
struct Float {
  std::string_view text;
  double value;
};

// The values are Python's own, for i = 12, j = 7, offset = 100, rows = 197, cols = 23, rank = 3, node = 1, pid = 4242.
constexpr std::array kIntegers{
    Integer{"0", 0},
    Integer{"7", 7},
    Integer{"007", 7},
    Integer{"9223372036854775807", 9223372036854775807},
    Integer{"i", 12},
    Integer{"j", 7},
    Integer{"offset", 100},
    Integer{"rows", 197},
    Integer{"cols", 23},
    Integer{"rank", 3},
    Integer{"node", 1},
    Integer{"pid", 4242},
    Integer{"i*cols + j", 283},
    Integer{"i+j*2", 26},
    Integer{"(i+j)*2", 38},
    Integer{"i-j-1", 4},
    Integer{"i-(j-1)", 6},
    Integer{"-j", -7},
    Integer{"--j", 7},
    Integer{"-+-j", 7},
    Integer{"+j", 7},
    Integer{"-j**2", -49},
    Integer{"(-j)**2", 49},
    Integer{"-2**2", -4},
    Integer{"i % 5", 2},
    Integer{"-i % 5", 3},
    Integer{"i % -5", -3},
    Integer{"-i % -5", -2},
    Integer{"i*j%5", 4},
    Integer{"i**2", 144},
    Integer{"j**5", 16807},
    Integer{"j**0", 1},
    Integer{"3**(i + 24)", 150094635296999121},  // beyond 2^53: every digit counts
    Integer{"i**j", 35831808},
    Integer{"2**3**2", 512},
    Integer{"(-3)**j", -2187},
    Integer{"2**(i + 51)", kMin64},  // wraps
    Integer{"2**(i + 52)", 0},
    Integer{"0**(i - 12)", 1},
    Integer{"2**(j - i)", 0},  // negative exponents: the quotient without its fraction
    Integer{"1**(j - i)", 1},
    Integer{"(-1)**(j - i)", -1},
    Integer{"(-1)**(j - i - 1)", 1},
    Integer{"i - -j", 19},
    Integer{"  i\t+\nj ", 19},
    Integer{"(((j)))", 7},
    Integer{"where(i < j, 1, 2)", 2},
    Integer{"where(i > j, i, j)", 12},
    Integer{"where(j, 5, 6)", 5},
    Integer{"where(0, 5, 6)", 6},
    Integer{"1_000*i", 12000},
    Integer{"(i < 20)*5", 5},
    Integer{"i // 5", 2},
    Integer{"-i // 5", -3},
    Integer{"i // -5", -3},
    Integer{"i // 0", 0},
    Integer{"i // 5 * 5 + i % 5", 12},
    Integer{"i & 6", 4},
    Integer{"i | 1", 13},
    Integer{"i ^ 5", 9},
    Integer{"~i", -13},
    Integer{"i << 3", 96},
    Integer{"i << 64", 0},
    Integer{"-i >> 2", -3},
    Integer{"-i >> 64", -1},
    Integer{"1 + 1 << 2", 8},
    Integer{"i | 1 ^ 3 & 2", 15},
    Integer{"where(i % 2 == 0, i/1 > 2, 0)", 1},
    Integer{"pid*0 + rank", 3},
    Integer{"3*(i > j)**2", 3},
    Integer{"abs(-j)", 7},
    Integer{"sign(j - i)", -1},
    Integer{"sign(j - 7)", 0},
    Integer{"round(j)", 7},
    Integer{"minimum(i, j)", 7},
    Integer{"maximum(i, j)", 12},
    Integer{"clip(i, 1, 9)", 9},
    Integer{"clip(j, 8, 9)", 8},
    Integer{"abs(i < 20)*1", 1},
    Integer{"isnan(j) + isfinite(j)*2", 2},
};
constexpr std::array kBooleans{
    Integer{"(i < 20)*(j > 3)", 1},
    Integer{"(i < 20) + (j > 30)", 1},
    Integer{"(i < 20) & (j > 30)", 0},
    Integer{"(i < 20) ^ (j > 3)", 0},
    Integer{"~(i < 20)", 0},
    Integer{"i < 20 | 1", 1},
    Integer{"i < j", 0},
    Integer{"i <= 12", 1},
    Integer{"i > j", 1},
    Integer{"i >= 13", 0},
    Integer{"i == 12", 1},
    Integer{"i != 12", 0},
    Integer{"i < j + 6", 1},
    Integer{"i*1.0 == 12", 1},
    Integer{"0.1 + 0.2 == 0.3", 0},
    Integer{"(i < j) == (j > i)", 1},
    Integer{"where(i < 5, i < 3, j < 100)", 1},
    Integer{"1 < 2.5", 1},
    Integer{"isnan(0/0)", 1},
    Integer{"isnan(1/0)", 0},
    Integer{"isfinite(1/0)", 0},
    Integer{"isfinite(0/0)", 0},
    Integer{"isfinite(i)", 1},
};
const std::array kFloats{
    Float{"-5.0 // inf", -1.0},
    Float{"5.0 // -inf", -1.0},
    Float{"5.0 // inf", 0.0},
    Float{"-1e-20 // 1.0", -1.0},
    Float{"2.0**3**2", 512.0},
    Float{"inf", kInfinity},
    Float{"-inf", -kInfinity},
    Float{"where(isnan(nan), 1.5, 2.5)", 1.5},
    Float{"2**-j", 0.0078125},  // a minus sign: a real power
    Float{"2**-0", 1.0},
    Float{"0.5", 0x1.0000000000000p-1},
    Float{".5", 0x1.0000000000000p-1},
    Float{"5.", 0x1.4000000000000p+2},
    Float{"1e3", 0x1.f400000000000p+9},
    Float{"6e7", 0x1.c9c3800000000p+25},
    Float{"1.5e-3", 0x1.89374bc6a7efap-10},
    Float{"1E+2", 0x1.9000000000000p+6},
    Float{"9223372036854775808", 0x1.0000000000000p+63},
    Float{"pi", 0x1.921fb54442d18p+1},
    Float{"e", 0x1.5bf0a8b145769p+1},
    Float{"e*pi", 0x1.114580b45d474p+3},
    Float{"i/j", 0x1.b6db6db6db6dbp+0},
    Float{"i/1", 0x1.8000000000000p+3},
    Float{"7/2", 0x1.c000000000000p+1},
    Float{"-7/2", -0x1.c000000000000p+1},
    Float{"j*0.5", 0x1.c000000000000p+1},
    Float{"0.5*j + i", 0x1.f000000000000p+3},
    Float{"2**0.5", 0x1.6a09e667f3bcdp+0},
    Float{"2**-1", 0x1.0000000000000p-1},
    Float{"i**-2", 0x1.c71c71c71c71cp-8},
    Float{"j**0.5", 0x1.52a7fa9d2f8eap+1},
    Float{"2.0**3", 0x1.0000000000000p+3},
    Float{"(i/7)**2", 0x1.7829cbc14e5e0p+1},
    Float{"(i/7)**3", 0x1.426cf7ca432c0p+2},
    Float{"j**2.0", 0x1.8800000000000p+5},
    Float{"-2.0**2", -0x1.0000000000000p+2},
    Float{"5.5 % 2", 0x1.8000000000000p+0},
    Float{"-5.5 % 2", 0x1.0000000000000p-1},
    Float{"5.5 % -2", -0x1.0000000000000p-1},
    Float{"j % 2.5", 0x1.0000000000000p+1},
    Float{"1/3 - 1/7", 0x1.8618618618618p-3},
    Float{"2*pi*j/cols", 0x1.e98ac6695c798p+0},
    Float{"where(i < j, i, 0.5)", 0x1.0000000000000p-1},
    Float{"where(i > j, i, 0.5)", 0x1.8000000000000p+3},
    Float{"where(0.0, 1, 2.5)", 0x1.4000000000000p+1},
    Float{"where(-0.1, 1, 2.5)", 0x1.0000000000000p+0},
    Float{"-0.5", -0x1.0000000000000p-1},
    Float{"i - 0.5 - 0.25", 0x1.6800000000000p+3},
    Float{"i/j/2", 0x1.b6db6db6db6dbp-1},
    Float{"i/(j/2)", 0x1.b6db6db6db6dbp+1},
    Float{"100/10*2", 0x1.4000000000000p+4},
    Float{"1e308*10", kInfinity},
    Float{"-1e308*10", -kInfinity},
    Float{"3.0**8", 0x1.9a10000000000p+12},
    Float{"1.1**9", 0x1.2dd13add43095p+1},
    Float{"sqrt(i - 8)", 2.0},
    Float{"sqrt(16)", 4.0},
    Float{"floor(j/2)", 3.0},
    Float{"floor(-j/2)", -4.0},
    Float{"ceil(j/2)", 4.0},
    Float{"floor(j)", 7.0},
    Float{"ceil(i)", 12.0},
    Float{"round(j/2)", 4.0},
    Float{"round(2.5)", 2.0},
    Float{"abs(-0.5)", 0.5},
    Float{"sign(-0.5)", -1.0},
    Float{"minimum(i, 0.5)", 0.5},
    Float{"maximum(i, 0.5)", 12.0},
    Float{"clip(i/j, 0, 1)", 1.0},
    Float{"hypot(j - 4, 4)", 5.0},
    Float{"cos(0)", 1.0},
    Float{"sin(0)", 0.0},
    Float{"exp(0)", 1.0},
    Float{"log(1)", 0.0},
    Float{"log10(1000)", 3.0},
    Float{"tanh(100)", 1.0},
    Float{"4*arctan(1)", 0x1.921fb54442d18p+1},
    Float{"arctan2(0, -1)", 0x1.921fb54442d18p+1},
    Float{"arccos(-1)", 0x1.921fb54442d18p+1},
    Float{"where(j > 3, sin(0), cos(0))", 0.0},
};

TEST(Language, IntegersAreThoseOfPython) {
  for (const auto& [text, value] : kIntegers) {
    EXPECT_EQ(evaluate_one<std::int64_t>(text), value) << text;
    EXPECT_EQ(evaluate_one<double>(text), static_cast<double>(value)) << text;
    EXPECT_EQ(Program::compile(text).type(), ValueType::int64) << text;
  }
}

TEST(Language, FloatsAreThoseOfPython) {
  for (const auto& [text, value] : kFloats) {
    const double found = evaluate_one<double>(text);
    EXPECT_EQ(found, value) << text;
    EXPECT_EQ(std::signbit(found), std::signbit(value)) << text;
    EXPECT_EQ(Program::compile(text).type(), ValueType::float64) << text;
  }
}

TEST(Language, ComparisonsAreZeroOrOne) {
  for (const auto& [text, value] : kBooleans) {
    EXPECT_EQ(evaluate_one<std::int32_t>(text), value) << text;
    EXPECT_EQ(evaluate_one<double>(text), static_cast<double>(value)) << text;
    EXPECT_EQ(Program::compile(text).type(), ValueType::boolean) << text;
  }
}

TEST(Language, EveryElementHasItsOwnRowAndColumn) {
  const std::vector<std::int64_t> found = evaluate_all<std::int64_t>("i*1000 + j");
  for (std::int64_t i = 0; i < 197; ++i)
    for (std::int64_t j = 0; j < 23; ++j) ASSERT_EQ(found[static_cast<std::size_t>(i * 23 + j)], i * 1000 + j);
}

/// Up to the few units in the last place that the functions promise, and those of the C library.
constexpr double kUnitsOfBoth = 8.0 * std::numeric_limits<double>::epsilon();

TEST(Language, FunctionsAreAppliedToEveryElement) {
  const auto found = evaluate_all<double>("sin(i*0.01)*exp(-j*0.1) + sqrt(abs(j - i))");
  for (std::int64_t i = 0; i < 197; ++i)
    for (std::int64_t j = 0; j < 23; ++j) {
      const auto x = static_cast<double>(i);
      const auto y = static_cast<double>(j);
      const double expected = std::sin(x * 0.01) * std::exp(-y * 0.1) + std::sqrt(std::abs(y - x));
      ASSERT_NEAR(found[static_cast<std::size_t>(i * 23 + j)], expected, kUnitsOfBoth * (1.0 + std::abs(expected)));
    }
}

TEST(Language, FunctionsThatAreNotRandomTakeNoStream) {
  EXPECT_FALSE(Program::compile("sin(i)").is_random());
  EXPECT_EQ(evaluate_one<double>("sin(0) + uniform()"), evaluate_one<double>("uniform()"));
  EXPECT_EQ(evaluate_one<double>("maximum(uniform(), 0)"), evaluate_one<double>("uniform()"));
}

TEST(Language, IntermediateValuesAreKeptApart) {
  const auto found =
      evaluate_all<std::int64_t>("i % 5 + (j % 3)*(i % 7 - (j % 4)*(i % 3 + where(i < j, j % 2, i % 11)))");
  for (std::int64_t i = 0; i < 197; ++i)
    for (std::int64_t j = 0; j < 23; ++j) {
      const std::int64_t chosen = i < j ? j % 2 : i % 11;
      ASSERT_EQ(found[static_cast<std::size_t>(i * 23 + j)], i % 5 + (j % 3) * (i % 7 - (j % 4) * (i % 3 + chosen)));
    }
}

TEST(Language, WhatDependsOnTheColumnAloneIsTheSameInEveryRow) {
  const Bindings wide = bindings({.rows = 31, .cols = 1009});
  const std::vector<double> found = evaluate_all<double>("sin(j*0.01)*i + j % 7 + exp(j/1009)*offset", wide);
  const std::vector<double> column = evaluate_all<double>("sin(i*0.01)", bindings({.rows = 1009, .cols = 1}));
  const std::vector<double> growth = evaluate_all<double>("exp(i/1009)", bindings({.rows = 1009, .cols = 1}));
  for (std::size_t i = 0; i < 31; ++i)
    for (std::size_t j = 0; j < 1009; ++j)
      ASSERT_EQ(found[i * 1009 + j],
                column[j] * static_cast<double>(i) + static_cast<double>(j % 7) + growth[j] * 100.0);
}

TEST(Language, InOneDimensionIIsTheElementAndJIsZero) {
  const std::vector<std::int64_t> found =
      evaluate_all<std::int64_t>("i*10 + j", bindings({.rows = 3001, .cols = 1, .one_dimensional = true}));
  for (std::size_t n = 0; n < found.size(); ++n) ASSERT_EQ(found[n], static_cast<std::int64_t>(n) * 10);
}

TEST(Language, IntegersWrapAsInNumpy) {
  EXPECT_EQ(evaluate_one<std::int64_t>("9223372036854775807 + 1"), kMin64);
  EXPECT_EQ(evaluate_one<std::int64_t>("-9223372036854775807 - 2"), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(evaluate_one<std::int64_t>("4611686018427387904*2"), kMin64);
  EXPECT_EQ(evaluate_one<std::int64_t>("2**64"), 0);
  EXPECT_EQ(evaluate_one<std::int64_t>("3**41"), -420491770248316829);
  EXPECT_EQ(evaluate_one<std::int64_t>("j % 0"), 0);
  EXPECT_EQ(evaluate_one<std::int64_t>("(-9223372036854775807 - 1) % -1"), 0);
}

TEST(Language, FloatsThatDoNotFitBecomeTheMinimum) {
  for (const char* const text : {"1e19", "-1e19", "0.0/0", "1e308*10", "-1e308*10", "9223372036854775808"})
    EXPECT_EQ(evaluate_one<std::int64_t>(text), kMin64) << text;
  for (const char* const text : {"2147483648.0", "-2147483649.0", "0.0/0", "1e300"})
    EXPECT_EQ(evaluate_one<std::int32_t>(text), kMin32) << text;
  EXPECT_EQ(evaluate_one<std::int32_t>("2147483647.9"), 2147483647);
  EXPECT_EQ(evaluate_one<std::int32_t>("-2.9"), -2);
  EXPECT_EQ(evaluate_one<std::int64_t>("2.9"), 2);
}

TEST(Language, IntegersWrapIntoInt32) {
  EXPECT_EQ(evaluate_one<std::int32_t>("2**31"), kMin32);
  EXPECT_EQ(evaluate_one<std::int32_t>("2**32 + 5"), 5);
}

TEST(Language, Float32IsRoundedOnceFromFloat64) {
  EXPECT_EQ(evaluate_one<float>("0.1"), 0.1F);
  EXPECT_EQ(evaluate_one<float>("16777217"), 16777216.0F);
  EXPECT_EQ(evaluate_one<float>("1e39"), std::numeric_limits<float>::infinity());
}

TEST(Language, InvalidOperationsGiveNan) {
  for (const char* const text : {"0/0", "0.0 % 0", "j % 0.0", "(0-1)**0.5", "1e308*10 - 1e308*10", "sqrt(-1)",
                                 "log(-1)", "arcsin(2)", "sin(1/0)", "minimum(0/0, 1)", "minimum(1, 0/0)",
                                 "maximum(0/0, 1)", "maximum(1, 0/0)", "clip(0/0, 0, 1)", "sign(0/0)", "hypot(0/0, 1)"})
    EXPECT_TRUE(std::isnan(evaluate_one<double>(text))) << text;
  EXPECT_EQ(evaluate_one<double>("1/0"), kInfinity);
  EXPECT_EQ(evaluate_one<double>("-1/0"), -kInfinity);
  EXPECT_EQ(evaluate_one<std::int64_t>("0/0 == 0/0"), 0);
  EXPECT_EQ(evaluate_one<std::int64_t>("0/0 != 0/0"), 1);
  EXPECT_EQ(evaluate_one<std::int64_t>("where(0/0, 1, 2)"), 1);
}

TEST(Language, SmallPowersAreProducts) {
  const double x = 1.0 / 3.0;
  EXPECT_EQ(evaluate_one<double>("(1/3)**2"), x * x);
  EXPECT_EQ(evaluate_one<double>("(1/3)**3"), x * (x * x));
  EXPECT_EQ(evaluate_one<double>("(1/3)**4"), (x * x) * (x * x));
  EXPECT_EQ(evaluate_one<double>("(1/3)**9"), std::pow(x, 9.0));
  EXPECT_EQ(evaluate_one<double>("(0/0)**0"), 1.0);
}

TEST(Language, TellsWhatAProgramDependsOn) {
  EXPECT_FALSE(Program::compile("i + offset").depends_on_rank());
  EXPECT_FALSE(Program::compile("i + offset").is_random());
  for (const char* const text : {"rank", "2*node", "where(i, 1, pid)"})
    EXPECT_TRUE(Program::compile(text).depends_on_rank()) << text;
  EXPECT_TRUE(Program::compile("normal() + 1").is_random());
}

}  // namespace
}  // namespace windrow::expr
