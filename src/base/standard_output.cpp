#include "base/standard_output.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "base/error.hpp"

namespace windrow {
namespace {

// Of the first write that failed: a later one may meet something else, or nothing.
int failure = 0;

}  // namespace

void occupy_standard_descriptors() noexcept {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(descriptor, F_GETFD) >= 0 || errno != EBADF) continue;
    // The lowest number that is free is this one. What it does not serve still fails.
    open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
}

void show(std::string_view text) noexcept {
  errno = 0;
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0) return;
  if (failure == 0) failure = errno != 0 ? errno : EIO;
}

std::optional<std::string> failure_to_show() {
  if (failure == 0 || failure == EPIPE) return std::nullopt;
  if (failure == EBADF) return "standard output is closed, or not open for writing";
  std::error_code no_such_link;
  const std::string name = std::filesystem::read_symlink("/proc/self/fd/1", no_such_link).string();
  return fmt::format("standard output{} cannot be written: {}", no_such_link ? "" : " (" + name + ")",
                     errno_text(failure));
}

}  // namespace windrow
