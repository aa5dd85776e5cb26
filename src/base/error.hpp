#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace windrow {

/// What a run tells the shell. The numbers are part of the interface.
enum class ExitStatus : int {
  done = 0,
  usage = 2,         ///< the command line or the deck is wrong
  resources = 3,     ///< memory, shared memory or disk do not suffice
  io = 4,            ///< a file could not be read or written
  verification = 5,  ///< a file is not what it was when it was written
  internal = 6,      ///< a defect of Windrow
  stopped = 75,      ///< stopped on request after a good checkpoint
};

/// An error that a user can read: what is wrong, where, what was found, what to do (the remedies on lines of their
/// own).
class Error : public std::runtime_error {
 public:
  Error(ExitStatus status, const std::string& message) : std::runtime_error(message), status_(status) {}

  template <typename... Args>
  Error(ExitStatus status, fmt::format_string<Args...> format, Args&&... args)
      : Error(status, fmt::format(format, std::forward<Args>(args)...)) {}

  [[nodiscard]] ExitStatus status() const noexcept { return status_; }

 private:
  ExitStatus status_;
};

/// Prints a line on standard error; also where there is none.
void say(const std::string& message) noexcept;

/// "No such file or directory" for an errno value, thread-safe.
[[nodiscard]] std::string errno_text(int error_number);

}  // namespace windrow
