#include "mpi/pages.hpp"

#include <gtest/gtest.h>

namespace windrow::test {
namespace {

constexpr double kQuick = 0.0002;
constexpr double kSlow = 0.005;
constexpr double kSmall = 0.0015;

/// How many of `extents` become huge pages, when each costs so much.
int huge_pages(PageChoice& choice, int extents, double huge_s, double small_s) {
  int huge = 0;
  for (int n = 0; n < extents; ++n) {
    if (choice.is_huge()) {
      ++huge;
      choice.huge_page_took(huge_s);
    } else {
      choice.small_pages_took(small_s);
    }
  }
  return huge;
}

TEST(PageChoice, StaysWithHugePagesThatAreQuick) {
  PageChoice choice;
  EXPECT_EQ(huge_pages(choice, 1000, kQuick, kSmall), 1000);
}

TEST(PageChoice, TriesSlowHugePagesLessAndLess) {
  PageChoice choice;
  EXPECT_LE(huge_pages(choice, 120, kSlow, kSmall), 4);
  EXPECT_LE(huge_pages(choice, 1280, kSlow, kSmall), 12);
}

TEST(PageChoice, ComesBackToHugePagesThatHaveBecomeQuick) {
  PageChoice choice;
  (void)huge_pages(choice, 120, kSlow, kSmall);
  EXPECT_GE(huge_pages(choice, 1000, kQuick, kSmall), 1000 - 129);
  EXPECT_EQ(huge_pages(choice, 100, kQuick, kSmall), 100);
}

TEST(PageChoice, PrefersSlowHugePagesToSlowerSmallOnes) {
  PageChoice choice;
  EXPECT_GE(huge_pages(choice, 100, kSlow, 2 * kSlow), 50);
}

}  // namespace
}  // namespace windrow::test
