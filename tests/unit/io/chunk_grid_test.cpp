#include "io/chunk_grid.hpp"

#include <gtest/gtest.h>

#include "base/units.hpp"

namespace windrow::io::test {
namespace {

using Shape = std::vector<std::int64_t>;

TEST(ChunkGrid, TakesWholeRowsInEqualNumbers) {
  EXPECT_EQ(ChunkGrid({197, 23}, ElementType::float64).shape(), (Shape{197, 23}));
  // 130 rows of 503 * 8 bytes are half a mebibyte; 77 times 130 are 10010 rows.
  EXPECT_EQ(ChunkGrid({10'007, 503}, ElementType::float64).shape(), (Shape{130, 503}));
  EXPECT_EQ(ChunkGrid({10'007, 503}, ElementType::float64).count(), 77);
  EXPECT_EQ(ChunkGrid({1'000'003, 1, true}, ElementType::float32).shape(), (Shape{125'001}));
  EXPECT_EQ(ChunkGrid({1, 1, true}, ElementType::int32).shape(), (Shape{1}));
}

TEST(ChunkGrid, DividesRowsOfMoreThanAMebibyteAlone) {
  EXPECT_EQ(ChunkGrid({7, 131'072}, ElementType::float64).shape(), (Shape{1, 131'072}));
  EXPECT_EQ(ChunkGrid({7, 131'073}, ElementType::float64).shape(), (Shape{1, 43'691}));
  EXPECT_EQ(ChunkGrid({7, 131'073}, ElementType::float64).count(), 21);
}

/// Every element is in one chunk, and in the order of their numbers.
TEST(ChunkGrid, CoversTheArray) {
  for (const Extents& extents : {Extents{197, 23}, Extents{10'007, 503}, Extents{5, 300'007}, Extents{1, 300'007},
                                 Extents{300'007, 1}, Extents{300'007, 1, true}, Extents{11, 100'003}, Extents{1, 1}})
    for (const ElementType type : kElementTypes) {
      const ChunkGrid grid(extents, type);
      EXPECT_LE(grid.bytes(), kMiB);
      std::int64_t next = 0;
      for (std::int64_t chunk = 0; chunk < grid.count(); ++chunk) {
        const ByteRange bytes = grid.array_bytes(chunk);
        EXPECT_EQ(bytes.begin, next);
        EXPECT_GT(bytes.bytes(), 0);
        EXPECT_LE(bytes.bytes(), grid.bytes());
        next = bytes.end;
        const std::vector<std::int64_t> origin = grid.origin(chunk);
        const std::int64_t col = extents.one_dimensional ? 0 : origin[1];
        EXPECT_EQ((origin[0] * extents.cols + col) * bytes_of(type), bytes.begin);
        EXPECT_EQ(grid.first_from_row(origin[0]) <= chunk, true);
        EXPECT_GT(grid.first_from_row(origin[0] + 1), chunk);
      }
      EXPECT_EQ(next, extents.bytes(type));
      EXPECT_EQ(grid.first_from_row(extents.rows), grid.count());
    }
}

}  // namespace
}  // namespace windrow::io::test
