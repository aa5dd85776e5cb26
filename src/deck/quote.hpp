#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace windrow::deck {

/// A text as a TOML string: basic, or multi-line where it has line breaks.
[[nodiscard]] std::string quoted(std::string_view text);

/// A TOML string on one line, cut after `most` characters, for messages.
[[nodiscard]] std::string quoted_short(std::string_view text, std::size_t most = 40);

/// The text on one line, control characters escaped and cut after `most` characters, for messages.
[[nodiscard]] std::string shortened(std::string_view text, std::size_t most = 60);

/// ["a", "b"]; a long one takes a line for each text.
[[nodiscard]] std::string quoted(const std::vector<std::string>& texts);

/// A segment of a dotted key, in quotes if it needs them.
[[nodiscard]] std::string key_segment(std::string_view segment);
[[nodiscard]] bool is_bare_key(std::string_view segment);

/// Stands for the name of any member of a family of sections: [arrays.NAME].
inline constexpr std::string_view kAnyName = "NAME";
/// A name as arrays have it: letters, digits and _, 64 at most, no digit first.
[[nodiscard]] bool is_name(std::string_view text);

/// The text without the blanks at its ends.
[[nodiscard]] std::string_view trimmed(std::string_view text);

/// The lines of a text broken between words so that none has more than `width` characters (a longer word excepted).
[[nodiscard]] std::vector<std::string> wrapped(std::string_view text, std::size_t width);

}  // namespace windrow::deck
