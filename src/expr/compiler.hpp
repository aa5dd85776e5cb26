#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "expr/builder.hpp"
#include "expr/lexer.hpp"
#include "expr/names.hpp"
#include "expr/program.hpp"

namespace windrow::expr {

/// A number, or a list of them.
struct Literal {
  std::vector<double> numbers;
  bool is_list = false;
};

/// The arguments of a call of a reduction, as they are written.
struct ReductionCall {
  const ReductionName* name = nullptr;
  Token token = {};  ///< the name in the text
  std::vector<Value> operands = {};
  std::map<std::string, Literal, std::less<>> keywords = {};
};

/// What a text may use besides the variables and functions of the language.
struct Scope {
  std::map<std::string, Value, std::less<>> names = {};
  std::function<Value(const ReductionCall&)> reduce = {};  ///< none where there is nothing to reduce
  std::int32_t stream = 0;                                 ///< that random calls draw from
  std::int64_t random_calls = 0;                           ///< how many the stream has had
};

/// Parser of one text, by precedence climbing.
///     expression = signed {operator signed}, the operators bound as in Python
///     signed     = ("+" | "-" | "~") signed | power
///     power      = primary ["**" signed]
///     primary    = number | name | name "(" [argument {"," argument}] ")" | "(" expression ")"
class Compiler {
 public:
  Compiler(std::string_view text, Builder& builder);

  /// "name = expression": the name. What follows is a whole expression. Throws ExpressionError.
  [[nodiscard]] Token target();

  /// The rest of the text as an expression; counts the random calls in `scope`. Throws ExpressionError.
  [[nodiscard]] Value whole_expression(Scope& scope);

 private:
  class Nesting;

  Value expression(int level = 0);
  Value signed_power();
  Value power();
  Value primary();
  Value number();
  Value name();
  Value call(const Token& name);
  Value call_reduction(const Token& name, const ReductionName& reduction);
  Value apply(const Function& function, const std::vector<Value>& arguments, const Token& name, std::int64_t call);
  Value random(const Function& function, const std::vector<Value>& arguments, const Token& name, std::int64_t call);
  std::vector<Value> arguments();
  void check_keyword(const Token& keyword, std::string_view word, const Literal& value) const;
  Literal literals();
  double literal();

  [[nodiscard]] Token following() const;
  Token take();
  void expect(std::string_view symbol);
  void count(const Token& token);
  [[nodiscard]] std::string advice_on_unknown(const Token& name) const;
  [[noreturn]] static void fail(const Token& token, const std::string& message);
  [[noreturn]] void fail_after_value(std::string_view expected) const;

  std::string_view text_;
  Token token_;  ///< the one to be looked at next
  Builder* builder_;
  Scope* scope_ = nullptr;
  std::size_t depth_ = 0;
  std::size_t operations_ = 0;
};

}  // namespace windrow::expr
