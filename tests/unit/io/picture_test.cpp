#include "io/picture.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

namespace windrow::io::test {
namespace {

constexpr int kColours = 256;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// L*, a*, b* of CIE 1976 for the white D65: another measure of what the eye sees than the one that the colours are
/// made by. Source: CIE 15, and IEC 61966-2-1 for sRGB.
std::array<double, 3> cielab(Colour colour) {
  const auto linear = [](std::uint8_t part) {
    const double encoded = part / 255.0;
    return encoded <= 0.04045 ? encoded / 12.92 : std::pow((encoded + 0.055) / 1.055, 2.4);
  };
  const double red = linear(colour.red);
  const double green = linear(colour.green);
  const double blue = linear(colour.blue);
  const auto f = [](double t) { return t > 216.0 / 24389.0 ? std::cbrt(t) : (24389.0 / 27.0 * t + 16.0) / 116.0; };
  const double x = f((0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.95047);
  const double y = f(0.2126 * red + 0.7152 * green + 0.0722 * blue);
  const double z = f((0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.08883);
  return {116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)};
}

double lightness(double share) {
  return cielab(colour_of(share))[0];
}

TEST(ColourMap, GetsLighterByEqualSteps) {
  // Parts of colours have 8 bits, whose last one is worth 0.3 of lightness at most in dark colours; and OKLab's
  // lightness bends against CIE's by 2.
  constexpr double bend = 2.5;
  const double first = lightness(0.0);
  const double last = lightness(1.0);
  EXPECT_LT(first, 20.0);
  EXPECT_GT(last, 85.0);
  for (int n = 1; n < kColours; ++n) {
    const double share = n / (kColours - 1.0);
    EXPECT_GT(lightness(share) + 0.3, lightness(share - 1.0 / (kColours - 1.0))) << n;
    EXPECT_NEAR(lightness(share), std::lerp(first, last, share), bend) << n;
  }
}

TEST(ColourMap, HasNoStepThatStandsOut) {
  // CIE 1976 overrates differences of strong colours, yellow above all: by up to a factor of two.
  constexpr int steps = 16;
  std::vector<double> distances;
  for (int n = 0; n < steps; ++n) {
    const auto from = cielab(colour_of(n / double{steps}));
    const auto to = cielab(colour_of((n + 1) / double{steps}));
    distances.push_back(std::hypot(to[0] - from[0], to[1] - from[1], to[2] - from[2]));
  }
  const auto [least, largest] = std::ranges::minmax(distances);
  EXPECT_LT(largest / least, 2.0);
}

TEST(ColourMap, HasNoGrey) {
  for (int n = 0; n < kColours; ++n) {
    const auto [l, a, b] = cielab(colour_of(n / (kColours - 1.0)));
    EXPECT_GT(std::hypot(a, b), 10.0) << n;
  }
  EXPECT_LT(std::hypot(cielab(kNoValue)[1], cielab(kNoValue)[2]), 1.0);
}

TEST(ColourMap, KeepsToItsEnds) {
  EXPECT_EQ(colour_of(-1.0), colour_of(0.0));
  EXPECT_EQ(colour_of(2.0), colour_of(1.0));
}

TEST(ColourRange, GoesFromTheLeastToTheLargestValue) {
  const ColourRange range({.label = "v"}, std::vector{3.0, -1.0, kNaN, 7.0, kInfinity});
  EXPECT_EQ(range.colour(-1.0), colour_of(0.0));
  EXPECT_EQ(range.colour(3.0), colour_of(0.5));
  EXPECT_EQ(range.colour(7.0), colour_of(1.0));
  for (const double none : {kNaN, kInfinity, -kInfinity}) EXPECT_EQ(range.colour(none), kNoValue);
  EXPECT_FALSE(range.has_all());
  EXPECT_EQ(range.no_value_label(), "not finite");
}

TEST(ColourRange, OfLogarithmsLeavesOutWhatHasNone) {
  const ColourRange range({.label = "v", .scale = ColourScale::logarithmic}, std::vector{100.0, 1.0, 0.0, -5.0});
  EXPECT_EQ(range.colour(1.0), colour_of(0.0));
  EXPECT_EQ(range.colour(10.0), colour_of(0.5));
  EXPECT_EQ(range.colour(0.0), kNoValue);
  EXPECT_EQ(range.no_value_label(), "not above 0");
}

TEST(ColourRange, OfOneValueHasItInTheMiddle) {
  for (const double value : {0.0, 2.5, -3.0})
    EXPECT_NEAR(ColourRange({.label = "v"}, std::vector{value}).share(value), 0.5, 1e-12);
}

TEST(ColourRange, SpansAllNumbers) {
  constexpr double most = std::numeric_limits<double>::max();
  const ColourRange range({.label = "v"}, std::vector{-most, 0.0, most});
  EXPECT_EQ(range.colour(0.0), colour_of(0.5));
  EXPECT_FALSE(range.ticks().empty());
}

TEST(ColourRange, OfNothingHasNoMarks) {
  const ColourRange range({.label = "v"}, std::vector{kNaN});
  EXPECT_FALSE(range.has_any());
  EXPECT_TRUE(range.ticks().empty());
}

std::vector<std::string> labels(const std::vector<Tick>& ticks) {
  std::vector<std::string> texts;
  for (const Tick& tick : ticks) texts.push_back(tick.label);
  return texts;
}

using Labels = std::vector<std::string>;

TEST(Ticks, AreRoundNumbers) {
  EXPECT_EQ(labels(linear_ticks(-2.0, 0.5, {.most = 5})), (Labels{"-2.0", "-1.5", "-1.0", "-0.5", "0", "0.5"}));
  EXPECT_EQ(labels(linear_ticks(-0.5, 196.5, {.most = 5, .whole = true})), (Labels{"0", "50", "100", "150"}));
  EXPECT_EQ(labels(linear_ticks(-0.5, 1.5, {.most = 8, .whole = true})), (Labels{"0", "1"}));
  EXPECT_EQ(labels(linear_ticks(0.0, 3e15, {.most = 4})), (Labels{"0", "1e+15", "2e+15", "3e+15"}));
  EXPECT_EQ(labels(linear_ticks(-0.74364390, -0.74364380, {.most = 2})),
            (Labels{"-0.74364390", "-0.74364385", "-0.74364380"}));
  EXPECT_EQ(labels(linear_ticks(0.1318259000, 0.1318259002, {.most = 3})),
            (Labels{"0.1318259000", "0.1318259001", "0.1318259002"}));
  EXPECT_EQ(labels(linear_ticks(2e-5, 4e-5, {.most = 2})), (Labels{"2e-05", "3e-05", "4e-05"}));
  EXPECT_EQ(labels(linear_ticks(123456789.0, 123456791.0, {.most = 2})),
            (Labels{"123456789", "123456790", "123456791"}));
}

TEST(Ticks, OfLogarithmsArePowersOfTen) {
  EXPECT_EQ(labels(logarithmic_ticks(3.0, 300.0, {})), (Labels{"5", "10", "20", "50", "100", "200"}));
  EXPECT_EQ(labels(logarithmic_ticks(1.0, 1e5, {})), (Labels{"1", "10", "100", "1000", "10000", "100000"}));
  EXPECT_EQ(labels(logarithmic_ticks(40.0, 60.0, {.most = 2})), (Labels{"40", "50", "60"}));
}

TEST(Ticks, AreFewWhateverTheAxis) {
  constexpr double tiny = std::numeric_limits<double>::denorm_min();
  for (const auto& [low, high] : {std::pair{1.0, std::nextafter(1.0, 2.0)}, std::pair{0.0, tiny},
                                  std::pair{-1e308, 1e308}, std::pair{1e-320, 2e-320}}) {
    const std::size_t marks = linear_ticks(low, high, {}).size();
    EXPECT_GE(marks, 2) << low << " " << high;
    EXPECT_LE(marks, 12) << low << " " << high;
  }
  EXPECT_LE(logarithmic_ticks(tiny, 1e308, {}).size(), 12);
}

void expect_every_pixel_shows_what_it_stands_for(const GridSide& side, std::int64_t elements) {
  ASSERT_GT(side.pixels(), 0);
  EXPECT_TRUE(std::ranges::is_sorted(side.shown, std::less_equal<>())) << "each once";
  for (std::int64_t pixel = 0; pixel < side.pixels(); ++pixel) {
    const std::int64_t element = side.shown[static_cast<std::size_t>(side.shown_from[static_cast<std::size_t>(pixel)])];
    // Pixel p stands for the elements from p/pixels to (p + 1)/pixels of all.
    EXPECT_LE(element * side.pixels(), (pixel + 1) * elements);
    EXPECT_GE((element + 1) * side.pixels(), pixel * elements);
  }
}

TEST(PictureGrid, ShowsAllElementsOfASmallArray) {
  const PictureGrid grid = picture_grid({197, 23});
  EXPECT_EQ(std::ssize(grid.rows.shown), 197);
  EXPECT_EQ(std::ssize(grid.cols.shown), 23);
  EXPECT_EQ(grid.rows.pixels() % 197, 0);
  EXPECT_EQ(grid.cols.pixels() % 23, 0);
}

TEST(PictureGrid, IsNoLargerForALargeArray) {
  for (const Extents& extents : {Extents{1'000'003, 17}, Extents{1, 1}, Extents{1, 7'919}, Extents{1009, 1013},
                                 Extents{std::int64_t{1} << 40, 1}, Extents{60'013, 100'003}}) {
    const PictureGrid grid = picture_grid(extents);
    expect_every_pixel_shows_what_it_stands_for(grid.rows, extents.rows);
    expect_every_pixel_shows_what_it_stands_for(grid.cols, extents.cols);
    EXPECT_LE(std::max(grid.rows.pixels(), grid.cols.pixels()), 1000);
    EXPECT_GE(std::min(grid.rows.pixels(), grid.cols.pixels()), 125);
  }
}

TEST(Picture, OfNothingFiniteCanBeDrawn) {
  const PictureGrid grid = picture_grid({3, 2});
  const Picture picture{.title = "none",
                        .x = {.label = "column", .first_edge = -0.5, .last_edge = 1.5, .is_whole = true},
                        .y = {.label = "row", .first_edge = -0.5, .last_edge = 2.5, .is_whole = true},
                        .colours = {.label = "v"},
                        .values = std::vector(6, kNaN)};
  EXPECT_TRUE(draw(grid, picture).starts_with("\x89PNG"));
}

TEST(Timeline, CanBeDrawnOfNoBlockAndOfManyRanks) {
  EXPECT_TRUE(draw(Timeline{.title = "none", .ranks = 1, .blocks = {}}).starts_with("\x89PNG"));
  EXPECT_TRUE(draw(Timeline{.title = "instant", .ranks = 1, .blocks = {{0, 1, 0, 2.0, 0.0}}}).starts_with("\x89PNG"));
  Timeline many{.title = "many", .ranks = 5000, .blocks = {}};
  for (std::int64_t rank = 0; rank < many.ranks; ++rank) many.blocks.push_back({rank, 1, rank, 0.0, 1.0});
  EXPECT_TRUE(draw(many).starts_with("\x89PNG"));
}

TEST(Bars, AreDrawnWhateverTheyHold) {
  const std::string empty = draw(Bars{.title = "nothing", .label = "", .bars = {}});
  const std::string some = draw(Bars{
      .title = "some", .label = "GB/s", .bars = {{"a", 1.0, "1", 0}, {"b", kNaN, "not here", 0}, {"c", 0.0, "0", 3}}});
  for (const std::string& png : {empty, some}) EXPECT_TRUE(png.starts_with("\x89PNG\r\n\x1a\n"));
  EXPECT_GT(some.size(), empty.size());
}

}  // namespace
}  // namespace windrow::io::test
