#include "job/quoting.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace windrow {
namespace {

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("_@%+=:,./-").find(c) != std::string_view::npos;
}

}  // namespace

std::string shell_word(std::string_view word) {
  if (!word.empty() && std::ranges::all_of(word, is_plain)) return std::string(word);
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

std::string python_literal(std::string_view text) {
  std::string literal = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      literal += fmt::format("\\{}", c);
    else if (byte < 0x20 || byte == 0x7F)
      literal += fmt::format("\\x{:02x}", byte);
    else
      literal += c;
  }
  return literal + "\"";
}

}  // namespace windrow
