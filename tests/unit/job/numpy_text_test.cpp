#include "job/numpy_text.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <type_traits>

#include "base/error.hpp"

namespace windrow {
namespace {

// Every expected text of an array or a scalar is what numpy 1.24.2 prints for it.

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

template <typename Element>
ElementType type_of() {
  for (const ElementType type : kElementTypes)
    if (with_element(type, [](auto element) { return std::is_same_v<decltype(element), Element>; })) return type;
  throw Error(ExitStatus::internal, "no type of elements");
}

/// The text of the array whose element (i, j) is element(i, j).
template <typename Element, typename Function>
std::string filled_text(const Extents& extents, Function&& element) {
  const ShownPart part = shown_part(extents);
  std::vector<Element> shown;
  for (const std::int64_t i : part.rows)
    for (const std::int64_t j : part.cols)
      shown.push_back(static_cast<Element>(element(static_cast<double>(i), static_cast<double>(j))));
  return numpy_text(type_of<Element>(), extents, std::as_bytes(std::span(shown)));
}

template <typename Element>
std::string vector_text(const std::vector<Element>& elements) {
  const Extents extents{.rows = std::ssize(elements), .one_dimensional = true};
  return numpy_text(type_of<Element>(), extents, std::as_bytes(std::span(elements)));
}

template <typename Element>
std::string matrix_text(std::int64_t cols, const std::vector<Element>& elements) {
  const Extents extents{.rows = std::ssize(elements) / cols, .cols = cols};
  return numpy_text(type_of<Element>(), extents, std::as_bytes(std::span(elements)));
}

TEST(NumpyText, ShowsTheCornersOfALargeMatrix) {
  EXPECT_EQ(filled_text<double>({2000, 10}, [](double i, double) { return std::floor(i / 100) * 100; }),
            R"([[   0.    0.    0. ...    0.    0.    0.]
 [   0.    0.    0. ...    0.    0.    0.]
 [   0.    0.    0. ...    0.    0.    0.]
 ...
 [1900. 1900. 1900. ... 1900. 1900. 1900.]
 [1900. 1900. 1900. ... 1900. 1900. 1900.]
 [1900. 1900. 1900. ... 1900. 1900. 1900.]])");
  EXPECT_EQ(filled_text<std::int64_t>({6000, 10000}, [](double i, double j) { return i * 10000 + j; }),
            R"([[       0        1        2 ...     9997     9998     9999]
 [   10000    10001    10002 ...    19997    19998    19999]
 [   20000    20001    20002 ...    29997    29998    29999]
 ...
 [59970000 59970001 59970002 ... 59979997 59979998 59979999]
 [59980000 59980001 59980002 ... 59989997 59989998 59989999]
 [59990000 59990001 59990002 ... 59999997 59999998 59999999]])");
  EXPECT_EQ(filled_text<double>({6000, 10000}, [](double i, double j) { return (i * 10000 + j) * (i * 10000 + j); }),
            R"([[0.00000000e+00 1.00000000e+00 4.00000000e+00 ... 9.99400090e+07
  9.99600040e+07 9.99800010e+07]
 [1.00000000e+08 1.00020001e+08 1.00040004e+08 ... 3.99880009e+08
  3.99920004e+08 3.99960001e+08]
 [4.00000000e+08 4.00040001e+08 4.00080004e+08 ... 8.99820009e+08
  8.99880004e+08 8.99940001e+08]
 ...
 [3.59640090e+15 3.59640102e+15 3.59640114e+15 ... 3.59760004e+15
  3.59760016e+15 3.59760028e+15]
 [3.59760040e+15 3.59760052e+15 3.59760064e+15 ... 3.59879974e+15
  3.59879986e+15 3.59879998e+15]
 [3.59880010e+15 3.59880022e+15 3.59880034e+15 ... 3.59999964e+15
  3.59999976e+15 3.59999988e+15]])");
  EXPECT_EQ(filled_text<float>({201, 5}, [](double i, double j) { return i + j; }), R"([[  0.   1.   2.   3.   4.]
 [  1.   2.   3.   4.   5.]
 [  2.   3.   4.   5.   6.]
 ...
 [198. 199. 200. 201. 202.]
 [199. 200. 201. 202. 203.]
 [200. 201. 202. 203. 204.]])");
  EXPECT_EQ(filled_text<std::int32_t>({1, 1001}, [](double, double j) { return j; }),
            "[[   0    1    2 ...  998  999 1000]]");
  EXPECT_EQ(filled_text<std::int32_t>({1001, 1}, [](double i, double) { return i; }), R"([[   0]
 [   1]
 [   2]
 ...
 [ 998]
 [ 999]
 [1000]])");
}

TEST(NumpyText, WritesTheFewestDigitsThatReadBack) {
  EXPECT_EQ(vector_text<double>({0.1, 1.5, -20}), "[  0.1   1.5 -20. ]");
  EXPECT_EQ(vector_text<float>({0.1, 0.2, 0.3}), "[0.1 0.2 0.3]");
  EXPECT_EQ(vector_text<float>({16777.216, 30}), "[16777.217    30.   ]");
  EXPECT_EQ(vector_text<double>({3}), "[3.]");
  EXPECT_EQ(vector_text<double>({0, -0.0}), "[ 0. -0.]");
  EXPECT_EQ(vector_text<std::int32_t>({1, -20, 300}), "[  1 -20 300]");
  EXPECT_EQ(vector_text<std::int64_t>({-9'223'372'036'854'775'807, 1}), "[-9223372036854775807                    1]");
}

TEST(NumpyText, CutsAtEightDigitsBehindThePoint) {
  EXPECT_EQ(vector_text<double>({3.141592653589793, 2.5}), "[3.14159265 2.5       ]");
  EXPECT_EQ(vector_text<double>({0.333333333333333, 100.1}), "[  0.33333333 100.1       ]");
  EXPECT_EQ(vector_text<double>({0.123456785, 0.001953125, 0.005859375}), "[0.12345678 0.00195312 0.00585938]");
  EXPECT_EQ(vector_text<double>({0.99999999999, 5}), "[1. 5.]");
  EXPECT_EQ(vector_text<double>({0.4999999999, 1}), "[0.5 1. ]");
}

TEST(NumpyText, TakesExponentsForLargeSmallAndWideSpread) {
  EXPECT_EQ(vector_text<double>({99'999'999}), "[99999999.]");
  EXPECT_EQ(vector_text<double>({100'000'000}), "[1.e+08]");
  EXPECT_EQ(vector_text<double>({0.0001}), "[0.0001]");
  EXPECT_EQ(vector_text<double>({0.0000999}), "[9.99e-05]");
  EXPECT_EQ(vector_text<double>({1000, 1}), "[1000.    1.]");
  EXPECT_EQ(vector_text<double>({1000.1, 1}), "[1.0001e+03 1.0000e+00]");
  EXPECT_EQ(vector_text<double>({0, 1e-5}), "[0.e+00 1.e-05]");
  EXPECT_EQ(vector_text<double>({-1e10, 0, 5}), "[-1.e+10  0.e+00  5.e+00]");
}

TEST(NumpyText, DecidesForFloat32AsNumpyDoes) {
  EXPECT_EQ(vector_text<float>({0.0001}), "[1.e-04]");
  EXPECT_EQ(vector_text<float>({2550, 2.55}), "[2550.      2.55]");
  EXPECT_EQ(vector_text<double>({2550, 2.5499999523162842}), "[2.55000000e+03 2.54999995e+00]");
  EXPECT_EQ(vector_text<float>({99'999'984, 1'000'000}), "[99999984.  1000000.]");
}

TEST(NumpyText, AddsTheDigitsOfTheNumberToAShorterMantissa) {
  EXPECT_EQ(vector_text<double>({0.1, 1e10, 1.23456789e3}), "[1.00000000e-01 1.00000000e+10 1.23456789e+03]");
  EXPECT_EQ(vector_text<float>({2e-5, 3e-5, 0.333333333}), "[1.9999999e-05 2.9999999e-05 3.3333334e-01]");
  EXPECT_EQ(vector_text<float>({1e-5, 50331652}), "[9.9999997e-06 5.0331652e+07]");
  EXPECT_EQ(vector_text<double>({1.2345678949e-7}), "[1.23456789e-07]");
}

TEST(NumpyText, MakesRoomForAnExponentOfThreeDigits) {
  EXPECT_EQ(vector_text<double>({1e100, 1, -1e-7}), "[ 1.e+100  1.e+000 -1.e-007]");
  EXPECT_EQ(vector_text<double>({5e-324, 1.7976931348623157e308}), "[4.94065646e-324 1.79769313e+308]");
  EXPECT_EQ(vector_text<double>({9.9999999999e99}), "[1.e+100]");
}

TEST(NumpyText, PutsWhatIsNotFiniteToTheRight) {
  EXPECT_EQ(vector_text<double>({kNan}), "[nan]");
  EXPECT_EQ(vector_text<double>({kInf, -kInf, kNan}), "[ inf -inf  nan]");
  EXPECT_EQ(vector_text<double>({0, kNan}), "[ 0. nan]");
  EXPECT_EQ(vector_text<double>({kInf, kNan, 1.25, -1}), "[  inf   nan  1.25 -1.  ]");
  EXPECT_EQ(vector_text<double>({1e-300, -kInf, kNan, -1}), "[ 1.e-300     -inf      nan -1.e+000]");
  EXPECT_EQ(vector_text<float>({123.25, kNan}), "[123.25    nan]");
}

TEST(NumpyText, BreaksLinesAtColumn75) {
  EXPECT_EQ(vector_text<double>({0.5, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18.25}),
            R"([ 0.5   1.    2.    3.    4.    5.    6.    7.    8.    9.   10.   11.
 12.   13.   14.   15.   16.   17.   18.25])");
  EXPECT_EQ(vector_text<std::int32_t>(
                {1111, 1112, 1113, 1114, 1115, 1116, 1117, 1118, 1119, 1120, 1121, 1122, 1123, 1124, 1125, 1126}),
            R"([1111 1112 1113 1114 1115 1116 1117 1118 1119 1120 1121 1122 1123 1124
 1125 1126])");
  EXPECT_EQ(matrix_text<double>(7, {1e-9, 1.125, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13.0625}),
            R"([[1.00000e-09 1.12500e+00 2.00000e+00 3.00000e+00 4.00000e+00 5.00000e+00
  6.00000e+00]
 [7.00000e+00 8.00000e+00 9.00000e+00 1.00000e+01 1.10000e+01 1.20000e+01
  1.30625e+01]])");
}

TEST(NumpyText, ShowsAMatrixRowByRow) {
  EXPECT_EQ(matrix_text<std::int32_t>(3, {0, 1, 2, 3, 4, -5}), R"([[ 0  1  2]
 [ 3  4 -5]])");
  EXPECT_EQ(matrix_text<double>(1, {0.5, 10, kNan}), R"([[ 0.5]
 [10. ]
 [ nan]])");
  EXPECT_EQ(matrix_text<double>(3, {1, 2, 3}), "[[1. 2. 3.]]");
}

TEST(NumpyText, ShowsTheEndsOfALongVector) {
  EXPECT_EQ(filled_text<std::int64_t>({1001, 1, true}, [](double i, double) { return i; }),
            "[   0    1    2 ...  998  999 1000]");
  EXPECT_EQ(filled_text<double>({1001, 1, true}, [](double i, double) { return i + 0.123456789e8; }),
            "[12345678.9 12345679.9 12345680.9 ... 12346676.9 12346677.9 12346678.9]");
  EXPECT_EQ(filled_text<double>({1001, 1, true}, [](double i, double) { return i + 1.23456789e-5; }),
            R"([1.23456789e-05 1.00001235e+00 2.00001235e+00 ... 9.98000012e+02
 9.99000012e+02 1.00000001e+03])");
}

TEST(NumpyText, TakesItsFormatFromWhatItShows) {
  EXPECT_EQ(filled_text<double>({2000, 1, true}, [](double i, double) { return i == 1000 ? 1e300 : 0.5; }),
            "[0.5 0.5 0.5 ... 0.5 0.5 0.5]");
}

TEST(NumpyText, WritesAScalarSoThatItReadsBack) {
  EXPECT_EQ(numpy_text(0.1), "0.1");
  EXPECT_EQ(numpy_text(3.0), "3.0");
  EXPECT_EQ(numpy_text(-0.0), "-0.0");
  EXPECT_EQ(numpy_text(1e16), "1e+16");
  EXPECT_EQ(numpy_text(9999999999999998.0), "9999999999999998.0");
  EXPECT_EQ(numpy_text(0.0001), "0.0001");
  EXPECT_EQ(numpy_text(0.00001), "1e-05");
  EXPECT_EQ(numpy_text(1.5e-05), "1.5e-05");
  EXPECT_EQ(numpy_text(1e22), "1e+22");
  EXPECT_EQ(numpy_text(5e-324), "5e-324");
  EXPECT_EQ(numpy_text(1.7976931348623157e308), "1.7976931348623157e+308");
  EXPECT_EQ(numpy_text(123456789.125), "123456789.125");
  EXPECT_EQ(numpy_text(kNan), "nan");
  EXPECT_EQ(numpy_text(kInf), "inf");
  EXPECT_EQ(numpy_text(-kInf), "-inf");
  EXPECT_EQ(numpy_text(std::int64_t{-1'799'999'999'940'000'000}), "-1799999999940000000");
}

TEST(NumpyText, OfNoElementsIsTwoBrackets) {
  EXPECT_EQ(numpy_text(ElementType::float64, {.rows = 0, .one_dimensional = true}, {}), "[]");
  EXPECT_EQ(numpy_text(ElementType::int32, {.rows = 3, .cols = 0}, {}), "[]");
}

TEST(NumpyText, RefusesElementsThatAreNotTheShownOnes) {
  const std::vector<std::byte> bytes(2000 * sizeof(double));
  const Extents extents{.rows = 2000, .one_dimensional = true};
  EXPECT_THROW((void)numpy_text(ElementType::float64, extents, bytes), Error) << "all of them";
  EXPECT_THROW((void)numpy_text(ElementType::float64, extents, std::span(bytes).first(6 * sizeof(float))), Error);
}

TEST(ShownPart, IsEverythingUpToAThousandElements) {
  const ShownPart part = shown_part({.rows = 100, .cols = 10});
  EXPECT_EQ(part.rows.size(), 100U);
  EXPECT_EQ(part.cols.size(), 10U);
  EXPECT_FALSE(part.is_summarised);
}

TEST(ShownPart, IsTheCornersOfMoreThanThat) {
  const ShownPart part = shown_part({.rows = 6'000'000'000, .cols = 6});
  EXPECT_EQ(part.rows, (std::vector<std::int64_t>{0, 1, 2, 5'999'999'997, 5'999'999'998, 5'999'999'999}));
  EXPECT_EQ(part.cols, (std::vector<std::int64_t>{0, 1, 2, 3, 4, 5})) << "an axis of 6 has no middle";
  EXPECT_TRUE(part.is_summarised);
}

}  // namespace
}  // namespace windrow
