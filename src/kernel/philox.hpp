#pragma once

// Counter-based random numbers in vectors, as random.hpp defines them: see lanes.hpp for who may include this.

#include "kernel/elementary.hpp"
#include "kernel/kernels.hpp"

namespace windrow::kernel {
namespace {

/// The 64 random bits of an even column and of the odd one beside it.
struct Pair {
  Bits even;
  Bits odd;
};

/// Ten rounds of Philox4x32. A 32-bit word is the low half of a lane; what the high half holds is never used.
inline Pair philox(std::uint64_t key, Bits row, Bits pair) {
  const Bits multiplier0 = broadcast<std::uint64_t>(0xd2511f53);
  const Bits multiplier1 = broadcast<std::uint64_t>(0xcd9e8d57);
  Bits c0 = pair;
  Bits c1 = pair >> 32;
  Bits c2 = row;
  Bits c3 = row >> 32;
  auto key0 = static_cast<std::uint32_t>(key);
  auto key1 = static_cast<std::uint32_t>(key >> 32);
#pragma GCC unroll 10
  for (int round = 0; round < 10; ++round) {
    const Bits product0 = multiply_low_halves(c0, multiplier0);
    const Bits product1 = multiply_low_halves(c2, multiplier1);
    c0 = high_halves(product1) ^ c1 ^ broadcast<std::uint64_t>(key0);
    c1 = product1;
    c2 = high_halves(product0) ^ c3 ^ broadcast<std::uint64_t>(key1);
    c3 = product0;
    key0 += 0x9e3779b9;
    key1 += 0xbb67ae85;
  }
  return {join_low_halves(c0, c1), join_low_halves(c2, c3)};
}

struct Drawn {
  Float64 even;
  Float64 odd;
};

template <Distribution kDistribution>
inline Drawn shape(Pair pair) {
  if constexpr (kDistribution == Distribution::bits) {
    return {as_float(pair.even), as_float(pair.odd)};
  } else if constexpr (kDistribution == Distribution::uniform) {
    return {top_53_bits(pair.even) * broadcast(0x1p-53), top_53_bits(pair.odd) * broadcast(0x1p-53)};
  } else {
    const Float64 u = (top_53_bits(pair.even) + broadcast(1.0)) * broadcast(0x1p-53);
    const SineCosine turn = sine_cosine_of_turns(top_53_bits(pair.odd) * broadcast(0x1p-53));
    const Float64 radius = square_root(broadcast(-2.0) * logarithm(u));
    return {radius * turn.cosine, radius * turn.sine};
  }
}

template <Distribution kDistribution>
void draws(std::uint64_t key, std::int64_t row, std::int64_t pair, std::int64_t pairs, void* out) {
  double* const to = static_cast<double*>(out);
  const Bits rows = broadcast(static_cast<std::uint64_t>(row));
  Bits at = broadcast(static_cast<std::uint64_t>(pair)) + lane_numbers<std::uint64_t>();
  for (std::int64_t n = 0; n < pairs; n += kWidth<double>) {
    const Drawn drawn = shape<kDistribution>(philox(key, rows, at));
    store_interleaved(to + 2 * n, drawn.even, drawn.odd);
    at += broadcast<std::uint64_t>(kWidth<double>);
  }
}

template <Distribution kDistribution>
void draws_at(std::uint64_t key, const void* rows, const void* columns, void* out, std::int64_t count) {
  for (std::int64_t n = 0; n < count; n += kWidth<double>) {
    const Bits column = load(static_cast<const std::uint64_t*>(columns) + n);
    const Drawn drawn =
        shape<kDistribution>(philox(key, load(static_cast<const std::uint64_t*>(rows) + n), column >> 1));
    const Int64 odd = as_int(column & broadcast<std::uint64_t>(1)) != Int64{};
    store(static_cast<double*>(out) + n, odd ? drawn.odd : drawn.even);
  }
}

}  // namespace
}  // namespace windrow::kernel
