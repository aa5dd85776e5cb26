#include "deck/place.hpp"

#include <algorithm>

namespace windrow::deck {
namespace {

std::size_t expected_length(unsigned char first) {
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first < 0xE0) return 2;
  if (first >= 0xE0 && first < 0xF0) return 3;
  if (first >= 0xF0 && first < 0xF5) return 4;
  return 0;
}

// The second byte's range excludes overlong forms, surrogates and what lies above U+10FFFF.
bool second_byte_fits(unsigned char first, unsigned char second) {
  const unsigned char low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  const unsigned char high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  return low <= second && second <= high;
}

unsigned char byte_of(char c) {
  return static_cast<unsigned char>(c);
}

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

std::size_t line_break_length(std::string_view rest) {
  if (rest.starts_with('\n')) return 1;
  return rest.starts_with("\r\n") ? 2 : 0;
}

// Walks over the characters of a TOML string, of which one may be written as several.
class TextWalk {
 public:
  TextWalk(std::string_view document, std::size_t byte, bool bare) : document_(document), byte_(byte) {
    if (!bare) enter();
  }

  [[nodiscard]] std::size_t byte() const { return byte_; }

  // Moves to the next character of the value; false at its end.
  bool next() {
    if (at_end()) return false;
    const std::string_view rest = document_.substr(byte_);
    if (basic_ && rest.front() == '\\') {
      byte_ += escape_length(rest);
      skip_continuations();
      return true;
    }
    // TOML reads CR LF as one line break, a bare text keeps both.
    const std::size_t line_break = closing_.empty() ? 0 : line_break_length(rest);
    byte_ += line_break > 0 ? line_break : std::max<std::size_t>(1, character_length(rest));
    skip_continuations();
    return true;
  }

 private:
  void enter() {
    const std::string_view rest = document_.substr(byte_);
    basic_ = rest.starts_with('"');
    for (const std::string_view quotes : {R"(""")", "'''", R"(")", "'"}) {
      if (!rest.starts_with(quotes)) continue;
      closing_ = quotes;
      byte_ += quotes.size();
      break;
    }
    if (closing_.size() == 3) byte_ += line_break_length(document_.substr(byte_));
    skip_continuations();
  }

  [[nodiscard]] bool at_end() const {
    const std::string_view rest = document_.substr(byte_);
    if (rest.empty()) return true;
    if (closing_.empty() || !rest.starts_with(closing_)) return false;
    // Of four or five quotes at the end of a multi-line text the first ones belong to the text.
    return closing_.size() == 1 || rest.size() == 3 || rest[3] != closing_.front();
  }

  static std::size_t escape_length(std::string_view rest) {
    if (rest.size() < 2) return rest.size();
    const std::size_t length = rest[1] == 'u' ? 6 : rest[1] == 'U' ? 10 : 2;
    return std::min(length, rest.size());
  }

  // A backslash at the end of a line takes the line's end and the blanks that follow out of the value.
  void skip_continuations() {
    while (basic_ && closing_.size() == 3 && byte_ + 1 < document_.size() && document_[byte_] == '\\' &&
           is_blank(document_[byte_ + 1])) {
      ++byte_;
      while (byte_ < document_.size() && is_blank(document_[byte_])) ++byte_;
    }
  }

  std::string_view document_;
  std::size_t byte_;
  std::string_view closing_;
  bool basic_ = false;
};

}  // namespace

std::size_t character_length(std::string_view text) {
  if (text.empty()) return 0;
  const unsigned char first = byte_of(text.front());
  const std::size_t length = expected_length(first);
  if (length > text.size()) return 0;
  if (length > 1 && !second_byte_fits(first, byte_of(text[1]))) return 0;
  for (std::size_t i = 2; i < length; ++i)
    if ((byte_of(text[i]) & 0xC0U) != 0x80U) return 0;
  return length;
}

std::string_view without_mark(std::string_view text) {
  constexpr std::string_view mark = "\xEF\xBB\xBF";
  return text.starts_with(mark) ? text.substr(mark.size()) : text;
}

std::size_t byte_at(std::string_view text, Place place) {
  std::size_t byte = 0;
  for (std::int64_t line = 1; line < place.line; ++line) {
    const std::size_t line_end = text.find('\n', byte);
    if (line_end == std::string_view::npos) return text.size();
    byte = line_end + 1;
  }
  for (std::int64_t column = 1; column < place.column && byte < text.size() && text[byte] != '\n'; ++column)
    byte += std::max<std::size_t>(1, character_length(text.substr(byte)));
  return byte;
}

Place place_of(std::string_view text, std::size_t byte) {
  const std::string_view before = text.substr(0, byte);
  const std::size_t line_end = before.rfind('\n');
  const std::size_t line_begin = line_end == std::string_view::npos ? 0 : line_end + 1;
  Place place{1 + std::ranges::count(before, '\n'), 1};
  for (std::size_t at = line_begin; at < before.size(); ++place.column)
    at += std::max<std::size_t>(1, character_length(text.substr(at)));
  return place;
}

Place place_in_text(std::string_view document, const TextOrigin& origin, std::size_t offset) {
  TextWalk walk(document, byte_at(document, origin.start), origin.bare);
  for (std::size_t character = 0; character < origin.first + offset; ++character)
    if (!walk.next()) break;
  return place_of(document, walk.byte());
}

}  // namespace windrow::deck
