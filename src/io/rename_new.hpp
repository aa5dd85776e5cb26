#pragma once

#include <string>

namespace windrow::io {

// Give a file another name in the same folder, without ever replacing what has that name. They return 0 or an errno:
// EEXIST where the name is taken.

/// By the first of the ways below that the file system knows.
[[nodiscard]] int rename_new(const std::string& from, const std::string& to) noexcept;

/// In one step, by renameat2 (Linux 3.15; not every network file system).
[[nodiscard]] int rename_new_at_once(const std::string& from, const std::string& to) noexcept;
/// By a second hard link; the new name is complete at every moment.
[[nodiscard]] int rename_new_by_link(const std::string& from, const std::string& to) noexcept;
/// By looking first: the last resort, since somebody may take the name in between.
[[nodiscard]] int rename_new_by_look(const std::string& from, const std::string& to) noexcept;

}  // namespace windrow::io
