#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/extents.hpp"
#include "kernel/store.hpp"

namespace windrow::expr {

/// The text is not an expression: `column` is the offset of the offending character, 0 for the first.
class ExpressionError : public std::runtime_error {
 public:
  ExpressionError(std::size_t column, const std::string& message) : std::runtime_error(message), column_(column) {}
  [[nodiscard]] std::size_t column() const noexcept { return column_; }

 private:
  std::size_t column_;
};

/// Types of values inside a program. Arithmetic is done in these and converted once, when a result is stored.
enum class ValueType { boolean, int64, float64 };

struct Instruction;  // one step of a program; known to src/expr only

/// A checked, typed expression in the variables of populate: i, j, offset, rows, cols, rank, node, pid, pi, e, inf,
/// nan.
///
/// Precedence is Python's; types are numpy's, where a truth value counts as the int64 0 or 1 in arithmetic:
///   - whole-number literals that fit are int64, all others float64; the variables but pi and e are int64;
///   - + - * % of two int64 are int64 and wrap, / is always float64; % has the sign of the divisor, x % 0 of integers
///   is 0;
///   - x**n with a literal whole n is made of products: for int64 x and any n >= 0, for float64 x and 0 <= n <= 8;
///     every other power of two int64 is int64 and wraps, unless the exponent has a minus sign before it; all others
///     are float64, by the C library's pow;
///   - comparisons are boolean and do not chain; where(condition, a, b) takes any number that is not 0 as true;
///   - the functions of numpy in names.cpp are float64 (kernel/kernels.hpp tells how accurate); but abs, sign, round,
///     minimum, maximum and clip of int64 are int64, and isnan and isfinite are boolean;
///   - uniform(), uniform(low, high), normal(), normal(mean, deviation) draw one number an element: kernel/random.hpp.
///     Each call in the text is a stream of its own, numbered from 0 in the order of their names in the text.
class Program {
 public:
  static constexpr std::size_t kMaxLength = 65536;  ///< of the text, in bytes
  /// Of parentheses, signs and powers inside each other. Each takes up to 2.5 KiB of a stack that may have 256 KiB.
  static constexpr std::size_t kMaxDepth = 64;
  static constexpr std::size_t kMaxOperations = 4096;  ///< of a program

  /// Parses, checks and types `text`.
  /// *Cost*: microseconds. *Throws*: ExpressionError, on the calling rank.
  [[nodiscard]] static Program compile(std::string_view text);

  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] ValueType type() const { return type_; }
  /// Whether the value depends on which rank computes it (rank, node, pid): such results differ between runs.
  [[nodiscard]] bool depends_on_rank() const { return depends_on_rank_; }
  /// Whether it draws random numbers, and so depends on the seed.
  [[nodiscard]] bool is_random() const { return is_random_; }
  /// In order of evaluation; the last one gives the value.
  [[nodiscard]] std::span<const Instruction> instructions() const;

 private:
  friend class Compiler;
  std::string text_;
  ValueType type_ = ValueType::float64;
  bool depends_on_rank_ = false;
  bool is_random_ = false;
  std::shared_ptr<const std::vector<Instruction>> instructions_;
};

/// What the variables of a program stand for during a run on one rank.
struct Bindings {
  Extents extents;         ///< of the global array
  std::string array_name;  ///< names the stream of random numbers
  std::uint64_t seed = 0;
  std::int64_t sample = 0;  ///< number of the sample, another part of the stream
  std::int64_t rank = 0;    ///< world rank
  std::int64_t node = 0;
  std::int64_t pid = 0;
};

using kernel::Store;

/// A program with its variables bound and its scratch memory: one for each rank, reused for every block.
class Evaluator {
 public:
  Evaluator(Program program, Bindings bindings);
  ~Evaluator();
  Evaluator(Evaluator&&) noexcept;
  Evaluator& operator=(Evaluator&&) noexcept;

  struct Target {
    /// Where the first element of `range` goes, aligned as its type; the elements follow without gaps.
    void* destination = nullptr;
    ElementType type = ElementType::float64;
    Store store = Store::streaming;
  };

  /// Evaluates the elements `range` (row-major numbers in the global array) into the target's memory. `offset` is the
  /// value of the variable of that name: the first row of the block. The value of an element is the same whatever the
  /// range, the level of the kernels and the way of storing. It is converted once, as numpy on x86-64 does: float64 to
  /// an integer truncates and gives the type's minimum where it does not fit or is no number, int64 to int32 wraps,
  /// int64 to float32 goes by way of float64. *Cost*: one pass, no allocation. *Throws*: nothing.
  void evaluate(ElementRange range, std::int64_t offset, const Target& target) noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace windrow::expr
