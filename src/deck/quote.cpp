#include "deck/quote.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "deck/place.hpp"

namespace windrow::deck {
namespace {

constexpr std::size_t kLongestList = 80;

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}

void append_escaped(std::string& out, char c) {
  switch (c) {
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      out += fmt::format("\\u{:04X}", static_cast<unsigned char>(c));
      return;
  }
}

std::string escaped(std::string_view text, bool keep_line_breaks) {
  std::string out;
  for (const char c : text) {
    if (c == '\n' && keep_line_breaks) {
      out += c;
    } else if (is_control(c)) {
      append_escaped(out, c);
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  return out;
}

// Bytes that are no characters are shown as such: a terminal must not be fed with what a deck happens to hold.
std::string printable(std::string_view text, std::size_t most, bool escape_quotes) {
  std::string out;
  for (std::size_t byte = 0, characters = 0; byte < text.size(); ++characters) {
    if (characters == most) return out + "...";
    const std::size_t length = character_length(text.substr(byte));
    const char c = text[byte];
    if (length == 0)
      out += fmt::format("\\x{:02X}", static_cast<unsigned char>(c));
    else if (is_control(c))
      append_escaped(out, c);
    else if (escape_quotes && (c == '"' || c == '\\'))
      (out += '\\') += c;
    else
      out += text.substr(byte, length);
    byte += std::max<std::size_t>(1, length);
  }
  return out;
}

}  // namespace

std::string quoted(std::string_view text) {
  if (text.find('\n') == std::string_view::npos) return fmt::format("\"{}\"", escaped(text, false));
  return fmt::format("\"\"\"\n{}\"\"\"", escaped(text, true));
}

std::string quoted_short(std::string_view text, std::size_t most) {
  return fmt::format("\"{}\"", printable(text, most, true));
}

std::string shortened(std::string_view text, std::size_t most) {
  return printable(text, most, false);
}

std::string quoted(const std::vector<std::string>& texts) {
  std::vector<std::string> items;
  items.reserve(texts.size());
  for (const std::string& text : texts) items.push_back(fmt::format("\"{}\"", escaped(text, false)));
  const std::string line = fmt::format("[{}]", fmt::join(items, ", "));
  return line.size() <= kLongestList ? line : fmt::format("[\n    {},\n]", fmt::join(items, ",\n    "));
}

bool is_bare_key(std::string_view segment) {
  return !segment.empty() && std::ranges::all_of(segment, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

bool is_name(std::string_view text) {
  const bool begins_with_digit = !text.empty() && '0' <= text.front() && text.front() <= '9';
  return text.size() <= 64 && is_bare_key(text) && !begins_with_digit && text.find('-') == std::string_view::npos;
}

std::string key_segment(std::string_view segment) {
  return is_bare_key(segment) ? std::string(segment) : quoted_short(segment);
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::vector<std::string> wrapped(std::string_view text, std::size_t width) {
  std::vector<std::string> lines{""};
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find_first_of(" \n", begin), text.size());
    const std::string_view word = text.substr(begin, end - begin);
    std::string& line = lines.back();
    if (!word.empty() && !line.empty() && line.size() + 1 + word.size() > width)
      lines.emplace_back(word);
    else if (!word.empty())
      line += fmt::format("{}{}", line.empty() ? "" : " ", word);
    begin = end + 1;
  }
  return lines;
}

}  // namespace windrow::deck
