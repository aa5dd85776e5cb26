#include "base/units.hpp"

#include <array>
#include <cctype>
#include <charconv>
#include <cmath>

#include "base/error.hpp"

namespace windrow {

std::string format_bytes(std::int64_t bytes) {
  constexpr std::array<std::string_view, 5> units{"kB", "MB", "GB", "TB", "PB"};
  if (bytes < 1000) return fmt::format("{} bytes", bytes);
  double value = static_cast<double>(bytes) / 1000.0;
  std::size_t unit = 0;
  while (value >= 999.95 && unit + 1 < units.size()) {
    value /= 1000.0;
    ++unit;
  }
  return fmt::format("{:.1f} {}", value, units[unit]);
}

std::string format_seconds(double seconds) {
  if (seconds < 1.0) return fmt::format("{:.4f} s", seconds);
  if (seconds < 59.95) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<std::int64_t>(std::llround(seconds));
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
}

std::int64_t parse_bytes(std::string_view text) {
  const auto fail = [&]() -> Error {
    return {ExitStatus::usage, "'{}' is not a size; write for example 4096, 64GiB, 480MB or 1.5G", text};
  };
  double value = 0.0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || !(value >= 0.0)) throw fail();
  std::string unit;
  for (const char c : std::string_view(rest, static_cast<std::size_t>(end - rest)))
    if (c != ' ') unit += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  double factor = 1.0;
  if (!unit.empty() && unit != "B") {
    const std::size_t power = std::string_view("KMGTP").find(unit.front());
    if (power == std::string_view::npos) throw fail();
    const std::string_view tail = std::string_view(unit).substr(1);
    if (!tail.empty() && tail != "B" && tail != "IB") throw fail();
    factor = std::pow(tail == "B" ? 1000.0 : 1024.0, static_cast<double>(power + 1));
  }
  const double bytes = value * factor;
  if (!(bytes < 9.2e18)) throw fail();
  return static_cast<std::int64_t>(bytes);
}

}  // namespace windrow
