#include "base/error.hpp"

#include <cstdio>
#include <system_error>

namespace windrow {

void say(const std::string& message) noexcept {
  std::fputs(message.c_str(), stderr);
  std::fputc('\n', stderr);
}

std::string errno_text(int error_number) {
  return std::generic_category().message(error_number);
}

}  // namespace windrow
