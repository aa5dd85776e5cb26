#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "expr/program.hpp"
#include "expr/reduction.hpp"
#include "expr/types.hpp"

namespace windrow::expr {

/// Whether a name means something in every expression: it can be no array's.
[[nodiscard]] bool is_word(std::string_view name);

/// A statement in a text of several.
struct StatementText {
  std::string text;
  std::size_t offset = 0;  ///< of its first character in the whole text
};

/// The statements of a text: one a line, or several with semicolons between them; a line goes on while a parenthesis is
/// open. What follows a # is a comment, and blank lines are nothing.
[[nodiscard]] std::vector<StatementText> split_statements(std::string_view text);

/// A statement is wrong: which one, from 0 on, and where in it.
class StatementError : public ExpressionError {
 public:
  StatementError(std::size_t statement, const ExpressionError& error)
      : ExpressionError(error.column(), error.what()), statement_(statement) {}
  [[nodiscard]] std::size_t statement() const noexcept { return statement_; }

 private:
  std::size_t statement_;
};

/// Statements "name = expression" in order, made into as few passes over memory as they allow.
///
/// A name that is an array is assigned in place, in its type; any other becomes a new array, or a number where nothing
/// in the expression has a shape. What several statements compute alike is computed once in a pass; a new array that is
/// not asked for is never stored; what a reduction gives is there in the next pass.
class Script {
 public:
  struct Array {
    std::string name = {};  ///< no name of the language for the results of a reduction along an axis
    ElementType type = ElementType::float64;
    Shape shape = {};
    std::string text = {};          ///< the last statement that assigns it
    std::int64_t random_calls = 0;  ///< how many its expression in the deck has had
    bool is_new = false;            ///< made by the statements
    bool is_stored = true;          ///< it needs memory
  };

  /// A pass over the elements of one domain.
  struct Pass {
    Shape domain;
    Program program;                       ///< its inputs are arrays; its parameters the numbers of reductions
    std::vector<std::int64_t> stores;      ///< arrays that its first results go to
    std::vector<std::int64_t> reductions;  ///< numbers of those that its other results are operands of
  };

  /// An expression of a chain.
  struct Link {
    std::string name;  ///< of its result, and of the stream of its random numbers; need not be a name of the language
    std::string text;
    std::optional<Shape> shape = {};          ///< of an array that is declared; otherwise the expression tells
    ElementType type = ElementType::float64;  ///< of that
    bool is_number = false;                   ///< its result is a number
  };

  struct Scalar {
    std::string name;
    ValueType type = ValueType::float64;
  };

  /// `outputs` names what is to be stored; if it is empty, all that the statements assign is.
  /// *Cost*: microseconds a statement. *Throws*: StatementError, on the calling rank.
  [[nodiscard]] static Script compile(std::span<const std::string> statements, std::vector<Array> arrays,
                                      std::span<const std::string> outputs = {});

  /// The same of expressions each of which can use `x`, what the one before it has given, and `k`, the number of the
  /// sample: an array `x` of those that are given is what the first one can use. Only `outputs` are stored.
  [[nodiscard]] static Script chain(std::span<const Link> links, std::vector<Array> arrays,
                                    std::span<const std::string> outputs);

  /// Those that were given, then those that the statements make.
  [[nodiscard]] const std::vector<Array>& arrays() const { return arrays_; }
  [[nodiscard]] const std::vector<Reduction>& reductions() const { return reductions_; }
  /// In the order in which they are to be done.
  [[nodiscard]] const std::vector<Pass>& passes() const { return passes_; }
  [[nodiscard]] const std::vector<Scalar>& scalars() const { return scalars_; }
  /// One result for each scalar, in the parameters of the reductions.
  [[nodiscard]] const Program& scalar_program() const { return *scalar_program_; }
  /// The names of the streams that its random calls draw from, by their numbers.
  [[nodiscard]] const std::vector<std::string>& streams() const { return streams_; }
  /// The names that the statements assign, in order.
  [[nodiscard]] const std::vector<std::string>& assigned() const { return assigned_; }

 private:
  friend class ScriptCompiler;
  std::vector<Array> arrays_;
  std::vector<Reduction> reductions_;
  std::vector<Pass> passes_;
  std::vector<Scalar> scalars_;
  std::optional<Program> scalar_program_;
  std::vector<std::string> streams_;
  std::vector<std::string> assigned_;
};

}  // namespace windrow::expr
