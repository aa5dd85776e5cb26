#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "expr/instruction.hpp"

namespace windrow::expr {

/// A variable or a constant of the language: the instruction that gives its value.
[[nodiscard]] std::optional<Instruction> variable(std::string_view name);

/// A row of the table of functions.
struct Function {
  /// What a call is compiled to.
  enum class Kind {
    where,
    clip,
    uniform,
    normal,
    of_float64,  ///< the kernel of a float64
    of_number,   ///< the kernel of an int64 or that of a float64
    rounding,    ///< the kernel of a float64; an int64 is its own result
    test,        ///< the kernel of a float64, which gives a truth value
    binary       ///< the opcode
  };

  Kind kind;
  std::string_view name;
  std::string_view usage;                             ///< for messages
  std::size_t arguments = 1;                          ///< how many it takes,
  bool may_be_empty = false;                          ///< or none
  kernel::Function kernel = kernel::Function::exp;    ///< of a float64
  kernel::Function of_int64 = kernel::Function::exp;  ///< of Kind::of_number
  Opcode opcode = Opcode::function;                   ///< of Kind::binary
};

[[nodiscard]] std::optional<Function> function(std::string_view name);

/// A row of the table of reductions.
struct ReductionName {
  std::string_view name;
  std::string_view usage;     ///< for messages
  std::size_t operands = 1;   ///< arrays that it takes
  std::string_view second{};  ///< the keyword that may come without its name
  std::span<const std::string_view> keywords = {};
};

/// Null if there is none of that name.
[[nodiscard]] const ReductionName* reduction(std::string_view name);

/// What to write instead of a name that is none: "; a power is written **" where other languages have it, "; did you
/// mean 'rows'?", or all names there are.
[[nodiscard]] std::string advice_on_name(std::string_view name, std::vector<std::string_view> known);
[[nodiscard]] std::string advice_on_function(std::string_view name);

/// What to write instead of a symbol or word of other languages: "; a power is written **". Empty if there is none.
[[nodiscard]] std::string advice_on_symbol(std::string_view symbol);

}  // namespace windrow::expr
