#include "io/slice.hpp"

#include <gtest/gtest.h>

namespace windrow::io {
namespace {

// len(range(n)[s]) and its first element, told by Python.
TEST(Slice, SelectsAsPythonDoes) {
  const auto selected = [](const char* text, std::int64_t extent) {
    std::optional<SliceFault> fault;
    const std::vector<AxisSlice> axes = parse_slice(text, fault);
    EXPECT_FALSE(fault) << text;
    const Selection of = axes.front().of(extent);
    return std::pair(of.count == 0 ? -1 : of.start, of.count);
  };
  using Pair = std::pair<std::int64_t, std::int64_t>;
  EXPECT_EQ(selected(":", 10), Pair(0, 10));
  EXPECT_EQ(selected("2:8:3", 10), Pair(2, 2));
  EXPECT_EQ(selected("-3:", 10), Pair(7, 3));
  EXPECT_EQ(selected("-30:-8", 10), Pair(0, 2));
  EXPECT_EQ(selected("5:5", 10), Pair(-1, 0));
  EXPECT_EQ(selected("::9223372036854775807", 10), Pair(0, 1));
  EXPECT_EQ(selected("-9223372036854775808:9223372036854775807:4", 10), Pair(0, 3));
}

TEST(Slice, SaysWhatIsNone) {
  const auto place = [](const char* text) {
    std::optional<SliceFault> fault;
    static_cast<void>(parse_slice(text, fault));
    return fault ? static_cast<int>(fault->offset) : -1;
  };
  EXPECT_EQ(place("0:10, ::2"), -1);
  EXPECT_EQ(place(""), 0);
  EXPECT_EQ(place("3"), 1);
  EXPECT_EQ(place("1:2,"), 4);
  EXPECT_EQ(place("::-1"), 2);
  EXPECT_EQ(place("::0"), 2);
  EXPECT_EQ(place("1:2 x"), 4);
  EXPECT_EQ(place("99999999999999999999:"), 0);
}

}  // namespace
}  // namespace windrow::io
