#pragma once

// The loop of functions of one operand: see lanes.hpp for who may include this.

#include <cstddef>

#include "kernel/sources.hpp"

namespace windrow::kernel {
namespace {

/// A function with one way for all numbers. Those with a shorter way for usual ones, as Exp, have these three members
/// of their own; what `usual` gives for usual numbers is finite, and what `any` must give too.
template <auto kFunction>
struct Only {
  template <typename V>
  static Int64 is_usual(V) {
    return ~Int64{};
  }
  template <typename V>
  static auto usual(V x) {
    return kFunction(x);
  }
  template <typename V>
  static auto any(V x) {
    return kFunction(x);
  }
};

template <typename F>
inline constexpr bool kUsualIsFinite = true;
template <auto kFunction>
inline constexpr bool kUsualIsFinite<Only<kFunction>> = false;

/// Vectors that are worked on together: a function is one chain of operations that wait for each other. Their
/// constants must find room in the registers too.
inline constexpr std::int64_t kVectors = kLaneBytes == 64 ? 4 : 2;

/// The functions of some vectors' lanes, whole ones.
template <typename F, Store kStore, typename T, typename Result>
inline void apply_to_vectors(const T* from, Result* to, Watch& watch) {
  Vector<T> x[kVectors];
  Int64 usual = ~Int64{};
#pragma GCC unroll 4
  for (std::int64_t v = 0; v < kVectors; ++v) {
    x[v] = load(from + v * kWidth<T>);
    usual &= F::is_usual(x[v]);
  }
  Vector<Result> y[kVectors];
  if (any(~usual)) [[unlikely]] {
    for (std::int64_t v = 0; v < kVectors; ++v) {
      const Vector<Result> z = F::any(load(from + v * kWidth<T>));
      watch.see(z);
      store(to + v * kWidth<T>, z);
    }
    return;
  }
#pragma GCC unroll 4
  for (std::int64_t v = 0; v < kVectors; ++v) y[v] = F::usual(x[v]);
  if constexpr (!kUsualIsFinite<F>) {
    Vector<Result> sum = y[0];  // finite only if all are
    for (std::int64_t v = 1; v < kVectors; ++v) sum += y[v];
    watch.see(sum);
  }
#pragma GCC unroll 4
  for (std::int64_t v = 0; v < kVectors; ++v) {
    if constexpr (kStore == Store::streaming) {
      stream(to + v * kWidth<T>, y[v]);
    } else {
      store(to + v * kWidth<T>, y[v]);
    }
  }
}

/// As store_all(), for functions, which are long code: there are two copies of each.
template <typename F, typename T>
bool unary(const void* a, void* out, std::int64_t count, Store how) {
  using Result = ElementOf<decltype(F::usual(Vector<T>{}))>;
  constexpr std::int64_t group = kVectors * kWidth<T>;
  const T* const from = static_cast<const T*>(a);
  Result* const to = static_cast<Result*>(out);
  const std::int64_t head = how == Store::cached ? 0 : before_line(to, count);
  Watch watch;
  std::int64_t done = 0;
  for (std::int64_t n = 0; n < count; n += done) {
    done = smaller(group, (n < head ? head : count) - n);
    if (done == group && n >= head && how == Store::streaming) {
      apply_to_vectors<F, Store::streaming>(from + n, to + n, watch);
      continue;
    }
    T part[static_cast<std::size_t>(group)];
    Result part_result[static_cast<std::size_t>(group)];
    const bool is_whole = done == group;
    if (!is_whole) {
      for (T& x : part) x = from[n];  // as usual and as finite as the others
      __builtin_memcpy(part, from + n, static_cast<std::uint64_t>(done) * sizeof(T));
    }
    apply_to_vectors<F, Store::cached>(is_whole ? from + n : part, is_whole ? to + n : part_result, watch);
    if (!is_whole) __builtin_memcpy(to + n, part_result, static_cast<std::uint64_t>(done) * sizeof(Result));
  }
  return watch.all_finite();
}

}  // namespace
}  // namespace windrow::kernel
