#include "array/panels.hpp"

#include <gtest/gtest.h>

#include <set>

#include "base/partition.hpp"

namespace windrow::test {
namespace {

TEST(Panels, BringEachRowOfARankOnceAndInOrder) {
  for (const std::int64_t rows : {1, 3, 17, 100, 1009})
    for (const std::int64_t panel_rows : {1, 2, 7, 64, 2000})
      for (const int ranks : {1, 2, 3, 7}) {
        const Panels panels(rows, panel_rows, ranks);
        for (int rank = 0; rank < ranks; ++rank) {
          std::int64_t next = row_block(rows, ranks, rank).begin;
          for (std::int64_t step = 0; step < panels.steps(); ++step) {
            const RowRange panel = panels.rows(rank, step);
            EXPECT_EQ(panel.begin, next);
            EXPECT_LE(panel.rows(), panel_rows);
            next = panel.end;
          }
          EXPECT_EQ(next, row_block(rows, ranks, rank).end) << rows << " " << panel_rows << " " << ranks;
        }
      }
}

TEST(Panels, BeginWhereChunksOfAFileDo) {
  const Panels panels(1000, 30, 3);
  for (int rank = 0; rank < 3; ++rank)
    for (std::int64_t step = 1; step < panels.steps(); ++step)
      EXPECT_TRUE(panels.rows(rank, step).empty() || panels.rows(rank, step).begin % 30 == 0);
}

TEST(Panels, AreInNoOtherRanksWayNorInThatOfTheTwoBefore) {
  constexpr std::int64_t panel_rows = 5;
  constexpr int ranks = 4;
  const Panels panels(101, panel_rows, ranks);
  const Extents window = Panels::in_window({101, 3}, panel_rows, ranks);
  EXPECT_EQ(window, (Extents{60, 3}));
  for (std::int64_t step = 0; step + Panels::kSlots <= panels.steps(); ++step) {
    std::multiset<std::int64_t> taken;
    for (int rank = 0; rank < ranks; ++rank)
      for (std::int64_t later = step; later < step + Panels::kSlots; ++later) {
        const RowRange slot = panels.slot(rank, later);
        EXPECT_EQ(slot.rows(), panels.rows(rank, later).rows());
        EXPECT_EQ(intersect(slot, row_block(window.rows, ranks, rank)), slot);
        for (std::int64_t row = slot.begin; row < slot.end; ++row) taken.insert(row);
      }
    EXPECT_EQ(std::set<std::int64_t>(taken.begin(), taken.end()).size(), taken.size());
  }
}

TEST(Panels, LeaveRanksWithoutRowsAlone) {
  const Panels panels(3, 1, 7);
  EXPECT_EQ(panels.steps(), 1);
  EXPECT_TRUE(panels.rows(5, 0).empty());
  EXPECT_TRUE(panels.slot(5, 0).empty());
}

}  // namespace
}  // namespace windrow::test
