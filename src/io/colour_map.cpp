#include "io/colour_map.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace windrow::io {
namespace {

// The longest arc, found by trial, whose colours a screen can show.
constexpr double kDarkest = 0.25;
constexpr double kLightest = 0.92;
constexpr double kCentre = 0.065;  // towards yellow
constexpr double kRadius = 0.124;
constexpr double kFirstAngle = 324.0;  // in degrees, from red towards yellow
constexpr double kLastAngle = 108.0;

std::uint8_t screen_part(double linear) {
  const double light = std::clamp(linear, 0.0, 1.0);
  const double encoded = light <= 0.0031308 ? 12.92 * light : 1.055 * std::pow(light, 1.0 / 2.4) - 0.055;
  return static_cast<std::uint8_t>(std::lround(255.0 * encoded));
}

double cube(double x) {
  return x * x * x;
}

Colour from_oklab(double lightness, double green_red, double blue_yellow) {
  const double l = cube(lightness + 0.3963377774 * green_red + 0.2158037573 * blue_yellow);
  const double m = cube(lightness - 0.1055613458 * green_red - 0.0638541728 * blue_yellow);
  const double s = cube(lightness - 0.0894841775 * green_red - 1.2914855480 * blue_yellow);
  return {screen_part(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
          screen_part(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
          screen_part(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s)};
}

}  // namespace

Colour colour_of(double share) {
  const double at = std::clamp(share, 0.0, 1.0);
  const double angle = std::lerp(kFirstAngle, kLastAngle, at) * std::numbers::pi / 180.0;
  return from_oklab(std::lerp(kDarkest, kLightest, at), kRadius * std::cos(angle), kCentre + kRadius * std::sin(angle));
}

}  // namespace windrow::io
