#include <gtest/gtest.h>

#include <vector>

#include "unit/kernel/levels.hpp"

namespace windrow::kernel {
namespace {

/// All steps of one orbit.
std::int32_t first_step_outside(double x, double y, std::int64_t limit) {
  double real = 0.0;
  double imaginary = 0.0;
  for (std::int64_t step = 1; step <= limit; ++step) {
    const double product = real * imaginary;
    real = (real * real - imaginary * imaginary) + x;
    imaginary = (product + product) + y;
    if (!(real * real + imaginary * imaginary <= 4.0)) return static_cast<std::int32_t>(step);
  }
  return 0;
}

std::vector<std::int32_t> escapes_of(double x_begin, double x_step, std::int64_t first, double y, std::int64_t limit,
                                     std::size_t count) {
  std::vector<std::int32_t> found(count + 1, -7);
  kernels().escapes(x_begin, x_step, first, y, limit, found.data(), static_cast<std::int64_t>(count));
  EXPECT_EQ(found.back(), -7) << "stored behind the last point";
  found.pop_back();
  return found;
}

TEST(Escapes, AreThoseOfAllStepsAtEveryLevel) {
  constexpr double x_begin = -2.25;
  constexpr double x_step = 0.0147;
  at_every_level([&](Level level) {
    for (const std::int64_t limit : {1, 15, 16, 17, 1000})
      for (const double y : {0.0, -0.0, 0.1, 0.7451, -1.0, 3.0})
        for (const std::size_t count : {1U, 7U, 31U, 32U, 33U, 197U}) {
          constexpr std::int64_t first = 5;
          const std::vector<std::int32_t> found = escapes_of(x_begin, x_step, first, y, limit, count);
          for (std::size_t n = 0; n < count; ++n) {
            const double x = x_begin + (static_cast<double>(first + static_cast<std::int64_t>(n)) + 0.5) * x_step;
            ASSERT_EQ(found[n], first_step_outside(x, y, limit)) << name_of(level) << " " << x << " " << y;
          }
        }
  });
}

TEST(Escapes, OfClosedOrbitsEndSoon) {
  // Points of cycles of 1, 2, 3 and 4 steps, and one whose orbit is 0, -2, 2, 2, ...; all steps would take hours.
  constexpr std::int64_t limit = std::int64_t{1} << 40;
  at_every_level([&](Level level) {
    for (const double x : {-0.1, -1.0, -1.7549, -1.3107, -2.0})
      EXPECT_EQ(escapes_of(x, 0.0, 0, 0.0, limit, 1)[0], 0) << name_of(level) << " " << x;
  });
}

}  // namespace
}  // namespace windrow::kernel
