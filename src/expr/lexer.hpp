#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace windrow::expr {

/// A piece of an expression. What is no number and no name is a symbol, known or not: the parser tells what is wrong.
struct Token {
  enum class Kind { number, name, symbol, end };

  Kind kind = Kind::end;
  std::string_view text;
  std::size_t column = 0;

  [[nodiscard]] bool is(std::string_view symbol) const { return kind == Kind::symbol && text == symbol; }
};

/// The token that begins at or after `column`, past white space.
[[nodiscard]] Token next_token(std::string_view text, std::size_t column);

/// A token as messages show it: in quotes, shortened, without control characters; or "the end of the expression".
[[nodiscard]] std::string shown(const Token& token);

}  // namespace windrow::expr
