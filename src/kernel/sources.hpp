#pragma once

// What a vector loop reads and how it stores: see lanes.hpp for who may include this. A source is a small object whose
// call with an element number gives the vector of elements from there on; it may give anything past the last element.

#include "kernel/lanes.hpp"
#include "kernel/store.hpp"

namespace windrow::kernel {
namespace {

template <typename T>
struct Lanes {
  const T* first;
  explicit Lanes(const void* lanes) : first(static_cast<const T*>(lanes)) {}
  Vector<T> operator()(std::int64_t n) const { return load(first + n); }
};

template <typename T>
struct Scalar {
  Vector<T> value;
  explicit Scalar(const void* lane) : value(broadcast(*static_cast<const T*>(lane))) {}
  Vector<T> operator()(std::int64_t) const { return value; }
};

/// base, base + step, ... in wrapping arithmetic.
struct RampSource {
  std::uint64_t base;
  std::uint64_t step;
  Bits within;
  RampSource(std::int64_t first, std::int64_t increment)
      : base(static_cast<std::uint64_t>(first)),
        step(static_cast<std::uint64_t>(increment)),
        within(lane_numbers<std::uint64_t>() * broadcast(step)) {}
  Bits operator()(std::int64_t n) const { return broadcast(base + step * static_cast<std::uint64_t>(n)) + within; }
};

inline constexpr std::int64_t kLineBytes = 64;

inline std::int64_t smaller(std::int64_t a, std::int64_t b) {
  return a < b ? a : b;
}

/// Elements before the first whole cache line at `to`, at most `count`.
template <typename T>
inline std::int64_t before_line(const T* to, std::int64_t count) {
  const auto past = static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(to) % kLineBytes);
  return smaller((kLineBytes - past) % kLineBytes / static_cast<std::int64_t>(sizeof(T)), count);
}

template <typename T, typename Source>
inline void store_cached(const Source& source, T* out, std::int64_t begin, std::int64_t end) {
  std::int64_t n = begin;
  for (; n + kWidth<T> <= end; n += kWidth<T>) store(out + n, source(n));
  if (n < end) store_part(out + n, source(n), end - n);
}

/// Stores `count` elements of a source. Whole cache lines go past the caches if asked: a line of which only a part
/// did would be read back from memory.
template <typename T, typename Source>
inline void store_all(const Source& source, void* destination, std::int64_t count, Store how) {
  T* const out = static_cast<T*>(destination);
  if (how == Store::cached) return store_cached(source, out, 0, count);
  constexpr std::int64_t line = kLineBytes / static_cast<std::int64_t>(sizeof(T));
  const std::int64_t head = before_line(out, count);
  const std::int64_t body_end = head + (count - head) / line * line;
  store_cached(source, out, 0, head);
  for (std::int64_t n = head; n < body_end; n += kWidth<T>) stream(out + n, source(n));
  store_cached(source, out, body_end, count);
}

/// Remembers whether there was anything but finite numbers: they alone are 0 less than themselves. Integers are.
struct Watch {
  Bits apart = {};

  template <typename V>
  void see(V v) {
    constexpr bool is_float = __is_same(ElementOf<V>, double) || __is_same(ElementOf<V>, float);
    if constexpr (is_float) apart |= reinterpret_cast<Bits>(v - v);
  }
  [[nodiscard]] bool all_finite() const { return !any(as_int(apart) != 0); }
};

/// A source of which what it gives is watched.
template <typename Source>
struct Watched {
  const Source& source;
  Watch& watch;

  auto operator()(std::int64_t n) const {
    const auto v = source(n);
    watch.see(v);
    return v;
  }
};

/// As store_all(), for a source that is long code: there is one copy of it.
template <typename T, typename Source>
inline void store_each(const Source& source, void* destination, std::int64_t count, Store how) {
  T* const out = static_cast<T*>(destination);
  constexpr std::int64_t line = kLineBytes / static_cast<std::int64_t>(sizeof(T));
  const std::int64_t head = how == Store::cached ? 0 : before_line(out, count);
  const std::int64_t body_end = how == Store::cached ? 0 : head + (count - head) / line * line;
  std::int64_t stored = 0;
  for (std::int64_t n = 0; n < count; n += stored) {
    const Vector<T> v = source(n);
    stored = smaller(kWidth<T>, (n < head ? head : count) - n);
    if (stored < kWidth<T>) {
      store_part(out + n, v, stored);
    } else if (head <= n && n < body_end) {
      stream(out + n, v);
    } else {
      store(out + n, v);
    }
  }
}

}  // namespace
}  // namespace windrow::kernel
