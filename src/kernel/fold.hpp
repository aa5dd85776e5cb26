#pragma once

// Many lanes folded into one: see lanes.hpp for who may include this.

#include "kernel/arithmetic.hpp"
#include "kernel/kernels.hpp"
#include "kernel/simple.hpp"

namespace windrow::kernel {
namespace {

inline constexpr std::int64_t kFoldLanes = 32;  ///< folded side by side, whatever the width

/// The lanes folded in an order that no width changes: lane n with the lanes n + 32, n + 64, ... one after another,
/// then the 32 results as a binary tree. `count` is a multiple of 32.
template <typename Op, typename Prepare>
inline double fold_lanes(const double* lanes, std::int64_t count, Prepare prepare) {
  constexpr auto vectors = kFoldLanes / kWidth<double>;
  Float64 folded[vectors];
  for (std::int64_t v = 0; v < vectors; ++v) folded[v] = prepare(load(lanes + v * kWidth<double>));
  for (std::int64_t n = kFoldLanes; n < count; n += kFoldLanes)
    for (std::int64_t v = 0; v < vectors; ++v)
      folded[v] = Op::apply(folded[v], prepare(load(lanes + n + v * kWidth<double>)));
  for (std::int64_t half = vectors / 2; half > 0; half /= 2)
    for (std::int64_t v = 0; v < half; ++v) folded[v] = Op::apply(folded[v], folded[v + half]);
  double single[kWidth<double>];
  store(single, folded[0]);
  for (std::int64_t half = kWidth<double> / 2; half > 0; half /= 2)
    for (std::int64_t n = 0; n < half; ++n) single[n] = Op::apply(single[n], single[n + half]);
  return single[0];
}

inline double sum_of_lanes(const void* lanes, std::int64_t count) {
  return fold_lanes<Add>(static_cast<const double*>(lanes), count, [](Float64 x) { return x; });
}

inline double product_of_lanes(const void* lanes, std::int64_t count) {
  return fold_lanes<Multiply>(static_cast<const double*>(lanes), count, [](Float64 x) { return x; });
}

inline Deviation deviation_of_lanes(const void* lanes, std::int64_t count, double middle) {
  const auto* const from = static_cast<const double*>(lanes);
  const Float64 center = broadcast(middle);
  const auto apart = [=](Float64 x) { return x - center; };
  const auto square = [=](Float64 x) { return apart(x) * apart(x); };
  return {fold_lanes<Add>(from, count, apart), fold_lanes<Add>(from, count, square)};
}

/// For an operation whose result does not depend on the order.
template <typename Op, typename T>
inline T fold_any_order(const void* lanes, std::int64_t count, T neutral) {
  const T* const from = static_cast<const T*>(lanes);
  constexpr std::int64_t vectors = 4;
  constexpr std::int64_t step = vectors * kWidth<T>;
  Vector<T> folded[vectors];
  for (Vector<T>& v : folded) v = broadcast(neutral);
  std::int64_t n = 0;
  for (; n + step <= count; n += step)
    for (std::int64_t v = 0; v < vectors; ++v) folded[v] = Op::apply(folded[v], load(from + n + v * kWidth<T>));
  T last[kWidth<T>];
  for (; n < count; n += kWidth<T>) {
    for (std::int64_t lane = 0; lane < kWidth<T>; ++lane) last[lane] = n + lane < count ? from[n + lane] : neutral;
    folded[0] = Op::apply(folded[0], load(last));
  }
  for (std::int64_t v = 1; v < vectors; ++v) folded[0] = Op::apply(folded[0], folded[v]);
  // The single lanes, each as the first of a vector.
  for (std::int64_t lane = 1; lane < kWidth<T>; ++lane) {
    const Vector<T> both = Op::apply(broadcast(T(folded[0][0])), broadcast(T(folded[0][lane])));
    folded[0][0] = both[0];
  }
  return folded[0][0];
}

inline double minimum_of_lanes(const void* lanes, std::int64_t count) {
  return fold_any_order<Minimum>(lanes, count, __builtin_inf());
}
inline double maximum_of_lanes(const void* lanes, std::int64_t count) {
  return fold_any_order<Maximum>(lanes, count, -__builtin_inf());
}
inline std::int64_t minimum_of_ints(const void* lanes, std::int64_t count) {
  return fold_any_order<Minimum>(lanes, count, INT64_MAX);
}
inline std::int64_t maximum_of_ints(const void* lanes, std::int64_t count) {
  return fold_any_order<Maximum>(lanes, count, INT64_MIN);
}
inline std::int64_t sum_of_ints(const void* lanes, std::int64_t count) {
  return static_cast<std::int64_t>(fold_any_order<Add>(lanes, count, std::uint64_t{0}));
}
inline std::int64_t product_of_ints(const void* lanes, std::int64_t count) {
  return static_cast<std::int64_t>(fold_any_order<Multiply>(lanes, count, std::uint64_t{1}));
}

template <typename T>
inline NotFinite not_finite(const void* elements, std::int64_t count) {
  const auto* const from = static_cast<const T*>(elements);
  NotFinite found;
  for (std::int64_t n = 0; n < count; ++n) {
    const T x = from[n];
    found.nan += x != x ? 1 : 0;
    found.infinite += x == static_cast<T>(__builtin_inf()) || x == -static_cast<T>(__builtin_inf()) ? 1 : 0;
  }
  return found;
}

}  // namespace
}  // namespace windrow::kernel
