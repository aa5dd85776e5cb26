#include <gtest/gtest.h>

#include <optional>

#include "unit/expr/evaluate.hpp"

namespace windrow::expr {
namespace {

struct Failure {
  std::size_t column;
  std::string message;
};

std::optional<Failure> failure(std::string_view text) {
  try {
    (void)Program::compile(text);
  } catch (const ExpressionError& error) {
    return Failure{error.column(), error.what()};
  }
  return std::nullopt;
}

struct Wrong {
  std::string_view text;
  std::size_t column;
  std::string_view message;  ///< a part of it
};

void check(const Wrong& wrong) {
  const auto found = failure(wrong.text);
  ASSERT_TRUE(found.has_value()) << wrong.text;
  EXPECT_EQ(found->column, wrong.column) << wrong.text << ": " << found->message;
  EXPECT_NE(found->message.find(wrong.message), std::string::npos) << wrong.text << ": " << found->message;
}

TEST(Error, SaysWhatWasExpectedAndFound) {
  for (const Wrong& wrong : {
           Wrong{"", 0, "the expression is empty"},
           Wrong{" \t\n", 3, "the expression is empty"},
           Wrong{"1 +", 3, "expected a number, a name or '(', found the end of the expression"},
           Wrong{"1 + ", 4, "found the end"},
           Wrong{"* 2", 0, "expected a number, a name or '(', found '*'"},
           Wrong{"1 + * 2", 4, "found '*'"},
           Wrong{"i % % j", 4, "found '%'"},
           Wrong{"(i + 1", 6, "expected an operator or ')', found the end"},
           Wrong{"(i + 1]", 6, "expected an operator or ')', found ']'"},
           Wrong{"()", 1, "found ')'"},
           Wrong{"i)", 1, "expected an operator or the end of the expression, found ')'"},
           Wrong{"i, j", 1, "found ','"},
           Wrong{".", 0, "found '.'"},
           Wrong{"i $ j", 2, "found '$'"},
           Wrong{"i @ j", 2, "found '@'"},
           Wrong{"\"i\"", 0, "found '\"'"},
           Wrong{"2 3", 2, "a product is written *"},
           Wrong{"2pi", 1, "found 'pi'; a product is written *"},
           Wrong{"2(i)", 1, "a product is written *"},
           Wrong{"(i)(j)", 3, "a product is written *"},
           Wrong{"1e", 1, "found 'e'"},
           Wrong{"1.2.3", 3, "found '.3'"},
           Wrong{"1e999", 0, "outside the range of float64"},
           Wrong{"i + 1e-999", 4, "outside the range of float64"},
           Wrong{std::string_view("i\0j", 3), 1, "found '\\x00'"},
       })
    check(wrong);
}

TEST(Error, TellsTheRightFormOfOtherLanguages) {
  for (const Wrong& wrong : {
           Wrong{"i^2.0", 1, "a power is written **"},
           Wrong{"i = j", 2, "'equal' is written =="},
           Wrong{"i < j and j < 3", 6, "'and' is written &, the conditions in parentheses: (a < b) & (c < d)"},
           Wrong{"i < j && j < 3", 6, "'and' is written &"},
           Wrong{"i < 0.5 & j < 3", 8, "bits are of whole numbers and truth values, found float64 and int64"},
           Wrong{"i < j or j < 3", 6, "'or' is written |"},
           Wrong{"not i", 0, "'not' is written ~(a < b)"},
           Wrong{"1 + not i", 4, "~(a < b)"},
           Wrong{"!i", 0, "~(a < b)"},
           Wrong{"~0.5", 0, "~ is of whole numbers and truth values, found float64"},
           Wrong{"-(i < j)", 0, "a truth value has no negative"},
           Wrong{"(i < j) - (j < 3)", 8, "truth values have no difference"},
           Wrong{"1 if i else 2", 2, "where(condition, a, b)"},
           Wrong{"i ? 1 : 2", 2, "where(condition, a, b)"},
           Wrong{"i <> j", 2, "'not equal' is written !="},
           Wrong{"i ≤ j", 2, "write <="},
           Wrong{"2×i", 1, "a product is written *"},
           Wrong{"i²", 1, "**2"},
           Wrong{"2*π", 2, "write pi"},
           Wrong{"[i]", 0, "round parentheses"},
           Wrong{"i[0]", 1, "parts of arrays are not taken"},
           Wrong{"i.mean()", 1, "sum(u) stands for u.sum()"},
           Wrong{"i @ j", 2, "vdot(a, b)"},
           Wrong{"where(i > 2, i, None)", 16, "write nan"},
           Wrong{"np.sin(i)", 0, "there are no methods and no modules"},
       })
    check(wrong);
}

TEST(Error, ComparisonsDoNotChain) {
  check({"0 < i < 5", 6, "comparisons do not chain; write (a < b) & (b < c)"});
  check({"0 <= i != 5", 7, "(a <= b) & (b != c)"});
  EXPECT_FALSE(failure("(0 < i) < 5").has_value());
  EXPECT_FALSE(failure("(0 < i) * (i < 5)").has_value());
}

TEST(Error, NamesTheNearestName) {
  for (const Wrong& wrong : {
           Wrong{"row", 0, "unknown name 'row'; did you mean 'rows'?"},
           Wrong{"1 + ofset", 4, "did you mean 'offset'?"},
           Wrong{"PI", 0, "did you mean 'pi'?"},
           Wrong{"i + ranks*2", 4, "did you mean 'rank'?"},
           Wrong{"temperature", 0,
                 "the names are i, j, offset, rows, cols, rank, node, pid, pi, e, inf, nan, True, False, where, "
                 "uniform, normal, sin, cos"},
           Wrong{"k", 0, "the names are i, j"},
           Wrong{"unifrom()", 0, "unknown function 'unifrom'; did you mean 'uniform'?"},
           Wrong{"2*bessel(i)", 2, "unknown function 'bessel'; the functions are where, uniform, normal, sin, cos"},
           Wrong{"Sin(i)", 0, "did you mean 'sin'?"},
           Wrong{"sqrt", 0, "'sqrt' is a function; write sqrt(x)"},
           Wrong{"i(2)", 1, "'i' is a number, not a function"},
           Wrong{"uniform", 0, "'uniform' is a function; write uniform() or uniform(low, high)"},
           Wrong{"where + 1", 0, "write where(condition, a, b)"},
       })
    check(wrong);
}

TEST(Error, TellsTheNamesOfFunctionsThatAreElsewhereCalledOtherwise) {
  for (const Wrong& wrong : {
           Wrong{"int(i)", 0, "has the type that it is declared with"},
           Wrong{"bool(i)", 0, "write x != 0"},
           Wrong{"isinf(i)", 0, "write abs(x) == inf"},
           Wrong{"pow(i, 2)", 0, "unknown function 'pow'; a power is written **"},
           Wrong{"1 + asin(i)", 4, "unknown function 'asin'; write arcsin"},
           Wrong{"atan2(i, j)", 0, "write arctan2"},
           Wrong{"ln(i)", 0, "write log"},
           Wrong{"log2(i)", 0, "write log(x)/log(2)"},
           Wrong{"fabs(i)", 0, "write abs"},
           Wrong{"max(i, j)", 0, "max is of one array; of two write maximum(a, b)"},
           Wrong{"min(i, j)", 0, "of two write minimum(a, b)"},
           Wrong{"sum(i)", 0, "'sum' is of whole arrays: it belongs to the statements of the job evaluate"},
           Wrong{"fmod(i, j)", 0, "a remainder is written %"},
       })
    check(wrong);
}

TEST(Error, CountsArguments) {
  for (const Wrong& wrong : {
           Wrong{"sin()", 0, "'sin' takes 1 argument, found 0; write sin(x)"},
           Wrong{"hypot(i)", 0, "'hypot' takes 2 arguments, found 1; write hypot(x, y)"},
           Wrong{"clip(i, 1)", 0, "write clip(x, low, high)"},
           Wrong{"where(i)", 0, "'where' takes 3 arguments, found 1; write where(condition, a, b)"},
           Wrong{"1 + where()", 4, "takes 3 arguments, found 0"},
           Wrong{"where(i, 1, 2, 3)", 0, "takes 3 arguments, found 4"},
           Wrong{"uniform(1)", 0, "takes 2 arguments or none, found 1; write uniform() or uniform(low, high)"},
           Wrong{"normal(1, 2, 3)", 0, "write normal() or normal(mean, deviation)"},
           Wrong{"2*normal(0, -1)", 2, "the deviation of normal(mean, deviation) is negative"},
           Wrong{"where(i, 1, 2", 13, "expected an operator, ',' or ')'"},
           Wrong{"where(i, , 2)", 9, "found ','"},
           Wrong{"uniform(", 8, "found the end"},
       })
    check(wrong);
}

std::string repeated(std::string_view text, std::size_t count) {
  std::string all;
  for (std::size_t n = 0; n < count; ++n) all += text;
  return all;
}

TEST(Error, DepthLengthAndOperationsAreLimited) {
  const auto nested = [](std::size_t depth) { return repeated("(", depth) + "i" + repeated(")", depth); };
  EXPECT_FALSE(failure(nested(64)).has_value());
  check({nested(65), 64, "nested too deeply: at most 64"});
  check({nested(30000), 64, "nested too deeply"});
  check({repeated("-", 60000) + "i", 64, "nested too deeply"});
  check({repeated("2**", 20000) + "2", 193, "nested too deeply"});
  check({repeated("where(1,1,", 6000) + "1", 645, "nested too deeply"});

  check({nested(500000), 65536, "has 1000001 characters; at most 65536"});
  check({repeated("i", 1000000), 65536, "has 1000000 characters"});
  check({repeated("i", 65536), 0, "unknown name 'iiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiii...'"});
  EXPECT_FALSE(failure(repeated(" ", 65535) + "i").has_value());

  EXPECT_FALSE(failure(repeated("i+", 2047) + "i").has_value());  // 2048 names, 2047 sums
  const auto too_many = failure(repeated("i+", 3000) + "i");
  ASSERT_TRUE(too_many.has_value());
  EXPECT_EQ(too_many->column, 2 * 2048 - 1U);
  EXPECT_NE(too_many->message.find("more than 4096"), std::string::npos) << too_many->message;
}

TEST(Error, LongTextsAreEvaluatedToo) {
  EXPECT_EQ(evaluate_one<std::int64_t>(repeated("i+", 2047) + "i"), 2048 * 12);
  EXPECT_EQ(evaluate_one<std::int64_t>(repeated("(1+", 64) + "j*j%5" + repeated(")", 64)), 64 + 49 % 5);
}

}  // namespace
}  // namespace windrow::expr
