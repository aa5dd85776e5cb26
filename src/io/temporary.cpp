#include "io/temporary.hpp"

#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <span>

#include "base/pid_namespace.hpp"
#include "io/checksums.hpp"

namespace windrow::io {
namespace {

constexpr std::string_view kSuffix = ".windrow-tmp";
constexpr std::size_t kLongestHost = 64;
constexpr std::string_view kNamespaceMark = "-pidns";

/// A whole decimal number without sign, or nothing.
std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || rest != end || value < 0) return std::nullopt;
  return value;
}

/// Cuts the number behind the last dot off `text`.
std::optional<std::int64_t> take_number(std::string_view& text) {
  const std::size_t dot = text.rfind('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const std::string_view digits = text.substr(dot + 1);
  text = text.substr(0, dot);
  return number(digits);
}

}  // namespace

std::string shortened(std::string_view output, std::size_t longest_name) {
  constexpr std::size_t longest_number = 20;
  constexpr std::size_t hash_digits = 16;
  const std::size_t longest_space = kLongestHost + kNamespaceMark.size() + std::string_view("4294967295").size();
  const std::size_t rest = std::string_view(".@..").size() + longest_space + 2 * longest_number + kSuffix.size();
  const std::size_t room = longest_name > rest ? longest_name - rest : 0;
  if (output.size() <= room) return std::string(output);
  const std::uint64_t hash = checksum(std::as_bytes(std::span(output)));
  return fmt::format("{}~{:016x}", output.substr(0, std::max(room, hash_digits + 1) - hash_digits - 1), hash);
}

TemporaryName temporary_of_this_process(std::string_view output, std::size_t longest_name) {
  return {shortened(output, longest_name), host_name(), getpid(), process_start(getpid()).value_or(0)};
}

std::string file_name(const TemporaryName& name) {
  return fmt::format(".{}@{}.{}.{}{}", name.output, name.host, name.pid, name.start_ticks, kSuffix);
}

std::optional<TemporaryName> parse_temporary(std::string_view file_name) {
  if (!file_name.starts_with('.') || !file_name.ends_with(kSuffix)) return std::nullopt;
  file_name.remove_prefix(1);
  file_name.remove_suffix(std::min(kSuffix.size(), file_name.size()));
  const auto start_ticks = take_number(file_name);
  const auto pid = take_number(file_name);
  const std::size_t at = file_name.rfind('@');  // a host's name has none
  if (!start_ticks || !pid || at == std::string_view::npos || at == 0 || at + 1 == file_name.size())
    return std::nullopt;
  return TemporaryName{std::string(file_name.substr(0, at)), std::string(file_name.substr(at + 1)), *pid, *start_ticks};
}

std::string host_name() {
  std::array<char, kLongestHost + 1> buffer{};
  if (gethostname(buffer.data(), kLongestHost) != 0) return "unknown";
  std::string name(buffer.data());
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
  };
  std::ranges::replace_if(
      name, [&](char c) { return !plain(c); }, '_');
  if (name.empty()) name = "unknown";
  const std::optional<std::uint64_t> pid_namespace = nested_pid_namespace();
  return pid_namespace ? fmt::format("{}{}{}", name, kNamespaceMark, *pid_namespace) : name;
}

std::optional<std::int64_t> process_start(std::int64_t pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string text;
  std::getline(file, text, '\0');  // all of it; unlike an istreambuf_iterator it does not throw where reading fails
  // The second field is the program's name in brackets, in which anything may stand; the start is the 22nd.
  std::size_t at = text.rfind(')');
  for (int field = 2; field < 22 && at != std::string::npos; ++field) at = text.find(' ', at + 1);
  if (at == std::string::npos) return std::nullopt;
  return number(std::string_view(text).substr(at + 1, text.find(' ', at + 1) - at - 1));
}

LockState try_lock(int descriptor) noexcept {
  while (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return LockState::held_by_another;
    if (errno != EINTR) return LockState::unsupported;
  }
  return LockState::acquired;
}

bool is_live(const TemporaryName& name, LockState lock) {
  if (lock != LockState::unsupported) return lock == LockState::held_by_another;
  return name.host != host_name() || process_start(name.pid) == name.start_ticks;
}

}  // namespace windrow::io
