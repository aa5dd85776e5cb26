// What a parser should not be given, and what it says in the words of a deck's author.

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "deck/document.hpp"
#include "deck/quote.hpp"

namespace windrow::deck {
namespace {

// No key of the deck language has more than a few segments, and no value more than a list in it. Each of them is a
// level of recursion, and a stack may have 256 KiB: so many of both take less than half of it.
constexpr int kMostSegments = 16;
constexpr int kMostNested = 64;

std::optional<Fault> find_bad_character(std::string_view text) {
  for (std::size_t byte = 0; byte < text.size();) {
    const std::size_t length = character_length(text.substr(byte));
    if (text[byte] == '\0') return Fault{place_of(text, byte), "a NUL byte; a deck is a text file"};
    if (length == 0)
      return Fault{place_of(text, byte), fmt::format("byte 0x{:02X} is not UTF-8 text; save the deck in UTF-8",
                                                     static_cast<unsigned char>(text[byte]))};
    byte += length;
  }
  return std::nullopt;
}

// The byte behind the TOML string that begins at `byte`; an unclosed one ends with its line (or with the text).
std::size_t skip_string(std::string_view text, std::size_t byte) {
  const char quote = text[byte];
  const std::array<char, 3> triple{quote, quote, quote};
  const std::string_view closing(triple.data(), triple.size());
  const bool multi_line = text.substr(byte).starts_with(closing);
  const bool basic = quote == '"';
  byte += multi_line ? 3 : 1;
  while (byte < text.size()) {
    if (basic && text[byte] == '\\') {
      byte += 2;
    } else if (multi_line && text.substr(byte).starts_with(closing)) {
      const std::size_t last = text.find_first_not_of(quote, byte);
      return std::min(last, byte + 5);
    } else if (!multi_line && (text[byte] == quote || text[byte] == '\n')) {
      return byte + 1;
    } else {
      ++byte;
    }
  }
  return text.size();
}

std::optional<Fault> find_too_deep(std::string_view text) {
  int dots = 0;
  int open = 0;
  for (std::size_t byte = 0; byte < text.size();) {
    const char c = text[byte];
    if (c == '"' || c == '\'') {
      byte = skip_string(text, byte);
      continue;
    }
    if (c == '#') {
      byte = std::min(text.find('\n', byte), text.size());
      continue;
    }
    if (c == '.' && ++dots >= kMostSegments)
      return Fault{place_of(text, byte), fmt::format("a key of more than {} segments", kMostSegments)};
    if ((c == '[' || c == '{') && ++open > kMostNested)
      return Fault{place_of(text, byte),
                   fmt::format("nested too deeply: more than {} lists and sections inside each other", kMostNested)};
    if (c == ']' || c == '}') open = std::max(open - 1, 0);
    if (std::string_view("=\n,{}[]").find(c) != std::string_view::npos) dots = 0;
    ++byte;
  }
  return std::nullopt;
}

std::string_view line_of(std::string_view text, Place place) {
  const std::string_view rest = text.substr(byte_at(text, {place.line, 1}));
  return rest.substr(0, rest.find('\n'));
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// Something that was meant as text or as an expression, and was not put in quotes.
bool looks_like_text(std::string_view value) {
  return is_letter(value.front()) || std::string_view("_(~/$%@").find(value.front()) != std::string_view::npos ||
         value.find_first_of("*/()<>%") != std::string_view::npos || value.find(" +") != std::string_view::npos ||
         value.find(" -") != std::string_view::npos;
}

// The commonest mistake: schedule = dynamic, value = i+j.
std::optional<Fault> explain_missing_quotes(std::string_view text, Place place) {
  const std::string_view line = line_of(text, place);
  const std::size_t equals = line.find('=');
  if (equals == std::string_view::npos) return std::nullopt;
  const std::string_view key = trimmed(line.substr(0, equals));
  const std::string_view rest = line.substr(equals + 1);
  const std::string_view value = trimmed(rest.substr(0, rest.find('#')));
  const bool is_key = std::ranges::all_of(key, [](char c) { return c == '.' || is_bare_key({&c, 1}); });
  if (key.empty() || !is_key || value.empty() || value.find('"') != std::string_view::npos || !looks_like_text(value))
    return std::nullopt;
  const Place begin{place.line, place_of(line, static_cast<std::size_t>(value.data() - line.data())).column};
  if (place < begin) return std::nullopt;
  return Fault{begin, fmt::format("text stands in quotes: {} = {}", key, quoted_short(value))};
}

// The parser notices behind the key that it is there already.
std::optional<Fault> explain_twice(std::string_view text, Place place, std::string_view reason) {
  if (!reason.starts_with("cannot redefine existing")) return std::nullopt;
  const std::size_t open = reason.find('\'');
  const std::size_t close = reason.rfind('\'');
  if (open == std::string_view::npos || open == close) return std::nullopt;
  const std::string_view name = reason.substr(open + 1, close - open - 1);
  const std::string_view line = line_of(text, place);
  const std::string_view before = line.substr(0, byte_at(line, {1, place.column}));
  const std::size_t found = line.starts_with('[') || name.empty() ? std::string_view::npos : before.rfind(name);
  if (found != std::string_view::npos) place.column = place_of(line, found).column;
  return Fault{place, fmt::format("'{}' is given twice", shortened(name))};
}

std::string in_plain_words(std::string_view reason, std::string_view scope) {
  if (reason == "encountered end-of-file")
    return fmt::format("the text ends here, in the middle of a {}{}", scope,
                       scope.ends_with("string") ? "; is its closing quote missing?" : "");
  if (scope.ends_with("string") && reason.find("control characters other than TAB") != std::string_view::npos)
    return "a control character in a string; is the closing quote missing on this line?";
  return fmt::format("{} (in a {})", reason, scope);
}

}  // namespace

std::optional<Fault> screen(std::string_view text) {
  if (auto fault = find_bad_character(text)) return fault;
  return find_too_deep(text);
}

Fault explain_syntax(std::string_view text, Place place, std::string_view description) {
  constexpr std::string_view preamble = "Error while parsing ";
  // At the end of the text the parser may count beyond the last line's end.
  place = place_of(text, byte_at(text, place));
  if (!description.starts_with(preamble)) return {place, std::string(description)};
  description.remove_prefix(preamble.size());
  const std::size_t colon = description.find(": ");
  if (colon == std::string_view::npos) return {place, std::string(description)};
  const std::string_view scope = description.substr(0, colon);
  const std::string_view reason = description.substr(colon + 2);
  if (auto fault = explain_twice(text, place, reason)) return *fault;
  if (auto fault = explain_missing_quotes(text, place)) return *fault;
  return {place, "not TOML: " + in_plain_words(reason, scope)};
}

}  // namespace windrow::deck
