#include "array/touched_ranges.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace windrow {
namespace {

TEST(TouchedRanges, TellsTheGapsInOrder) {
  TouchedRanges touched;
  EXPECT_EQ(touched.first_gap({10, 20}), (ByteRange{10, 20}));
  EXPECT_EQ(touched.first_gap({10, 10}), std::nullopt);
  touched.add({10, 20});
  touched.add({40, 50});
  touched.add({30, 30});
  EXPECT_EQ(touched.first_gap({10, 20}), std::nullopt);
  EXPECT_EQ(touched.first_gap({0, 60}), (ByteRange{0, 10}));
  EXPECT_EQ(touched.first_gap({12, 60}), (ByteRange{20, 40}));
  EXPECT_EQ(touched.first_gap({20, 30}), (ByteRange{20, 30}));
  EXPECT_EQ(touched.first_gap({45, 60}), (ByteRange{50, 60}));
  touched.add({15, 45});
  EXPECT_EQ(touched.first_gap({0, 60}), (ByteRange{0, 10}));
  EXPECT_EQ(touched.first_gap({10, 60}), (ByteRange{50, 60}));
}

TEST(TouchedRanges, ForgetsNothingAndInventsNothing) {
  constexpr std::int64_t size = 197;
  std::mt19937_64 random(20240607);
  const auto below = [&](std::int64_t end) {
    return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(end));
  };
  for (int round = 0; round < 100; ++round) {
    TouchedRanges touched;
    std::vector<bool> is_touched(size, false);
    for (int n = 0; n < 40; ++n) {
      const std::int64_t begin = below(size);
      const ByteRange added{begin, std::min(size, begin + below(11))};
      touched.add(added);
      std::fill(is_touched.begin() + added.begin, is_touched.begin() + std::max(added.begin, added.end), true);
      // All gaps of any range, one after the other, are what has not been touched of it.
      const std::int64_t first = below(size);
      const std::int64_t end = first + below(size + 1 - first);
      std::vector<bool> seen(is_touched);
      std::int64_t last = first - 1;
      ByteRange rest{first, end};
      while (const std::optional<ByteRange> gap = touched.first_gap(rest)) {
        ASSERT_GT(gap->begin, last) << "two gaps meet";
        ASSERT_LE(gap->end, end);
        for (std::int64_t byte = gap->begin; byte < gap->end; ++byte) {
          ASSERT_FALSE(seen[static_cast<std::size_t>(byte)]);
          seen[static_cast<std::size_t>(byte)] = true;
        }
        last = gap->end;
        rest.begin = gap->end;
      }
      ASSERT_TRUE(std::all_of(seen.begin() + first, seen.begin() + end, [](bool is) { return is; }));
    }
  }
}

}  // namespace
}  // namespace windrow
