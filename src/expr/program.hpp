#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "expr/types.hpp"

namespace windrow::expr {

/// The text is not an expression: `column` is the offset of the offending character, 0 for the first.
class ExpressionError : public std::runtime_error {
 public:
  ExpressionError(std::size_t column, const std::string& message) : std::runtime_error(message), column_(column) {}
  [[nodiscard]] std::size_t column() const noexcept { return column_; }

 private:
  std::size_t column_;
};

struct Instruction;  // one step of a program; known to src/expr only

/// How the elements of an input lie to those of the program's domain.
enum class Reach {
  element,  ///< one for each element
  column,   ///< one for each column, the same in all rows
  row,      ///< one for each row, the same in all columns
  all       ///< a single one
};

/// An array that a program reads.
struct Input {
  std::int64_t array = 0;  ///< its number, whatever that means to the caller
  ElementType type = ElementType::float64;
  Reach reach = Reach::element;
};

/// Typed operations that are done for each element of a domain: what an evaluator runs.
///
/// The language is numpy's, as far as it goes:
///   - precedence is Python's: ** binds tightest, then + - ~ of one operand, * / // %, + -, << >>, &, ^, |,
///   comparisons;
///   - types are bool, int32, int64, float32, float64, promoted as numpy 1.24 does: literals, pi, rows and results of
///     reductions are numbers that do not enlarge the type of an array, unless they are of a larger kind or do not fit;
///   - integers wrap; / is always real; % and // round down; x % 0 and x // 0 of integers are 0;
///   - x**n with a literal whole n is made of products: for integers and any n >= 0, for floats and 0 <= n <= 8; x**0.5
///     is a square root; every other power of two integers is one and wraps, unless the exponent has a minus sign
///     before it; all others are real, by the C library's pow;
///   - + of two truth values is 'or', * is 'and'; comparisons do not chain; where(condition, a, b) takes any number
///   that
///     is not 0 as true;
///   - functions are computed in float64 (kernel/kernels.hpp tells how accurate) and rounded to float32 where the
///     operand is one; each operation of float32 is rounded as if done in float32;
///   - uniform(), uniform(low, high), normal(), normal(mean, deviation) draw one number an element: kernel/random.hpp.
///     Each call in the text is a stream of its own, numbered from 0 in the order of their names in the text.
class Program {
 public:
  static constexpr std::size_t kMaxLength = 65536;  ///< of a text, in bytes
  /// Of parentheses, signs and powers inside each other. Each takes up to 2.5 KiB of a stack that may have 256 KiB.
  static constexpr std::size_t kMaxDepth = 64;
  static constexpr std::size_t kMaxOperations = 4096;  ///< of a text

  /// Parses, checks and types one expression in the variables i, j, offset, rows, cols, rank, node, pid, pi, e, inf,
  /// nan. *Cost*: microseconds. *Throws*: ExpressionError, on the calling rank.
  [[nodiscard]] static Program compile(std::string_view text);

  /// The part of `instructions` that the values at `results` need. The first `stores` of them are stored, the others go
  /// to sinks.
  Program(std::span<const Instruction> instructions, std::span<const std::int32_t> results, std::size_t stores,
          std::vector<Input> inputs);

  /// Type of the result, or of result number `result`.
  [[nodiscard]] ValueType type(std::size_t result = 0) const;
  /// Whether a value depends on which rank computes it (rank, node, pid): such results differ between runs.
  [[nodiscard]] bool depends_on_rank() const;
  /// Whether it draws random numbers, and so depends on the seed.
  [[nodiscard]] bool is_random() const { return random_calls() > 0; }
  /// How many random calls the text has.
  [[nodiscard]] std::int64_t random_calls() const;
  /// Whether a value depends on the block that an element is filled with.
  [[nodiscard]] bool depends_on_block() const;

  /// In order of evaluation.
  [[nodiscard]] std::span<const Instruction> instructions() const;
  /// The places of the results.
  [[nodiscard]] std::span<const std::int32_t> results() const { return results_; }
  [[nodiscard]] std::size_t stores() const { return stores_; }
  /// What the loads read, by their numbers.
  [[nodiscard]] std::span<const Input> inputs() const { return inputs_; }

 private:
  std::shared_ptr<const std::vector<Instruction>> instructions_;
  std::vector<std::int32_t> results_;
  std::size_t stores_;
  std::vector<Input> inputs_;
};

}  // namespace windrow::expr
