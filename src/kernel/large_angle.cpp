#include "kernel/large_angle.hpp"

#include <array>
#include <bit>
#include <numbers>

namespace windrow::kernel {
namespace {

__extension__ using Wide = unsigned __int128;

/// The bits of 1/(2 pi) after the point, behind a word of zeros; computed in whole numbers by Machin's formula.
constexpr std::array<std::uint64_t, 22> kInverse{0,
                                                 0x28be60db9391054a,
                                                 0x7f09d5f47d4d3770,
                                                 0x36d8a5664f10e410,
                                                 0x7f9458eaf7aef158,
                                                 0x6dc91b8e909374b8,
                                                 0x01924bba82746487,
                                                 0x3f877ac72c4a69cf,
                                                 0xba208d7d4baed121,
                                                 0x3a671c09ad17df90,
                                                 0x4e64758e60d4ce7d,
                                                 0x272117e2ef7e4a0e,
                                                 0xc7fe25fff7816603,
                                                 0xfbcbc462d6829b47,
                                                 0xdb4d9fb3c9f2c26d,
                                                 0xd3d18fd9a797fa8b,
                                                 0x5d49eeb1faf97c5e,
                                                 0xcf41ce7de294a4ba,
                                                 0x9afed7ec47e35742,
                                                 0x1580cc11bf1edaea,
                                                 0xfc33ef0826bd0d87,
                                                 0x6a78e45857b986c2};

constexpr auto kPi = std::numbers::pi_v<long double>;

/// 64 bits of the table, from one of them on.
std::uint64_t inverse_from(std::uint64_t bit) {
  const std::uint64_t word = bit / 64;
  const std::uint64_t past = bit % 64;
  return past == 0 ? kInverse[word] : kInverse[word] << past | kInverse[word + 1] >> (64 - past);
}

}  // namespace

// Payne and Hanek's way: of x / (2 pi) = m 2^e / (2 pi), with a whole m < 2^53, only the bits of 1/(2 pi) from the e-th
// on matter; those before give whole turns. 192 of them leave 128 of the turn's fraction, with an error of 2^-139. No
// double is nearer than 2^-62 to a multiple of pi/2, so that at least 60 bits of the rest are right.
Angle large_angle(double x) {
  const auto bits = std::bit_cast<std::uint64_t>(x);
  const std::uint64_t m = (bits & 0x000fffffffffffff) | 0x0010000000000000;
  const std::uint64_t first = (bits >> 52) - 1075 + 64;   // e, counted in the table
  const std::uint64_t highest = m * inverse_from(first);  // but for whole turns
  const Wide turns =
      (Wide{highest} << 64) + Wide{m} * inverse_from(first + 64) + (Wide{m} * inverse_from(first + 128) >> 64);
  const auto quarter = static_cast<std::uint64_t>((turns + (Wide{1} << 125)) >> 126);
  const Wide rest = turns - (Wide{quarter} << 126);
  const bool is_negative = rest >> 127 != 0;
  const long double angle = static_cast<long double>(is_negative ? Wide{0} - rest : rest) * (kPi * 0x1p-127L);
  const auto high = static_cast<double>(angle);
  const auto low = static_cast<double>(angle - high);
  return {is_negative ? -high : high, is_negative ? -low : low, quarter % 4};
}

}  // namespace windrow::kernel
