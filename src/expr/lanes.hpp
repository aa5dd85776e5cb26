#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace windrow::expr {

// A lane is 64 bits: what they are as a float64, and the other way.
[[nodiscard]] inline std::int64_t lane(double x) {
  return std::bit_cast<std::int64_t>(x);
}
[[nodiscard]] inline double number(std::int64_t lane) {
  return std::bit_cast<double>(lane);
}

/// A number or an enumerator of ours as an index of the standard library's.
[[nodiscard]] constexpr std::size_t index(auto number) {
  return static_cast<std::size_t>(number);
}

}  // namespace windrow::expr
