#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace windrow {

/// Takes the numbers of standard input, output and error that are closed, so that no file that is opened later gets
/// one: messages would be written into it. They stay as useless as they are. Before anything else in main.
void occupy_standard_descriptors() noexcept;

/// Prints on standard output, at once. That a part is lost is no reason to stop: failure_to_show() tells it.
void show(std::string_view text) noexcept;

/// Why a part of what was shown is lost: "standard output (/dev/full) cannot be written: No space left on device".
/// Nothing if none is; a reader that has seen enough (`| head`) has lost none.
[[nodiscard]] std::optional<std::string> failure_to_show();

}  // namespace windrow
