#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// The temporary file of an output: how it is called, and whether the run that writes it is alive.
namespace windrow::io {

/// What the name of a temporary tells: `.populate.h5@node17.4711.88392.windrow-tmp`.
struct TemporaryName {
  std::string output;  ///< name of the output, without its folder; shortened if it is long
  std::string host;
  std::int64_t pid = 0;
  std::int64_t start_ticks =
      0;  ///< when the process started, in clock ticks since boot: tells it from a later namesake

  friend bool operator==(const TemporaryName&, const TemporaryName&) = default;
};

/// The temporary that this process would use for an output.
[[nodiscard]] TemporaryName temporary_of_this_process(std::string_view output, std::size_t longest_name);

/// `output` as it appears in the name of a temporary: names that would not leave room for the rest are shortened and
/// told apart by a hash.
[[nodiscard]] std::string shortened(std::string_view output, std::size_t longest_name);

[[nodiscard]] std::string file_name(const TemporaryName& name);
/// The inverse of file_name(), nothing for any other file name.
[[nodiscard]] std::optional<TemporaryName> parse_temporary(std::string_view file_name);

/// This host's name, in characters that a temporary's name can hold; in a container it says within which numbers of
/// processes, "node17-pidns4026532201": to others it is another host.
[[nodiscard]] std::string host_name();

/// When a process of this host started, in clock ticks since boot; nothing if there is none.
[[nodiscard]] std::optional<std::int64_t> process_start(std::int64_t pid);

enum class LockState { acquired, held_by_another, unsupported };

/// Tries to lock an open file, until it is closed, against all who ask. Never waits.
[[nodiscard]] LockState try_lock(int descriptor) noexcept;

/// Whether the run that made a temporary is alive: a lock tells, else its process, and on another host it is taken to
/// be.
[[nodiscard]] bool is_live(const TemporaryName& name, LockState lock);

}  // namespace windrow::io
