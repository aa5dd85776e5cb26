#pragma once

#include <cstdint>
#include <string_view>

namespace windrow::kernel {

/// What names a stream of random numbers.
struct Stream {
  std::uint64_t seed = 0;
  std::string_view array;   ///< name of the array that is filled
  std::uint64_t call = 0;   ///< which of the random calls of its expression, from 0
  std::int64_t sample = 0;  ///< which sample, for arrays made more than once
};

/// The key of a stream's generator. With h the 64-bit FNV-1a hash of the array's name and
/// mix(x) the output function of SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014):
///     x += 0x9e3779b97f4a7c15;  x = (x ^ x>>30) * 0xbf58476d1ce4e5b9;  x = (x ^ x>>27) * 0x94d049bb133111eb;  x ^
///     x>>31
/// the key is mix(mix(mix(mix(seed) ^ h) ^ call) ^ sample).
///
/// The random number of an element is a function of the key and the element's row and column alone, so that it is the
/// same however the work is split. Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as
/// 1, 2, 3, SC'11) is given the key's words (low, high) and the counter's words
///     (low and high word of column >> 1, low and high word of row);
/// of its output w0 w1 w2 w3 an even column takes the 64 bits b = w0 + 2^32 w1, an odd one b = w2 + 2^32 w3. In a
/// one-dimensional array the element's number takes the column's place and the row is 0.
///   bits:    b
///   uniform: (b >> 11) 2^-53, in [0, 1)
///   normal:  with b of the even column and b' of the odd one, u = ((b >> 11) + 1) 2^-53 in (0, 1] and
///            v = (b' >> 11) 2^-53, the even column takes sqrt(-2 ln u) cos(2 pi v), the odd one sqrt(-2 ln u) sin(2 pi
///            v) (Box, Muller 1958); the largest magnitude is sqrt(106 ln 2) = 8.57. Logarithm, sine and cosine are
///            those of elementary.hpp, with errors below 1.7 ULP and the same bits everywhere.
[[nodiscard]] std::uint64_t key_of(const Stream& stream);

}  // namespace windrow::kernel
