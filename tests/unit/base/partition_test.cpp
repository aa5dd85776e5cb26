#include "base/partition.hpp"

#include <gtest/gtest.h>

namespace windrow {
namespace {

TEST(RowBlock, DividesEvenly) {
  EXPECT_EQ(row_block(2000, 4, 1), (RowRange{500, 1000}));
}

TEST(RowBlock, CoversEveryRowOnceInOrderForAnyNumbers) {
  for (const std::int64_t rows : {0, 1, 2, 6, 7, 8, 197, 2000})
    for (const std::int64_t parts : {1, 2, 3, 4, 7, 200}) {
      std::int64_t next = 0;
      for (std::int64_t part = 0; part < parts; ++part) {
        const RowRange range = row_block(rows, parts, part);
        EXPECT_EQ(range.begin, next);
        EXPECT_LE(std::abs(range.rows() - rows / parts), 1);
        next = range.end;
      }
      EXPECT_EQ(next, rows);
    }
}

TEST(RowBlock, HugeNumbersDoNotOverflow) {
  const std::int64_t rows = std::int64_t{1} << 62;
  EXPECT_EQ(row_block(rows, 7, 6).end, rows);
}

TEST(GroupCount, IsOneAMebibyteAndTheRest) {
  EXPECT_EQ(group_count(0), 0);
  EXPECT_EQ(group_count(1), 1);
  EXPECT_EQ(group_count(kGroupBytes), 1);
  EXPECT_EQ(group_count(kGroupBytes + 1), 2);
  EXPECT_EQ(group_count(std::int64_t{1} << 62), std::int64_t{1} << 42);
}

TEST(GroupCount, OfARangeCountsWhatItTouches) {
  EXPECT_EQ(group_count(ByteRange{5, 5}), 0);
  EXPECT_EQ(group_count(ByteRange{kGroupBytes - 1, kGroupBytes}), 1);
  EXPECT_EQ(group_count(ByteRange{kGroupBytes - 1, kGroupBytes + 1}), 2);
  EXPECT_EQ(group_count(ByteRange{kGroupBytes, 3 * kGroupBytes}), 2);
}

}  // namespace
}  // namespace windrow
