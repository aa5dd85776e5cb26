#pragma once

#include <string>
#include <string_view>

// Texts in lines that a user is shown to copy: whatever they hold, shells and Python read them back as they are.
namespace windrow {

/// A word as a POSIX shell takes it: as it is, or in quotes if it needs them.
[[nodiscard]] std::string shell_word(std::string_view word);

/// UTF-8 text as a Python literal on one line.
[[nodiscard]] std::string python_literal(std::string_view text);

}  // namespace windrow
