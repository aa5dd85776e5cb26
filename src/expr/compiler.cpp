#include "expr/compiler.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace windrow::expr {
namespace {

struct BinaryOperator {
  std::string_view symbol;
  Opcode opcode;
  bool exchanged = false;  ///< a > b is b < a
};

constexpr std::array kComparisons{
    BinaryOperator{"<", Opcode::less},       BinaryOperator{"<=", Opcode::less_equal},
    BinaryOperator{">", Opcode::less, true}, BinaryOperator{">=", Opcode::less_equal, true},
    BinaryOperator{"==", Opcode::equal},     BinaryOperator{"!=", Opcode::not_equal},
};
constexpr std::array kSums{BinaryOperator{"+", Opcode::add}, BinaryOperator{"-", Opcode::subtract}};
constexpr std::array kTerms{BinaryOperator{"*", Opcode::multiply}, BinaryOperator{"/", Opcode::divide},
                            BinaryOperator{"%", Opcode::modulo}};

template <std::size_t kCount>
const BinaryOperator* find(const std::array<BinaryOperator, kCount>& operators, const Token& token) {
  const auto* const found = std::ranges::find_if(operators, [&](const auto& known) { return token.is(known.symbol); });
  return found == operators.end() ? nullptr : found;
}

bool begins_value(const Token& token) {
  return token.kind == Token::Kind::number || token.kind == Token::Kind::name || token.is("(");
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

Program Program::compile(std::string_view text) {
  return Compiler(text).compile();
}

Compiler::Compiler(std::string_view text) : text_(text) {}

Program Compiler::compile() {
  if (text_.size() > Program::kMaxLength)
    throw ExpressionError(Program::kMaxLength, fmt::format("the expression has {} characters; at most {} are allowed",
                                                           text_.size(), Program::kMaxLength));
  token_ = next_token(text_, 0);
  if (token_.kind == Token::Kind::end) fail(token_, "the expression is empty; write a number or a formula");
  const Value value = comparison();
  if (token_.kind != Token::Kind::end) fail_after_value("an operator or the end of the expression");
  Program program;
  program.text_ = text_;
  program.type_ = value.type;
  program.depends_on_rank_ = depends_on_rank_;
  program.is_random_ = random_calls_ > 0;
  program.instructions_ = std::make_shared<const std::vector<Instruction>>(builder_.take());
  return program;
}

Builder::Value Compiler::comparison() {
  const Value left = sum();
  const BinaryOperator* const first = find(kComparisons, token_);
  if (first == nullptr) return left;
  const Token symbol = take();
  const Value right = sum();
  if (const BinaryOperator* const second = find(kComparisons, token_))
    fail(token_,
         fmt::format("comparisons do not chain; write a product: (a {} b) * (b {} c)", first->symbol, second->symbol));
  const Value result =
      first->exchanged ? builder_.compare(first->opcode, right, left) : builder_.compare(first->opcode, left, right);
  check_size(symbol);
  return result;
}

Builder::Value Compiler::sum() {
  Value value = term();
  while (const BinaryOperator* const found = find(kSums, token_)) {
    const Token symbol = take();
    value = builder_.arithmetic(found->opcode, value, term());
    check_size(symbol);
  }
  return value;
}

Builder::Value Compiler::term() {
  Value value = signed_power();
  while (const BinaryOperator* const found = find(kTerms, token_)) {
    const Token symbol = take();
    value = builder_.arithmetic(found->opcode, value, signed_power());
    check_size(symbol);
  }
  return value;
}

Builder::Value Compiler::signed_power() {
  if (!token_.is("-") && !token_.is("+")) return power();
  const Nesting nesting(depth_, token_);
  const Token sign = take();
  const Value value = signed_power();
  if (sign.is("+")) return value;
  const Value negative = builder_.negate(value);
  check_size(sign);
  return negative;
}

Builder::Value Compiler::power() {
  const Value base = primary();
  if (!token_.is("**")) return base;
  const Nesting nesting(depth_, token_);
  const Token symbol = take();
  const Value value = builder_.power(base, signed_power());
  check_size(symbol);
  return value;
}

Builder::Value Compiler::primary() {
  if (token_.kind == Token::Kind::number) return number();
  if (token_.kind == Token::Kind::name && advice_on_symbol(token_.text).empty()) return name();
  if (!token_.is("("))
    fail(token_,
         fmt::format("expected a number, a name or '(', found {}{}", shown(token_), advice_on_symbol(token_.text)));
  const Nesting nesting(depth_, token_);
  take();
  const Value value = comparison();
  expect(")");
  return value;
}

Builder::Value Compiler::number() {
  const Token token = take();
  const char* const end = token.text.data() + token.text.size();
  check_size(token);
  std::int64_t integer = 0;
  const auto whole = std::from_chars(token.text.data(), end, integer);
  if (whole.ptr == end && whole.ec == std::errc()) return builder_.constant(integer);
  double value = 0.0;
  const auto real = std::from_chars(token.text.data(), end, value);
  if (real.ec == std::errc::result_out_of_range)
    fail(token, fmt::format("the number {} is outside the range of float64", shown(token)));
  return builder_.constant(value);
}

Builder::Value Compiler::name() {
  const Token token = take();
  if (token_.is("(")) return call(token);
  if (const auto found = function(token.text))
    fail(token, fmt::format("{} is a function; write {}", shown(token), found->usage));
  const auto found = variable(token.text);
  if (!found) fail(token, fmt::format("unknown name {}{}", shown(token), advice_on_name(token.text)));
  if (found->opcode == Opcode::rank || found->opcode == Opcode::node || found->opcode == Opcode::pid)
    depends_on_rank_ = true;
  const Value value = builder_.append(*found);
  check_size(token);
  return value;
}

Builder::Value Compiler::call(const Token& name) {
  const auto found = function(name.text);
  if (!found && variable(name.text))
    fail(token_, fmt::format("{} is a number, not a function; a product is written *", shown(name)));
  if (!found) fail(name, fmt::format("unknown function {}{}", shown(name), advice_on_function(name.text)));
  const bool is_random = found->kind == Function::Kind::uniform || found->kind == Function::Kind::normal;
  const std::int64_t random_call = is_random ? random_calls_++ : 0;
  const std::vector<Value> values = arguments();
  if (values.size() != found->arguments && !(values.empty() && found->may_be_empty))
    fail(name, fmt::format("{} takes {} argument{}{}, found {}; write {}", shown(name), found->arguments,
                           found->arguments == 1 ? "" : "s", found->may_be_empty ? " or none" : "", values.size(),
                           found->usage));
  const Value value = apply(*found, values, random_call);
  check_size(name);
  return value;
}

Builder::Value Compiler::apply(const Function& function, const std::vector<Value>& arguments,
                               std::int64_t random_call) {
  const bool is_whole = arguments.size() == 1 && arguments[0].type != ValueType::float64;
  switch (function.kind) {
    case Function::Kind::where:
      return builder_.select(arguments[0], arguments[1], arguments[2]);
    case Function::Kind::clip: {
      const Value raised = builder_.arithmetic(Opcode::maximum, arguments[0], arguments[1]);
      return builder_.arithmetic(Opcode::minimum, raised, arguments[2]);
    }
    case Function::Kind::uniform:
    case Function::Kind::normal:
      return random(function, arguments, random_call);
    case Function::Kind::of_number:
      if (is_whole) return builder_.function(function.of_int64, ValueType::int64, arguments[0]);
      break;
    case Function::Kind::rounding:
      if (is_whole) return arguments[0];
      break;
    case Function::Kind::test:
      return builder_.function(function.kernel, ValueType::boolean, builder_.to_float64(arguments[0]));
    case Function::Kind::binary:
      return builder_.arithmetic(function.opcode, arguments[0], arguments[1]);
    case Function::Kind::of_float64:
      break;
  }
  return builder_.function(function.kernel, ValueType::float64, builder_.to_float64(arguments[0]));
}

/// With arguments, u (high - low) + low and z deviation + mean.
Builder::Value Compiler::random(const Function& function, const std::vector<Value>& arguments, std::int64_t call) {
  const bool is_uniform = function.kind == Function::Kind::uniform;
  const Value drawn = builder_.append(
      {.opcode = is_uniform ? Opcode::uniform : Opcode::normal, .type = ValueType::float64, .integer = call});
  if (arguments.empty()) return drawn;
  const Value scale = is_uniform ? builder_.arithmetic(Opcode::subtract, arguments[1], arguments[0]) : arguments[1];
  return builder_.arithmetic(Opcode::add, builder_.arithmetic(Opcode::multiply, drawn, scale), arguments[0]);
}

std::vector<Builder::Value> Compiler::arguments() {
  const Nesting nesting(depth_, token_);
  std::vector<Value> values;
  take();
  if (!token_.is(")")) {
    values.push_back(comparison());
    while (token_.is(",")) {
      take();
      values.push_back(comparison());
    }
  }
  if (!token_.is(")")) fail_after_value("an operator, ',' or ')'");
  take();
  return values;
}

Token Compiler::take() {
  return std::exchange(token_, next_token(text_, token_.column + token_.text.size()));
}

void Compiler::expect(std::string_view symbol) {
  if (!token_.is(symbol)) fail_after_value(fmt::format("an operator or '{}'", symbol));
  take();
}

void Compiler::check_size(const Token& token) const {
  if (builder_.size() > Program::kMaxOperations)
    fail(token, fmt::format("the expression has more than {} numbers, names and operations", Program::kMaxOperations));
}

void Compiler::fail(const Token& token, const std::string& message) {
  throw ExpressionError(token.column, message);
}

void Compiler::fail_after_value(std::string_view expected) const {
  std::string advice = advice_on_symbol(token_.text);
  if (advice.empty() && begins_value(token_)) advice = "; a product is written *";
  fail(token_, fmt::format("expected {}, found {}{}", expected, shown(token_), advice));
}

}  // namespace windrow::expr
