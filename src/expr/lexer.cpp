#include "expr/lexer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace windrow::expr {
namespace {

// The character classes of C's locale, whatever the locale of the process is.
bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
bool is_digit(char c) {
  return '0' <= c && c <= '9';
}
bool is_name_start(char c) {
  return ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z') || c == '_';
}
bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

/// Digits, with single underscores between them.
std::size_t digits(std::string_view text, std::size_t at) {
  while (at < text.size() && is_digit(text[at])) {
    ++at;
    if (at + 1 < text.size() && text[at] == '_' && is_digit(text[at + 1])) ++at;
  }
  return at;
}

std::size_t number_end(std::string_view text, std::size_t at) {
  at = digits(text, at);
  if (at < text.size() && text[at] == '.') at = digits(text, at + 1);
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    std::size_t exponent = at + 1;
    if (exponent < text.size() && (text[exponent] == '+' || text[exponent] == '-')) ++exponent;
    if (exponent < text.size() && is_digit(text[exponent])) at = digits(text, exponent);
  }
  return at;
}

std::size_t symbol_end(std::string_view text, std::size_t at) {
  constexpr std::array<std::string_view, 11> pairs{"**", "//", "<=", ">=", "==", "!=", "<>", "&&", "||", "<<", ">>"};
  const std::string_view two = text.substr(at, 2);
  if (std::ranges::find(pairs, two) != pairs.end()) return at + 2;
  ++at;
  while (at < text.size() && is_continuation(text[at])) ++at;
  return at;
}

}  // namespace

Token next_token(std::string_view text, std::size_t column) {
  while (column < text.size() && is_space(text[column])) ++column;
  if (column >= text.size()) return {Token::Kind::end, {}, text.size()};
  const auto token = [&](Token::Kind kind, std::size_t end) {
    return Token{kind, text.substr(column, end - column), column};
  };
  const char first = text[column];
  const bool is_fraction = first == '.' && column + 1 < text.size() && is_digit(text[column + 1]);
  if (is_digit(first) || is_fraction) return token(Token::Kind::number, number_end(text, column));
  if (!is_name_start(first)) return token(Token::Kind::symbol, symbol_end(text, column));
  std::size_t end = column + 1;
  while (end < text.size() && (is_name_start(text[end]) || is_digit(text[end]))) ++end;
  return token(Token::Kind::name, end);
}

std::string shown(const Token& token) {
  if (token.kind == Token::Kind::end) return "the end of the expression";
  constexpr std::size_t longest = 40;
  std::string text;
  for (const char c : token.text.substr(0, longest)) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      text += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      text += c;
    }
  }
  return fmt::format("'{}{}'", text, token.text.size() > longest ? "..." : "");
}

}  // namespace windrow::expr
