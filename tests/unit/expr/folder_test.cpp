#include "expr/folder.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "base/partition.hpp"
#include "kernel/kernels.hpp"
#include "kernel/level.hpp"

namespace windrow::expr {
namespace {

/// The lanes of a domain, with room for kernels to read beyond.
std::vector<std::int64_t> lanes_of(const Shape& domain, bool is_real) {
  std::mt19937_64 random(7);
  std::vector<std::int64_t> lanes(static_cast<std::size_t>(domain.elements() + kernel::kLanePadding));
  for (std::int64_t& lane : lanes) {
    const double x = std::uniform_real_distribution(-1.0, 3.0)(random);
    lane = is_real ? std::bit_cast<std::int64_t>(x) : static_cast<std::int64_t>(x * 1000);
  }
  return lanes;
}

/// What `ranks` ranks find together, their rows taken in strips of `strip` elements.
std::vector<std::int64_t> reduced(const Reduction& reduction, const std::vector<std::int64_t>& lanes,
                                  std::int64_t ranks, std::int64_t strip) {
  const Extents extents = reduction.domain.extents();
  std::vector<RowRange> blocks;
  std::vector<std::int64_t> parts;
  std::vector<std::int64_t> row_results(static_cast<std::size_t>(extents.rows));
  for (std::int64_t rank = 0; rank < ranks; ++rank) {
    const RowRange rows = row_block(extents.rows, ranks, rank);
    blocks.push_back(rows);
    const auto folder = Folder::make(reduction, rows, row_results.data() + rows.begin);
    for (std::int64_t element = rows.begin * extents.cols; element < rows.end * extents.cols;) {
      const std::int64_t count = std::min(strip, rows.end * extents.cols - element);
      folder->take(lanes.data() + element, element, count);
      element += count;
    }
    const std::vector<std::int64_t> part = folder->part();
    EXPECT_EQ(std::ssize(part), part_lanes(reduction, rows) * (reduction.axis == 0 ? extents.cols : 1));
    parts.insert(parts.end(), part.begin(), part.end());
  }
  if (reduction.axis == 1) return row_results;
  return combine(reduction, blocks, parts, reduction.axis == 0 ? extents.cols : 1);
}

constexpr std::array kFolds{Fold::sum,       Fold::product, Fold::minimum, Fold::maximum,
                            Fold::deviation, Fold::argmin,  Fold::argmax};
const std::array kShapes{Shape{2, 197, 23}, Shape{1, 1, 5003}, Shape{2, 3, 2011},
                         Shape{2, 1, 1},    Shape{2, 1031, 1}, Shape{2, 2, 512}};

TEST(Folder, GivesTheSameBytesHoweverTheElementsAreDivided) {
  for (const Shape& shape : kShapes)
    for (const Fold fold : kFolds)
      for (const ValueType type : {ValueType::float64, ValueType::int64})
        for (const std::optional<int> axis : {std::optional<int>(), std::optional(0), std::optional(1)}) {
          if ((shape.axes == 1 && axis) || (fold == Fold::deviation && type == ValueType::int64)) continue;
          const Reduction reduction{.fold = fold, .type = type, .domain = shape, .axis = axis};
          const std::vector<std::int64_t> lanes = lanes_of(shape, is_float(type));
          const std::vector<std::int64_t> expected = reduced(reduction, lanes, 1, 1024);
          for (const std::int64_t ranks : {1, 2, 3, 4, 7})
            for (const std::int64_t strip : {1, 23, 500, 1024})
              EXPECT_EQ(reduced(reduction, lanes, ranks, strip), expected)
                  << shape.text() << " fold " << static_cast<int>(fold) << " axis " << axis.value_or(-1) << " ranks "
                  << ranks << " strip " << strip;
        }
}

TEST(Folder, GivesTheSameBytesAtEveryLevel) {
  for (const Fold fold : kFolds) {
    const Reduction reduction{.fold = fold, .domain = {2, 197, 23}};
    const std::vector<std::int64_t> lanes = lanes_of(reduction.domain, true);
    std::vector<std::int64_t> expected;
    for (const kernel::Level level : kernel::kLevels) {
      if (level > kernel::best_level()) continue;
      kernel::use_level(level);
      const std::vector<std::int64_t> found = reduced(reduction, lanes, 3, 1000);
      if (expected.empty()) expected = found;
      EXPECT_EQ(found, expected) << kernel::name_of(level);
    }
    kernel::use_level(kernel::best_level());
  }
}

TEST(Folder, SumsAreAsGoodAsPairwiseOnes) {
  const Reduction reduction{.fold = Fold::sum, .domain = {1, 1, 1'000'003}};
  const std::vector<std::int64_t> lanes = lanes_of(reduction.domain, true);
  long double exact = 0;
  long double size = 0;
  for (std::int64_t n = 0; n < reduction.domain.cols; ++n) {
    const auto x = std::bit_cast<double>(lanes[static_cast<std::size_t>(n)]);
    exact += x;
    size += std::fabs(x);
  }
  const double found = std::bit_cast<double>(reduced(reduction, lanes, 3, 1024)[0]);
  // 20 additions within a block and 11 levels of blocks, each rounding by half a unit of 2^-52.
  const long double bound = 31 * 0x1p-53L * size;
  EXPECT_LE(std::fabs(static_cast<double>(found - exact)), static_cast<double>(bound));
}

/// The deviation found of the numbers of lanes_of(), moved by `offset(n)`, over the exact one.
double deviation_over_exact(double (*offset)(std::int64_t n)) {
  const Reduction reduction{.fold = Fold::deviation, .domain = {2, 1009, 101}};
  std::vector<std::int64_t> lanes = lanes_of(reduction.domain, true);
  std::vector<long double> values;
  long double mean = 0;
  for (std::int64_t n = 0; n < reduction.domain.elements(); ++n) {
    const double x = offset(n) + std::bit_cast<double>(lanes[static_cast<std::size_t>(n)]);
    lanes[static_cast<std::size_t>(n)] = std::bit_cast<std::int64_t>(x);
    values.push_back(x);
    mean += static_cast<long double>(x) / static_cast<long double>(reduction.domain.elements());
  }
  long double exact = 0;
  for (const long double x : values) exact += (x - mean) * (x - mean);
  return std::bit_cast<double>(reduced(reduction, lanes, 4, 1024)[0]) / static_cast<double>(exact);
}

TEST(Folder, DeviationsOfNumbersFarFromZeroAreAccurate) {
  EXPECT_NEAR(deviation_over_exact([](std::int64_t) { return 1e9; }), 1.0, 1e-12);
}

TEST(Folder, DeviationsOfBlocksThatBeginUnlikeTheirRestAreAccurate) {
  const auto odd_beginning = [](std::int64_t n) { return n % kFoldBlock < kFoldLanes ? 1e9 : 0.0; };
  EXPECT_NEAR(deviation_over_exact(odd_beginning), 1.0, 1e-14);
  const auto one_odd_block = [](std::int64_t n) { return n < kFoldLanes ? -1e15 : 3.0; };
  EXPECT_NEAR(deviation_over_exact(one_odd_block), 1.0, 1e-14);
}

TEST(Folder, TheDeviationOfASingleNanIsNan) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const std::optional<int> axis : {std::optional<int>(), std::optional(0), std::optional(1)}) {
    const Reduction reduction{.fold = Fold::deviation, .domain = {2, 1, 1}, .axis = axis};
    std::vector<std::int64_t> lanes(64);
    lanes[0] = std::bit_cast<std::int64_t>(nan);
    EXPECT_TRUE(std::isnan(std::bit_cast<double>(reduced(reduction, lanes, 1, 1)[0]))) << axis.value_or(-1);
    lanes[0] = std::bit_cast<std::int64_t>(2.5);
    EXPECT_EQ(std::bit_cast<double>(reduced(reduction, lanes, 1, 1)[0]), 0.0);
  }
}

TEST(Folder, TheFirstOfEqualOnesAndTheFirstNanWin) {
  const Reduction smallest{.fold = Fold::argmin, .domain = {1, 1, 3000}};
  std::vector<std::int64_t> lanes(3000 + kernel::kLanePadding, std::bit_cast<std::int64_t>(5.0));
  EXPECT_EQ(reduced(smallest, lanes, 3, 700)[0], 0);
  lanes[1234] = lanes[1300] = lanes[2999] = std::bit_cast<std::int64_t>(-1.0);
  EXPECT_EQ(reduced(smallest, lanes, 3, 700)[0], 1234);
  lanes[2000] = lanes[2500] = std::bit_cast<std::int64_t>(std::nan(""));
  EXPECT_EQ(reduced(smallest, lanes, 3, 700)[0], 2000);
  const Reduction minimum{.fold = Fold::minimum, .domain = {1, 1, 3000}};
  EXPECT_TRUE(std::isnan(std::bit_cast<double>(reduced(minimum, lanes, 3, 700)[0])));
}

}  // namespace
}  // namespace windrow::expr
