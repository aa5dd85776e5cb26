#include "expr/names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <numbers>
#include <utility>
#include <vector>

namespace windrow::expr {
namespace {

struct Variable {
  std::string_view name;
  Instruction instruction;
};

constexpr Instruction integer(Opcode opcode) {
  return {.opcode = opcode, .type = ValueType::int64};
}
constexpr Instruction truth(std::int64_t bit) {
  return {.opcode = Opcode::constant, .type = ValueType::boolean, .integer = bit};
}
constexpr Instruction constant(double number) {
  return {.opcode = Opcode::constant, .type = ValueType::float64, .integer = std::bit_cast<std::int64_t>(number)};
}

constexpr std::array kVariables{
    Variable{"i", integer(Opcode::row)},
    Variable{"j", integer(Opcode::column)},
    Variable{"offset", integer(Opcode::offset)},
    Variable{"rows", integer(Opcode::rows)},
    Variable{"cols", integer(Opcode::cols)},
    Variable{"rank", integer(Opcode::rank)},
    Variable{"node", integer(Opcode::node)},
    Variable{"pid", integer(Opcode::pid)},
    Variable{"pi", constant(std::numbers::pi)},
    Variable{"e", constant(std::numbers::e)},
    Variable{"inf", constant(std::numeric_limits<double>::infinity())},
    // The NaN that processors make, so that there is one in all programs.
    Variable{"nan", constant(std::bit_cast<double>(std::uint64_t{0xfff8000000000000}))},
    Variable{"True", truth(1)},
    Variable{"False", truth(0)},
};

using Kind = Function::Kind;

constexpr std::array kFunctions{
    Function{.kind = Kind::where, .name = "where", .usage = "where(condition, a, b)", .arguments = 3},
    Function{.kind = Kind::uniform,
             .name = "uniform",
             .usage = "uniform() or uniform(low, high)",
             .arguments = 2,
             .may_be_empty = true},
    Function{.kind = Kind::normal,
             .name = "normal",
             .usage = "normal() or normal(mean, deviation)",
             .arguments = 2,
             .may_be_empty = true},
    Function{.kind = Kind::of_float64, .name = "sin", .usage = "sin(x)", .kernel = kernel::Function::sin},
    Function{.kind = Kind::of_float64, .name = "cos", .usage = "cos(x)", .kernel = kernel::Function::cos},
    Function{.kind = Kind::of_float64, .name = "tan", .usage = "tan(x)", .kernel = kernel::Function::tan},
    Function{.kind = Kind::of_float64, .name = "arcsin", .usage = "arcsin(x)", .kernel = kernel::Function::arcsin},
    Function{.kind = Kind::of_float64, .name = "arccos", .usage = "arccos(x)", .kernel = kernel::Function::arccos},
    Function{.kind = Kind::of_float64, .name = "arctan", .usage = "arctan(x)", .kernel = kernel::Function::arctan},
    Function{
        .kind = Kind::binary, .name = "arctan2", .usage = "arctan2(y, x)", .arguments = 2, .opcode = Opcode::arctan2},
    Function{.kind = Kind::binary, .name = "hypot", .usage = "hypot(x, y)", .arguments = 2, .opcode = Opcode::hypot},
    Function{.kind = Kind::of_float64, .name = "sinh", .usage = "sinh(x)", .kernel = kernel::Function::sinh},
    Function{.kind = Kind::of_float64, .name = "cosh", .usage = "cosh(x)", .kernel = kernel::Function::cosh},
    Function{.kind = Kind::of_float64, .name = "tanh", .usage = "tanh(x)", .kernel = kernel::Function::tanh},
    Function{.kind = Kind::of_float64, .name = "arcsinh", .usage = "arcsinh(x)", .kernel = kernel::Function::arcsinh},
    Function{.kind = Kind::of_float64, .name = "arccosh", .usage = "arccosh(x)", .kernel = kernel::Function::arccosh},
    Function{.kind = Kind::of_float64, .name = "arctanh", .usage = "arctanh(x)", .kernel = kernel::Function::arctanh},
    Function{.kind = Kind::of_float64, .name = "exp", .usage = "exp(x)", .kernel = kernel::Function::exp},
    Function{.kind = Kind::of_float64, .name = "expm1", .usage = "expm1(x)", .kernel = kernel::Function::expm1},
    Function{.kind = Kind::of_float64, .name = "log", .usage = "log(x)", .kernel = kernel::Function::log},
    Function{.kind = Kind::of_float64, .name = "log10", .usage = "log10(x)", .kernel = kernel::Function::log10},
    Function{.kind = Kind::of_float64, .name = "log1p", .usage = "log1p(x)", .kernel = kernel::Function::log1p},
    Function{.kind = Kind::of_float64, .name = "sqrt", .usage = "sqrt(x)", .kernel = kernel::Function::sqrt},
    Function{.kind = Kind::of_float64, .name = "floor", .usage = "floor(x)", .kernel = kernel::Function::floor},
    Function{.kind = Kind::of_float64, .name = "ceil", .usage = "ceil(x)", .kernel = kernel::Function::ceil},
    Function{.kind = Kind::rounding, .name = "round", .usage = "round(x)", .kernel = kernel::Function::round},
    Function{.kind = Kind::of_number,
             .name = "abs",
             .usage = "abs(x)",
             .kernel = kernel::Function::abs,
             .of_int64 = kernel::Function::abs_int64},
    Function{.kind = Kind::of_number,
             .name = "sign",
             .usage = "sign(x)",
             .kernel = kernel::Function::sign,
             .of_int64 = kernel::Function::sign_int64},
    Function{
        .kind = Kind::binary, .name = "minimum", .usage = "minimum(x, y)", .arguments = 2, .opcode = Opcode::minimum},
    Function{
        .kind = Kind::binary, .name = "maximum", .usage = "maximum(x, y)", .arguments = 2, .opcode = Opcode::maximum},
    Function{.kind = Kind::clip, .name = "clip", .usage = "clip(x, low, high)", .arguments = 3},
    Function{.kind = Kind::test, .name = "isnan", .usage = "isnan(x)", .kernel = kernel::Function::is_nan},
    Function{.kind = Kind::test, .name = "isfinite", .usage = "isfinite(x)", .kernel = kernel::Function::is_finite},
};

constexpr std::array<std::string_view, 2> kAlongAxis{"axis", "keepdims"};
constexpr std::array<std::string_view, 3> kWithFreedom{"axis", "keepdims", "ddof"};
constexpr std::array<std::string_view, 2> kHistogram{"bins", "range"};
constexpr std::array<std::string_view, 1> kQuantile{"q"};

constexpr std::array kReductions{
    ReductionName{.name = "sum", .usage = "sum(v) or sum(v, axis=0)", .keywords = kAlongAxis},
    ReductionName{.name = "mean", .usage = "mean(v) or mean(v, axis=0)", .keywords = kAlongAxis},
    ReductionName{.name = "min", .usage = "min(v) or min(v, axis=0)", .keywords = kAlongAxis},
    ReductionName{.name = "max", .usage = "max(v) or max(v, axis=0)", .keywords = kAlongAxis},
    ReductionName{.name = "prod", .usage = "prod(v) or prod(v, axis=0)", .keywords = kAlongAxis},
    ReductionName{.name = "var", .usage = "var(v) or var(v, axis=0, ddof=1)", .keywords = kWithFreedom},
    ReductionName{.name = "std", .usage = "std(v) or std(v, axis=0, ddof=1)", .keywords = kWithFreedom},
    ReductionName{.name = "any", .usage = "any(v) or any(v, axis=0)", .keywords = kAlongAxis},
    ReductionName{.name = "all", .usage = "all(v) or all(v, axis=0)", .keywords = kAlongAxis},
    ReductionName{
        .name = "count_nonzero", .usage = "count_nonzero(v) or count_nonzero(v, axis=0)", .keywords = kAlongAxis},
    ReductionName{.name = "norm", .usage = "norm(v) or norm(v, axis=0)", .keywords = kAlongAxis},
    ReductionName{.name = "vdot", .usage = "vdot(a, b)", .operands = 2},
    ReductionName{.name = "argmin", .usage = "argmin(v) or argmin(v, axis=0)", .keywords = kAlongAxis},
    ReductionName{.name = "argmax", .usage = "argmax(v) or argmax(v, axis=0)", .keywords = kAlongAxis},
    ReductionName{
        .name = "histogram", .usage = "histogram(v, bins=10, range=(0, 1))", .second = "bins", .keywords = kHistogram},
    ReductionName{.name = "quantile", .usage = "quantile(v, [0.25, 0.5])", .second = "q", .keywords = kQuantile},
};

constexpr std::string_view kAnd = "'and' is written &, the conditions in parentheses: (a < b) & (c < d)";
constexpr std::string_view kOr = "'or' is written |, the conditions in parentheses: (a < b) | (c < d)";
constexpr std::string_view kNot = "'not' is written ~(a < b)";
constexpr std::string_view kWhere = "a choice is written where(condition, a, b)";
constexpr std::string_view kUnequal = "'not equal' is written !=";
constexpr std::string_view kProduct = "a product is written *";
constexpr std::string_view kRound = "use round parentheses";

constexpr std::string_view kNoDot = "there are no methods and no modules: sum(u) stands for u.sum() and np.sum(u)";
constexpr std::string_view kNoNone = "every element has a value: write nan, or leave the word out";

constexpr std::array<std::pair<std::string_view, std::string_view>, 26> kForeign{{
    {"=", "'equal' is written =="},
    {"and", kAnd},
    {"&&", kAnd},
    {"or", kOr},
    {"||", kOr},
    {"not", kNot},
    {"!", kNot},
    {"if", kWhere},
    {"else", kWhere},
    {"?", kWhere},
    {":", kWhere},
    {"<>", kUnequal},
    {"≠", kUnequal},
    {"≤", "write <="},
    {"≥", "write >="},
    {"×", kProduct},
    {"·", kProduct},
    {"÷", "a quotient is written /"},
    {"−", "write the minus sign of the keyboard, -"},
    {"²", "a square is written **2"},
    {"π", "write pi"},
    {"[", kRound},
    {"{", kRound},
    {".", kNoDot},
    {"@", "matrix products are not computed; vdot(a, b) is the sum of a*b"},
    {"None", kNoNone},
}};

constexpr std::string_view kNoCast =
    "an array has the type that it is declared with ([arrays.NAME], type = \"int64\"); a whole number below x is "
    "floor(x)";

/// Functions of other languages, or by other names.
constexpr std::array<std::pair<std::string_view, std::string_view>, 39> kForeignFunctions{{
    {"pow", "a power is written **"},
    {"power", "a power is written **"},
    {"square", "a square is written **2"},
    {"exp2", "write 2**x"},
    {"cbrt", "write x**(1/3)"},
    {"log2", "write log(x)/log(2)"},
    {"mod", "a remainder is written %"},
    {"fmod", "a remainder is written %, with the sign of the divisor"},
    {"ln", "write log"},
    {"fabs", "write abs"},
    {"amin", "write min"},
    {"amax", "write max"},
    {"average", "write mean"},
    {"product", "write prod"},
    {"percentile", "write quantile(v, [fractions])"},
    {"median", "write quantile(v, [0.5])"},
    {"logical_and", "write &"},
    {"logical_or", "write |"},
    {"logical_not", "write ~"},
    {"rint", "write round"},
    {"ceiling", "write ceil"},
    {"sgn", "write sign"},
    {"asin", "write arcsin"},
    {"acos", "write arccos"},
    {"atan", "write arctan"},
    {"atan2", "write arctan2"},
    {"asinh", "write arcsinh"},
    {"acosh", "write arccosh"},
    {"atanh", "write arctanh"},
    {"random", "random numbers are drawn by uniform() and normal()"},
    {"rand", "random numbers are drawn by uniform() and normal()"},
    {"int", kNoCast},
    {"float", kNoCast},
    {"bool", "write x != 0"},
    {"absolute", "write abs"},
    {"len", "write rows, or cols"},
    {"dot", "write vdot(a, b), the sum of a*b"},
    {"isinf", "write abs(x) == inf"},
    {"transpose", "arrays are not transposed; read the result so: array[:].T"},
}};

/// Modules whose functions have the same names here.
constexpr std::array<std::string_view, 4> kForeignModules{"np", "numpy", "math", "ne"};

char lower(char c) {
  return 'A' <= c && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Levenshtein's distance, without regard to case.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t n = 0; n < row.size(); ++n) row[n] = n;
  for (std::size_t m = 1; m <= a.size(); ++m) {
    std::size_t diagonal = std::exchange(row[0], m);
    for (std::size_t n = 1; n <= b.size(); ++n) {
      const std::size_t replaced = diagonal + (lower(a[m - 1]) == lower(b[n - 1]) ? 0 : 1);
      diagonal = row[n];
      row[n] = std::min({replaced, row[n] + 1, row[n - 1] + 1});
    }
  }
  return row.back();
}

std::string advice(std::string_view name, const std::vector<std::string_view>& known, std::string_view what) {
  const auto nearest = std::ranges::min_element(known, {}, [&](std::string_view k) { return distance(name, k); });
  const std::size_t apart = distance(name, *nearest);
  // Two changes at most, and something of the name must remain.
  if (apart <= 2 && apart < name.size()) return fmt::format("; did you mean '{}'?", *nearest);
  return fmt::format("; the {} are {}", what, fmt::join(known, ", "));
}

}  // namespace

std::optional<Instruction> variable(std::string_view name) {
  const auto* const found = std::ranges::find(kVariables, name, &Variable::name);
  if (found == kVariables.end()) return std::nullopt;
  return found->instruction;
}

std::optional<Function> function(std::string_view name) {
  const auto* const found = std::ranges::find(kFunctions, name, &Function::name);
  if (found == kFunctions.end()) return std::nullopt;
  return *found;
}

const ReductionName* reduction(std::string_view name) {
  const auto* const found = std::ranges::find(kReductions, name, &ReductionName::name);
  return found == kReductions.end() ? nullptr : found;
}

std::string advice_on_name(std::string_view name, std::vector<std::string_view> known) {
  if (std::ranges::find(kForeignModules, name) != kForeignModules.end()) return fmt::format("; {}", kNoDot);
  for (const Variable& variable : kVariables) known.push_back(variable.name);
  for (const Function& function : kFunctions) known.push_back(function.name);
  return advice(name, known, "names");
}

std::string advice_on_function(std::string_view name) {
  const auto* const foreign =
      std::ranges::find(kForeignFunctions, name, &decltype(kForeignFunctions)::value_type::first);
  if (foreign != kForeignFunctions.end()) return fmt::format("; {}", foreign->second);
  std::vector<std::string_view> known;
  for (const Function& function : kFunctions) known.push_back(function.name);
  for (const ReductionName& reduction : kReductions) known.push_back(reduction.name);
  return advice(name, known, "functions");
}

std::string advice_on_symbol(std::string_view symbol) {
  const auto* const found = std::ranges::find(kForeign, symbol, &decltype(kForeign)::value_type::first);
  return found == kForeign.end() ? std::string() : fmt::format("; {}", found->second);
}

}  // namespace windrow::expr
