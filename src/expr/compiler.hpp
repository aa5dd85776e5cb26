#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "expr/builder.hpp"
#include "expr/lexer.hpp"
#include "expr/names.hpp"
#include "expr/program.hpp"

namespace windrow::expr {

/// Parser of one text, by recursive descent: a method for each level of precedence.
///     comparison = sum [("<" | "<=" | ">" | ">=" | "==" | "!=") sum]
///     sum        = term {("+" | "-") term}
///     term       = signed {("*" | "/" | "%") signed}
///     signed     = ("+" | "-") signed | power
///     power      = primary ["**" signed]
///     primary    = number | name | name "(" [comparison {"," comparison}] ")" | "(" comparison ")"
class Compiler {
 public:
  explicit Compiler(std::string_view text);

  /// Throws ExpressionError.
  [[nodiscard]] Program compile();

 private:
  using Value = Builder::Value;
  class Nesting;

  Value comparison();
  Value sum();
  Value term();
  Value signed_power();
  Value power();
  Value primary();
  Value number();
  Value name();
  Value call(const Token& name);
  Value apply(const Function& function, const std::vector<Value>& arguments, std::int64_t random_call);
  Value random(const Function& function, const std::vector<Value>& arguments, std::int64_t call);
  std::vector<Value> arguments();

  Token take();
  void expect(std::string_view symbol);
  void check_size(const Token& token) const;
  [[noreturn]] static void fail(const Token& token, const std::string& message);
  [[noreturn]] void fail_after_value(std::string_view expected) const;

  std::string_view text_;
  Token token_;  ///< the one to be looked at next
  Builder builder_;
  std::size_t depth_ = 0;
  std::int64_t random_calls_ = 0;
  bool depends_on_rank_ = false;
};

}  // namespace windrow::expr
