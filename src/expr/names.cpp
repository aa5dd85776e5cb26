#include "expr/names.hpp"

#include <fmt/format.h>

#include <algorithm>
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
constexpr Instruction constant(double number) {
  return {.opcode = Opcode::constant, .type = ValueType::float64, .number = number};
}

constexpr std::array kVariables{
    Variable{"i", integer(Opcode::row)},         Variable{"j", integer(Opcode::column)},
    Variable{"offset", integer(Opcode::offset)}, Variable{"rows", integer(Opcode::rows)},
    Variable{"cols", integer(Opcode::cols)},     Variable{"rank", integer(Opcode::rank)},
    Variable{"node", integer(Opcode::node)},     Variable{"pid", integer(Opcode::pid)},
    Variable{"pi", constant(std::numbers::pi)},  Variable{"e", constant(std::numbers::e)},
};

constexpr std::array kFunctions{
    Function{Function::Id::where, "where", "where(condition, a, b)", 3, false},
    Function{Function::Id::uniform, "uniform", "uniform() or uniform(low, high)", 2, true},
    Function{Function::Id::normal, "normal", "normal() or normal(mean, deviation)", 2, true},
};

constexpr std::string_view kAnd = "for 'and' write a product: (a < b) * (c < d)";
constexpr std::string_view kOr = "for 'or' write a sum: (a < b) + (c < d) > 0";
constexpr std::string_view kNot = "for 'not' write (a < b) == 0";
constexpr std::string_view kWhere = "a choice is written where(condition, a, b)";
constexpr std::string_view kUnequal = "'not equal' is written !=";
constexpr std::string_view kProduct = "a product is written *";
constexpr std::string_view kRound = "use round parentheses";

constexpr std::array<std::pair<std::string_view, std::string_view>, 29> kForeign{{
    {"^", "a power is written **"},
    {"=", "'equal' is written =="},
    {"and", kAnd},
    {"&&", kAnd},
    {"&", kAnd},
    {"or", kOr},
    {"||", kOr},
    {"|", kOr},
    {"not", kNot},
    {"!", kNot},
    {"~", kNot},
    {"if", kWhere},
    {"else", kWhere},
    {"?", kWhere},
    {":", kWhere},
    {"<>", kUnequal},
    {"≠", kUnequal},
    {"≤", "write <="},
    {"≥", "write >="},
    {"//", "for whole quotients write (a - a % b) / b"},
    {"<<", "write a * 2**n"},
    {"×", kProduct},
    {"·", kProduct},
    {"÷", "a quotient is written /"},
    {"−", "write the minus sign of the keyboard, -"},
    {"²", "a square is written **2"},
    {"π", "write pi"},
    {"[", kRound},
    {"{", kRound},
}};

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

std::string advice_on_name(std::string_view name) {
  std::vector<std::string_view> known;
  for (const Variable& variable : kVariables) known.push_back(variable.name);
  for (const Function& function : kFunctions) known.push_back(function.name);
  return advice(name, known, "names");
}

std::string advice_on_function(std::string_view name) {
  std::vector<std::string_view> known;
  for (const Function& function : kFunctions) known.push_back(function.name);
  return advice(name, known, "functions");
}

std::string advice_on_symbol(std::string_view symbol) {
  const auto* const found = std::ranges::find(kForeign, symbol, &decltype(kForeign)::value_type::first);
  return found == kForeign.end() ? std::string() : fmt::format("; {}", found->second);
}

}  // namespace windrow::expr
