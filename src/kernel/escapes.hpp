#pragma once

// Orbits of the Mandelbrot set, a vector of them at a time: see lanes.hpp for who may include this.

#include "kernel/lanes.hpp"

namespace windrow::kernel {
namespace {

/// Orbits that are computed side by side, so that the processor need not wait for the result of one step of one.
inline constexpr int kOrbitVectors = 4;
inline constexpr std::int64_t kOrbits = kOrbitVectors * kWidth<double>;

/// The orbits of some points, as far as they have been computed.
struct Orbits {
  Float64 real[kOrbitVectors] = {};
  Float64 imaginary[kOrbitVectors] = {};
  Float64 saved_real[kOrbitVectors] = {};  ///< where they were at some step before
  Float64 saved_imaginary[kOrbitVectors] = {};
  Int64 inside[kOrbitVectors] = {};  ///< mask: the orbit has never been outside, and is not known to stay inside
  Int64 steps[kOrbitVectors] = {};   ///< after which it was inside; -1 if it stays there
};

inline void advance(Orbits& orbits, const Float64* x, Float64 y, std::int64_t steps) {
  const Float64 radius_squared = broadcast(4.0);
  for (std::int64_t n = 0; n < steps; ++n)
    for (int v = 0; v < kOrbitVectors; ++v) {
      const Float64 real = orbits.real[v];
      const Float64 imaginary = orbits.imaginary[v];
      const Float64 product = real * imaginary;
      orbits.real[v] = (real * real - imaginary * imaginary) + x[v];
      orbits.imaginary[v] = (product + product) + y;
      const Float64 squared = orbits.real[v] * orbits.real[v] + orbits.imaginary[v] * orbits.imaginary[v];
      orbits.inside[v] &= squared <= radius_squared;
      orbits.steps[v] -= orbits.inside[v];  // a mask that is set is -1
    }
}

inline bool any_inside(const Orbits& orbits) {
  Int64 all = orbits.inside[0];
  for (int v = 1; v < kOrbitVectors; ++v) all |= orbits.inside[v];
  return any(all);
}

/// Orbits that are where they were have closed: they will be there again and again.
inline void settle_closed(Orbits& orbits) {
  for (int v = 0; v < kOrbitVectors; ++v) {
    const Int64 closed = orbits.inside[v] & (orbits.real[v] == orbits.saved_real[v]) &
                         (orbits.imaginary[v] == orbits.saved_imaginary[v]);
    orbits.steps[v] |= closed;
    orbits.inside[v] &= ~closed;
  }
}

inline void save(Orbits& orbits) {
  for (int v = 0; v < kOrbitVectors; ++v) {
    orbits.saved_real[v] = orbits.real[v];
    orbits.saved_imaginary[v] = orbits.imaginary[v];
  }
}

/// Follows the orbits for `limit` steps, or until all have left or closed. Arithmetic of limited precision has few
/// numbers: an orbit that does not leave comes back to one it had, and since each step depends on the last one alone,
/// it goes round for ever. Where it was is saved after 16, 32, 64, ... steps (R. P. Brent, An improved Monte Carlo
/// factorization algorithm, 1980), and looked for every 16: the result is that of all steps.
inline void follow(Orbits& orbits, const Float64* x, Float64 y, std::int64_t limit) {
  constexpr std::int64_t at_once = 16;
  std::int64_t save_at = at_once;
  for (std::int64_t done = 0; done < limit && any_inside(orbits); done += at_once) {
    advance(orbits, x, y, limit - done < at_once ? limit - done : at_once);
    settle_closed(orbits);
    if (done + at_once < save_at) continue;
    save(orbits);
    save_at = 2 * save_at;
  }
  for (int v = 0; v < kOrbitVectors; ++v) orbits.steps[v] |= orbits.inside[v];
}

inline void escapes(double x_begin, double x_step, std::int64_t first, double y, std::int64_t limit, std::int32_t* out,
                    std::int64_t count) {
  for (std::int64_t n = 0; n < count; n += kOrbits) {
    Float64 x[kOrbitVectors];
    Orbits orbits;
    for (int v = 0; v < kOrbitVectors; ++v) {
      const Bits points =
          bits_of(lane_numbers<std::int64_t>()) + broadcast(static_cast<std::uint64_t>(first + n + v * kWidth<double>));
      x[v] = broadcast(x_begin) + (float_of_small(points) + broadcast(0.5)) * broadcast(x_step);
      // Points behind the last one are not followed.
      orbits.inside[v] = as_int(points) < broadcast(first + count);
    }
    follow(orbits, x, broadcast(y), limit);
    for (std::int64_t point = 0; point < kOrbits && n + point < count; ++point)
      out[n + point] = static_cast<std::int32_t>(orbits.steps[point / kWidth<double>][point % kWidth<double>] + 1);
  }
}

}  // namespace
}  // namespace windrow::kernel
