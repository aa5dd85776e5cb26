#include "base/extents.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace windrow {
namespace {

constexpr std::int64_t kLargest = std::numeric_limits<std::int64_t>::max();

TEST(CheckedArithmetic, ThrowsInsteadOfWrapping) {
  EXPECT_EQ(checked_multiply(3'000'000'000, 3), 9'000'000'000);
  EXPECT_EQ(checked_add(kLargest, 0), kLargest);
  EXPECT_THROW((void)checked_multiply(std::int64_t{1} << 32, std::int64_t{1} << 31), Error);
  EXPECT_THROW((void)checked_add(kLargest, 1), Error);
  EXPECT_THROW((void)round_up(kLargest - 1, 4096), Error);
}

TEST(CheckedArithmetic, RoundsUp) {
  EXPECT_EQ(round_up(0, 4096), 0);
  EXPECT_EQ(round_up(1, 4096), 4096);
  EXPECT_EQ(round_up(4096, 4096), 4096);
}

TEST(ElementType, NamesAndBytesAreNumpys) {
  EXPECT_EQ(name_of(ElementType::float32), "float32");
  EXPECT_EQ(element_type_from("int64"), ElementType::int64);
  EXPECT_EQ(element_type_from("double"), std::nullopt);
  EXPECT_EQ(bytes_of(ElementType::float64), 8);
  EXPECT_EQ(bytes_of(ElementType::int32), 4);
  for (const ElementType type : kElementTypes) EXPECT_EQ(element_type_from(name_of(type)), type);
}

TEST(Extents, BytesAreCheckedForOverflow) {
  EXPECT_EQ((Extents{20000, 3000}.bytes(ElementType::float64)), 480'000'000);
  EXPECT_THROW((void)(Extents{std::int64_t{1} << 40, std::int64_t{1} << 21}.bytes(ElementType::float64)), Error);
}

TEST(RowRange, Intersects) {
  EXPECT_EQ(intersect(RowRange{0, 10}, RowRange{5, 20}), (RowRange{5, 10}));
  EXPECT_TRUE(intersect(RowRange{0, 5}, RowRange{5, 20}).empty());
}

}  // namespace
}  // namespace windrow
