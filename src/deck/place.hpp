#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace windrow::deck {

/// A place in a text; line and column count from 1, columns in characters (code points).
struct Place {
  std::int64_t line = 1;
  std::int64_t column = 1;
  friend bool operator<(const Place& a, const Place& b) {
    return a.line != b.line ? a.line < b.line : a.column < b.column;
  }
};

/// Length in bytes of the UTF-8 character at the beginning of `text`, 0 if there is none.
[[nodiscard]] std::size_t character_length(std::string_view text);

/// The text without a byte order mark, which is no character of any line.
[[nodiscard]] std::string_view without_mark(std::string_view text);

/// Byte number of a place; past its line's end it is that end.
[[nodiscard]] std::size_t byte_at(std::string_view text, Place place);

/// The place of byte number `byte`.
[[nodiscard]] Place place_of(std::string_view text, std::size_t byte);

/// Where in a document a text value comes from.
struct TextOrigin {
  Place start;            ///< of the opening quote, or of the text itself if it is bare
  std::size_t first = 0;  ///< how many characters of the value at `start` precede the text
  bool bare = false;      ///< the text stands without quotes, every character for itself
};

/// The place of character `offset` of a text value, found by walking over the quotes and escapes of its origin.
/// *Cost*: the length of the document up to there.
[[nodiscard]] Place place_in_text(std::string_view document, const TextOrigin& origin, std::size_t offset);

}  // namespace windrow::deck
