#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "expr/instruction.hpp"

namespace windrow::expr {

/// A variable or a constant of the language: the instruction that gives its value.
[[nodiscard]] std::optional<Instruction> variable(std::string_view name);

struct Function {
  enum class Id { where, uniform, normal };

  Id id;
  std::string_view name;
  std::string_view usage;  ///< for messages
  std::size_t arguments;   ///< how many it takes,
  bool may_be_empty;       ///< or none
};

[[nodiscard]] std::optional<Function> function(std::string_view name);

/// What to write instead of a name that is none: "; did you mean 'rows'?", or all names there are.
[[nodiscard]] std::string advice_on_name(std::string_view name);
[[nodiscard]] std::string advice_on_function(std::string_view name);

/// What to write instead of a symbol or word of other languages: "; a power is written **". Empty if there is none.
[[nodiscard]] std::string advice_on_symbol(std::string_view symbol);

}  // namespace windrow::expr
