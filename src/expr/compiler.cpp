#include "expr/compiler.hpp"

#include "expr/script.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

namespace windrow::expr {
namespace {

struct BinaryOperator {
  std::string_view symbol;
  int level;  ///< the higher, the tighter it binds
  Opcode opcode;
  bool is_exchanged = false;  ///< a > b is b < a
};

constexpr int kComparison = 0;
constexpr std::array kOperators{
    BinaryOperator{"<", kComparison, Opcode::less},
    BinaryOperator{"<=", kComparison, Opcode::less_equal},
    BinaryOperator{">", kComparison, Opcode::less, true},
    BinaryOperator{">=", kComparison, Opcode::less_equal, true},
    BinaryOperator{"==", kComparison, Opcode::equal},
    BinaryOperator{"!=", kComparison, Opcode::not_equal},
    BinaryOperator{"|", 1, Opcode::bit_or},
    BinaryOperator{"^", 2, Opcode::bit_xor},
    BinaryOperator{"&", 3, Opcode::bit_and},
    BinaryOperator{"<<", 4, Opcode::shift_left},
    BinaryOperator{">>", 4, Opcode::shift_right},
    BinaryOperator{"+", 5, Opcode::add},
    BinaryOperator{"-", 5, Opcode::subtract},
    BinaryOperator{"*", 6, Opcode::multiply},
    BinaryOperator{"/", 6, Opcode::divide},
    BinaryOperator{"//", 6, Opcode::floor_divide},
    BinaryOperator{"%", 6, Opcode::modulo},
};

const BinaryOperator* find_operator(const Token& token) {
  const auto* const found = std::ranges::find_if(kOperators, [&](const auto& known) { return token.is(known.symbol); });
  return found == kOperators.end() ? nullptr : found;
}

bool begins_value(const Token& token) {
  return token.kind == Token::Kind::number || token.kind == Token::Kind::name || token.is("(");
}

std::string counted(std::size_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

}  // namespace

/// Counts what is open, so that no text can exhaust the stack.
class Compiler::Nesting {
 public:
  Nesting(std::size_t& depth, const Token& token) : depth_(depth) {
    if (depth_ == Program::kMaxDepth)
      fail(token, fmt::format("the expression is nested too deeply: at most {} parentheses, signs and powers may be "
                              "inside each other",
                              Program::kMaxDepth));
    ++depth_;
  }
  ~Nesting() { --depth_; }
  Nesting(const Nesting&) = delete;
  Nesting& operator=(const Nesting&) = delete;

 private:
  std::size_t& depth_;
};

Compiler::Compiler(std::string_view text, Builder& builder) : text_(text), builder_(&builder) {
  if (text_.size() > Program::kMaxLength)
    throw ExpressionError(Program::kMaxLength, fmt::format("the expression has {} characters; at most {} are allowed",
                                                           text_.size(), Program::kMaxLength));
  token_ = next_token(text_, 0);
}

Value Compiler::whole_expression(Scope& scope) {
  scope_ = &scope;
  if (token_.kind == Token::Kind::end) fail(token_, "the expression is empty; write a number or a formula");
  const Value value = expression();
  if (token_.kind != Token::Kind::end) fail_after_value("an operator or the end of the expression");
  return value;
}

Token Compiler::target() {
  if (token_.kind == Token::Kind::end) fail(token_, "the statement is empty; write name = expression");
  const Token name = take();
  if (name.kind != Token::Kind::name)
    fail(name, fmt::format("expected a name, found {}; write name = expression", shown(name)));
  if (!token_.is("=")) {
    const bool is_augmented = find_operator(token_) != nullptr && following().is("=");
    fail(token_, fmt::format("expected '=', found {}; {}", shown(token_),
                             is_augmented ? fmt::format("write {0} = {0} {1} (...)", name.text, token_.text)
                                          : "a statement is name = expression"));
  }
  if (is_word(name.text)) fail(name, fmt::format("{} is a word of the language; take another name", shown(name)));
  take();
  return name;
}

Value Compiler::expression(int level) {
  Value value = signed_power();
  const BinaryOperator* compared = nullptr;
  for (;;) {
    const BinaryOperator* const found = find_operator(token_);
    if (found == nullptr || found->level < level) return value;
    if (compared != nullptr && found->level == kComparison)
      fail(token_, fmt::format("comparisons do not chain; write (a {} b) & (b {} c)", compared->symbol, found->symbol));
    if (found->level == kComparison) compared = found;
    const Token symbol = take();
    const Value right = expression(found->level + 1);
    builder_->locate(symbol.column);
    value = found->is_exchanged ? builder_->binary(found->opcode, right, value)
                                : builder_->binary(found->opcode, value, right);
    count(symbol);
  }
}

Value Compiler::signed_power() {
  if (!token_.is("-") && !token_.is("+") && !token_.is("~")) return power();
  const Nesting nesting(depth_, token_);
  const Token sign = take();
  const Value value = signed_power();
  builder_->locate(sign.column);
  count(sign);
  if (sign.is("+")) return value;
  return sign.is("-") ? builder_->negate(value) : builder_->invert(value);
}

Value Compiler::power() {
  const Value base = primary();
  if (!token_.is("**")) return base;
  const Nesting nesting(depth_, token_);
  const Token symbol = take();
  const Value exponent = signed_power();
  builder_->locate(symbol.column);
  count(symbol);
  return builder_->binary(Opcode::power, base, exponent);
}

Value Compiler::primary() {
  if (token_.kind == Token::Kind::number) return number();
  if (token_.kind == Token::Kind::name && advice_on_symbol(token_.text).empty()) return name();
  if (!token_.is("("))
    fail(token_,
         fmt::format("expected a number, a name or '(', found {}{}", shown(token_), advice_on_symbol(token_.text)));
  const Nesting nesting(depth_, token_);
  take();
  const Value value = expression();
  expect(")");
  return value;
}

Value Compiler::number() {
  const Token token = take();
  count(token);
  std::string digits;
  std::ranges::remove_copy(token.text, std::back_inserter(digits), '_');
  const char* const end = digits.data() + digits.size();
  std::int64_t integer = 0;
  const auto whole = std::from_chars(digits.data(), end, integer);
  if (whole.ptr == end && whole.ec == std::errc()) return builder_->constant(integer);
  double value = 0.0;
  const auto real = std::from_chars(digits.data(), end, value);
  if (real.ec == std::errc::result_out_of_range)
    fail(token, fmt::format("the number {} is outside the range of float64", shown(token)));
  return builder_->constant(value);
}

std::string Compiler::advice_on_unknown(const Token& name) const {
  std::vector<std::string_view> names;
  for (const auto& [known, value] : scope_->names) names.push_back(known);
  return advice_on_name(name.text, std::move(names));
}

Value Compiler::name() {
  const Token token = take();
  if (token_.is("(")) return call(token);
  if (const auto known = scope_->names.find(token.text); known != scope_->names.end()) {
    count(token);
    return known->second;
  }
  if (const auto found = function(token.text))
    fail(token, fmt::format("{} is a function; write {}", shown(token), found->usage));
  if (const auto* const found = reduction(token.text))
    fail(token, fmt::format("{} is a function; write {}", shown(token), found->usage));
  const auto found = variable(token.text);
  if (!found) fail(token, fmt::format("unknown name {}{}", shown(token), advice_on_unknown(token)));
  count(token);
  if (found->opcode == Opcode::offset && scope_->reduce)
    fail(token, "'offset' is the first row of a block of populate; here write i");
  Value value = builder_->append(*found);
  value.is_positional = Opcode::row <= found->opcode && found->opcode <= Opcode::cols;
  value.is_number = found->opcode != Opcode::row && found->opcode != Opcode::column;
  return value;
}

Value Compiler::call(const Token& name) {
  if (const auto* const found = reduction(name.text)) return call_reduction(name, *found);
  const auto found = function(name.text);
  if (!found && (variable(name.text) || scope_->names.contains(name.text)))
    fail(token_, fmt::format("{} is a number, not a function; a product is written *", shown(name)));
  if (!found) fail(name, fmt::format("unknown function {}{}", shown(name), advice_on_function(name.text)));
  const bool is_random = found->kind == Function::Kind::uniform || found->kind == Function::Kind::normal;
  const std::int64_t random_call = is_random ? scope_->random_calls++ : 0;
  const std::vector<Value> values = arguments();
  if (values.size() != found->arguments && !(values.empty() && found->may_be_empty))
    fail(name, fmt::format("{} takes {}{}, found {}; write {}", shown(name), counted(found->arguments, "argument"),
                           found->may_be_empty ? " or none" : "", values.size(), found->usage));
  builder_->locate(name.column);
  count(name);
  return apply(*found, values, name, random_call);
}

Value Compiler::call_reduction(const Token& name, const ReductionName& reduction) {
  ReductionCall call{.name = &reduction, .token = name};
  const Nesting nesting(depth_, token_);
  take();
  while (!token_.is(")")) {
    if (!call.operands.empty() || !call.keywords.empty()) {
      if (!token_.is(",")) fail_after_value("an operator, ',' or ')'");
      take();
    }
    const bool is_keyword = token_.kind == Token::Kind::name && following().is("=");
    // The bins of histogram(v, 10) and the fractions of quantile(v, [0.5]) may come without their names.
    const std::string_view by_place =
        call.operands.size() == reduction.operands && !call.operands.empty() && call.keywords.empty()
            ? reduction.second
            : std::string_view();
    if (is_keyword || !by_place.empty()) {
      const Token keyword = is_keyword ? take() : token_;
      if (is_keyword) take();
      const std::string word(is_keyword ? keyword.text : by_place);
      if (std::ranges::find(reduction.keywords, word) == reduction.keywords.end())
        fail(keyword, fmt::format("{} has no '{}'; write {}", shown(name), word, reduction.usage));
      Literal value = literals();
      check_keyword(keyword, word, value);
      if (!call.keywords.try_emplace(word, std::move(value)).second)
        fail(keyword, fmt::format("'{}' is given twice", word));
    } else {
      call.operands.push_back(expression());
    }
  }
  take();
  if (call.operands.size() != reduction.operands) {
    const bool is_pair = call.operands.size() == 2 && (name.text == "min" || name.text == "max");
    fail(name, is_pair ? fmt::format("{0} is of one array; of two write {0}imum(a, b)", name.text)
                       : fmt::format("{} takes {}, found {}; write {}", shown(name),
                                     counted(reduction.operands, "array"), call.operands.size(), reduction.usage));
  }
  if (!scope_->reduce)
    fail(name, fmt::format("{} is of whole arrays: it belongs to the statements of the job evaluate", shown(name)));
  builder_->locate(name.column);
  count(name);
  return scope_->reduce(call);
}

/// Only bins, range and fractions may be several numbers.
void Compiler::check_keyword(const Token& keyword, std::string_view word, const Literal& value) const {
  if (word != "axis" && word != "ddof" && word != "keepdims") return;
  if (value.is_list)
    fail(keyword, word == "axis" ? "axis= is a single number, 0 or 1; over all elements leave it out"
                                 : fmt::format("{}= is a single number", word));
  if (word == "axis" && value.numbers.front() != std::floor(value.numbers.front()))
    fail(keyword, fmt::format("axis={} is no whole number", value.numbers.front()));
}

/// A number, or several in brackets or parentheses.
Literal Compiler::literals() {
  const std::string_view close = token_.is("[") ? "]" : token_.is("(") ? ")" : "";
  if (close.empty()) return {.numbers = {literal()}};
  take();
  std::vector<double> numbers{literal()};
  while (token_.is(",")) {
    take();
    numbers.push_back(literal());
  }
  if (!token_.is(close)) fail(token_, fmt::format("expected ',' or '{}', found {}", close, shown(token_)));
  take();
  return {.numbers = std::move(numbers), .is_list = true};
}

double Compiler::literal() {
  const bool is_negative = token_.is("-");
  if (is_negative) take();
  if (token_.kind == Token::Kind::name && (token_.text == "True" || token_.text == "False"))
    return take().text == "True" ? 1.0 : 0.0;
  if (token_.kind != Token::Kind::number) fail(token_, fmt::format("expected a number, found {}", shown(token_)));
  const Instruction& instruction = builder_->at(number());
  const double value =
      instruction.type == ValueType::int64 ? static_cast<double>(instruction.integer) : instruction.number();
  return is_negative ? -value : value;
}

Value Compiler::apply(const Function& function, const std::vector<Value>& arguments, const Token& name,
                      std::int64_t call) {
  switch (function.kind) {
    case Function::Kind::where:
      return builder_->select(arguments[0], arguments[1], arguments[2]);
    case Function::Kind::clip:
      return builder_->binary(Opcode::minimum, builder_->binary(Opcode::maximum, arguments[0], arguments[1]),
                              arguments[2]);
    case Function::Kind::uniform:
    case Function::Kind::normal:
      return random(function, arguments, name, call);
    case Function::Kind::of_number:
      return builder_->function_of_number(function.kernel, function.of_int64, arguments[0]);
    case Function::Kind::rounding:
      if (!is_float(arguments[0].type)) return arguments[0];
      break;
    case Function::Kind::test:
      return builder_->test(function.kernel, arguments[0]);
    case Function::Kind::binary:
      return builder_->binary(function.opcode, arguments[0], arguments[1]);
    case Function::Kind::of_float64:
      break;
  }
  return builder_->function(function.kernel, arguments[0]);
}

/// With arguments, u (high - low) + low and z deviation + mean.
Value Compiler::random(const Function& function, const std::vector<Value>& arguments, const Token& name,
                       std::int64_t call) {
  const bool is_uniform = function.kind == Function::Kind::uniform;
  Value drawn = builder_->append({.opcode = is_uniform ? Opcode::uniform : Opcode::normal,
                                  .type = ValueType::float64,
                                  .integer = call,
                                  .stream = scope_->stream});
  drawn.is_positional = true;
  if (arguments.empty()) return drawn;
  if (!is_uniform && builder_->is_negated(arguments[1]))
    fail(name, "the deviation of normal(mean, deviation) is negative");
  const Value scale = is_uniform ? builder_->binary(Opcode::subtract, arguments[1], arguments[0]) : arguments[1];
  return builder_->binary(Opcode::add, builder_->binary(Opcode::multiply, drawn, scale), arguments[0]);
}

std::vector<Value> Compiler::arguments() {
  const Nesting nesting(depth_, token_);
  std::vector<Value> values;
  take();
  if (!token_.is(")")) {
    values.push_back(expression());
    while (token_.is(",")) {
      take();
      values.push_back(expression());
    }
  }
  if (!token_.is(")")) fail_after_value("an operator, ',' or ')'");
  take();
  return values;
}

Token Compiler::following() const {
  return next_token(text_, token_.column + token_.text.size());
}

Token Compiler::take() {
  return std::exchange(token_, following());
}

void Compiler::expect(std::string_view symbol) {
  if (!token_.is(symbol)) fail_after_value(fmt::format("an operator or '{}'", symbol));
  take();
}

void Compiler::count(const Token& token) {
  if (++operations_ > Program::kMaxOperations)
    fail(token, fmt::format("the expression has more than {} numbers, names and operations", Program::kMaxOperations));
}

void Compiler::fail(const Token& token, const std::string& message) {
  throw ExpressionError(token.column, message);
}

void Compiler::fail_after_value(std::string_view expected) const {
  std::string advice = advice_on_symbol(token_.text);
  if (advice.empty() && begins_value(token_)) advice = "; a product is written *";
  if (token_.is("[")) advice = "; parts of arrays are not taken: where(condition, a, b) chooses, a slice reads a part";
  fail(token_, fmt::format("expected {}, found {}{}", expected, shown(token_), advice));
}

}  // namespace windrow::expr
