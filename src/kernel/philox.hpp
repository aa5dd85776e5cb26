#pragma once

// Counter-based random numbers in vectors, as random.hpp defines them: see lanes.hpp for who may include this.

#include "kernel/elementary.hpp"
#include "kernel/kernels.hpp"
#include "kernel/sources.hpp"

namespace windrow::kernel {
namespace {

/// The four words of Philox's output, each in the low half of a lane; what the high half holds is never used. The first
/// two are the even column's bits, the others those of the odd one beside it.
struct Words {
  Bits even_low;
  Bits even_high;
  Bits odd_low;
  Bits odd_high;
};

/// Ten rounds of Philox4x32 for several vectors of counters: a round waits for its multiplications, so that one vector
/// alone would leave the processor idle half of the time.
template <std::size_t kVectors>
inline void philox(std::uint64_t key, Bits row, const Bits (&pairs)[kVectors], Words (&words)[kVectors]) {
  const Bits multiplier0 = broadcast<std::uint64_t>(0xd2511f53);
  const Bits multiplier1 = broadcast<std::uint64_t>(0xcd9e8d57);
  Bits c0[kVectors];
  Bits c1[kVectors];
  Bits c2[kVectors];
  Bits c3[kVectors];
#pragma GCC unroll 4
  for (std::size_t v = 0; v < kVectors; ++v) {
    c0[v] = pairs[v];
    c1[v] = pairs[v] >> 32;
    c2[v] = row;
    c3[v] = row >> 32;
  }
  auto key0 = static_cast<std::uint32_t>(key);
  auto key1 = static_cast<std::uint32_t>(key >> 32);
#pragma GCC unroll 10
  for (int round = 0; round < 10; ++round) {
#pragma GCC unroll 4
    for (std::size_t v = 0; v < kVectors; ++v) {
      const Bits product0 = multiply_low_halves(c0[v], multiplier0);
      const Bits product1 = multiply_low_halves(c2[v], multiplier1);
      c0[v] = high_halves(product1) ^ c1[v] ^ broadcast<std::uint64_t>(key0);
      c1[v] = product1;
      c2[v] = high_halves(product0) ^ c3[v] ^ broadcast<std::uint64_t>(key1);
      c3[v] = product0;
    }
    key0 += 0x9e3779b9;
    key1 += 0xbb67ae85;
  }
#pragma GCC unroll 4
  for (std::size_t v = 0; v < kVectors; ++v) words[v] = {c0[v], c1[v], c2[v], c3[v]};
}

struct Drawn {
  Float64 even;
  Float64 odd;
};

template <Distribution kDistribution>
inline Drawn shape(const Words& w) {
  if constexpr (kDistribution == Distribution::bits) {
    return {as_float(join_low_halves(w.even_low, w.even_high)), as_float(join_low_halves(w.odd_low, w.odd_high))};
  } else {
    const Float64 even = unit_interval(w.even_low, w.even_high);
    const Float64 odd = unit_interval(w.odd_low, w.odd_high);
    if constexpr (kDistribution == Distribution::uniform) return {even, odd};
    const SineCosine turn = sine_cosine_of_turns(odd);
    const Float64 radius = square_root(broadcast(-2.0) * logarithm(even + broadcast(0x1p-53)));
    return {radius * turn.cosine, radius * turn.sine};
  }
}

/// Pairs in a vector, and vectors that are drawn together: whole cache lines.
inline constexpr std::size_t kPairs = kWidth<double>;
inline constexpr std::size_t kTogether = 4;

/// What names the draws of a row; columns are counted from the even one of `pair`.
struct Source {
  std::uint64_t key;
  Bits row;
  std::uint64_t pair;
};

template <Distribution kDistribution, std::size_t kVectors>
inline void draw_vectors(const Source& source, std::int64_t column, Drawn (&drawn)[kVectors]) {
  const std::uint64_t first = source.pair + static_cast<std::uint64_t>(column / 2);
  Bits pairs[kVectors];
  Words words[kVectors];
  for (std::size_t v = 0; v < kVectors; ++v) pairs[v] = broadcast(first + v * kPairs) + pair_numbers();
  philox(source.key, source.row, pairs, words);
#pragma GCC unroll 4
  for (std::size_t v = 0; v < kVectors; ++v) drawn[v] = shape<kDistribution>(words[v]);
}

template <Store kStore>
inline void store_pairs(double* to, const Drawn& drawn) {
  const Interleaved both = interleave(drawn.even, drawn.odd);
  if constexpr (kStore == Store::streaming) {
    stream(to, both.first);
    stream(to + kPairs, both.second);
  } else {
    store(to, both.first);
    store(to + kPairs, both.second);
  }
}

/// Any columns of a row: those before and after whole pairs and cache lines.
template <Distribution kDistribution>
inline void draw_part(const Source& source, std::int64_t column, std::int64_t count, double* to) {
  while (count > 0) {
    Drawn drawn[1];
    draw_vectors<kDistribution>(source, column, drawn);
    double elements[2 * kPairs];
    store_pairs<Store::cached>(elements, drawn[0]);
    const std::int64_t skipped = column % 2;
    const std::int64_t here = smaller(count, 2 * kWidth<double> - skipped);
    __builtin_memcpy(to, elements + skipped, static_cast<std::uint64_t>(here) * sizeof(double));
    column += here;
    count -= here;
    to += here;
  }
}

/// As many columns, from an even one on, as make whole steps of `kVectors` vectors; returns their number.
template <Distribution kDistribution, std::size_t kVectors, Store kStore>
inline std::int64_t draw_whole(const Source& source, std::int64_t column, std::int64_t count, double* to) {
  constexpr auto step = static_cast<std::int64_t>(2 * kPairs * kVectors);
  std::int64_t done = 0;
  for (; done + step <= count; done += step) {
    Drawn drawn[kVectors];
    draw_vectors<kDistribution>(source, column + done, drawn);
#pragma GCC unroll 4
    for (std::size_t v = 0; v < kVectors; ++v) store_pairs<kStore>(to + done + 2 * kPairs * v, drawn[v]);
  }
  return done;
}

template <Distribution kDistribution>
void draws(std::uint64_t key, std::int64_t row, std::int64_t pair, std::int64_t skipped, std::int64_t count, void* out,
           Store how) {
  double* const to = static_cast<double*>(out);
  const Source source{key, broadcast(static_cast<std::uint64_t>(row)), static_cast<std::uint64_t>(pair)};
  const std::int64_t to_line = before_line(to, count);
  // Whole cache lines of whole pairs: where pairs lie across lines, all goes through the caches.
  const bool streams = how == Store::streaming && (skipped + to_line) % 2 == 0;
  std::int64_t n = streams ? to_line : smaller(count, skipped);
  draw_part<kDistribution>(source, skipped, n, to);
  n += streams ? draw_whole<kDistribution, kTogether, Store::streaming>(source, skipped + n, count - n, to + n)
               : draw_whole<kDistribution, kTogether, Store::cached>(source, skipped + n, count - n, to + n);
  n += draw_whole<kDistribution, 1, Store::cached>(source, skipped + n, count - n, to + n);
  draw_part<kDistribution>(source, skipped + n, count - n, to + n);
}

template <Distribution kDistribution>
void draws_at(std::uint64_t key, const void* rows, const void* columns, void* out, std::int64_t count) {
  for (std::int64_t n = 0; n < count; n += kWidth<double>) {
    const Bits column = load(static_cast<const std::uint64_t*>(columns) + n);
    const Bits pairs[1] = {column >> 1};
    Words words[1];
    philox(key, load(static_cast<const std::uint64_t*>(rows) + n), pairs, words);
    const Drawn drawn = shape<kDistribution>(words[0]);
    const Int64 odd = as_int(column & broadcast<std::uint64_t>(1)) != Int64{};
    store(static_cast<double*>(out) + n, odd ? drawn.odd : drawn.even);
  }
}

}  // namespace
}  // namespace windrow::kernel
