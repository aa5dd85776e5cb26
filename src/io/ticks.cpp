#include "io/ticks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace windrow::io {
namespace {

// What multiples of a step miss by rounding, in steps.
constexpr double kSlack = 1e-9;
// The smallest step, as a part of the numbers on the axis, and how far it must be from the smallest number there is.
constexpr double kFinest = 1e-13;
constexpr double kMany = 1e9;

/// The smallest of 1, 2, 5, 10, 20, ... (and 0.1, 0.2, ...) that is not below a number.
double round_step(double least) {
  const double power = std::pow(10.0, std::floor(std::log10(least)));
  for (const double digit : {1.0, 2.0, 5.0})
    if (digit * power >= least * (1.0 - kSlack)) return digit * power;
  return 10.0 * power;
}

/// Numbers in a row on an axis are told alike: with the decimals of their step, or with a power of ten.
std::string label(double value, double step, double largest) {
  constexpr double longest_plain = 1e7;
  constexpr double least_plain = 1e-4;
  if (std::abs(value) < kSlack * step) return "0";
  const auto last_digit = static_cast<int>(std::floor(std::log10(step) + kSlack));
  if (largest < longest_plain && largest >= least_plain) return fmt::format("{:.{}f}", value, std::max(0, -last_digit));
  const auto first_digit = static_cast<int>(std::floor(std::log10(largest) + kSlack));
  return fmt::format("{:.{}g}", value, first_digit - last_digit + 1);
}

}  // namespace

std::vector<Tick> linear_ticks(double low, double high, TickOptions options) {
  const double largest = std::max(std::abs(low), std::abs(high));
  const double least = high / options.most - low / options.most;
  // Closer than that the numbers of a float64 do not lie: the ends are all that can be told.
  if (!(least > kFinest * largest) || least < std::numeric_limits<double>::min() * kMany)
    return {{low, fmt::format("{}", low)}, {high, fmt::format("{}", high)}};
  const double step = options.whole ? std::max(round_step(least), 1.0) : round_step(least);
  std::vector<Tick> ticks;
  for (double n = std::ceil(low / step - kSlack); n <= high / step + kSlack; n += 1.0)
    ticks.push_back({n * step, label(n * step, step, largest)});
  return ticks;
}

std::vector<Tick> logarithmic_ticks(double low, double high, TickOptions options) {
  constexpr double many = 4.0;  // powers of ten, from which on they suffice
  constexpr double few = 0.8;
  const double powers = std::log10(high / low);
  if (powers < few) return linear_ticks(low, high, options);
  const double each = std::max(1.0, std::ceil(powers / options.most));
  const std::array<double, 3> digits{1.0, 2.0, 5.0};
  std::vector<Tick> ticks;
  for (double power = std::floor(std::log10(low)); power <= std::log10(high) + kSlack; power += each)
    for (const double digit : digits) {
      const double value = digit * std::pow(10.0, power);
      if (digit > 1.0 && powers >= many) break;
      if (value >= low * (1.0 - kSlack) && value <= high * (1.0 + kSlack))
        ticks.push_back({value, fmt::format("{:g}", value)});
    }
  return ticks;
}

}  // namespace windrow::io
