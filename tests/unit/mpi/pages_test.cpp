#include "mpi/pages.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>

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

std::byte* page(std::int64_t number) {
  return reinterpret_cast<std::byte*>(static_cast<std::uintptr_t>(number * kPageBytes));
}

TEST(PageSample, IsSpreadOverAllPages) {
  for (const std::int64_t pages : {1, 2, 7, 64, 65, 197, 4096, 1'000'003}) {
    PageSample whole;
    whole.add(page(23), page(23 + pages));
    PageSample in_parts;
    for (std::int64_t first = 0; first < pages; first += 13)
      in_parts.add(page(23 + first), page(23 + std::min<std::int64_t>(first + 13, pages)));
    EXPECT_TRUE(std::ranges::equal(whole.pages(), in_parts.pages())) << pages;
    EXPECT_GE(std::ssize(whole.pages()), std::min<std::int64_t>(pages, PageSample::kMost / 2)) << pages;
    EXPECT_EQ(whole.pages().front(), page(23));
    // No stretch of a thirtieth of all is without one.
    EXPECT_GE(whole.pages().back() - page(23), (pages - 1 - pages / 30) * kPageBytes) << pages;
    for (std::size_t n = 1; n < whole.pages().size(); ++n)
      EXPECT_EQ(whole.pages()[n] - whole.pages()[n - 1], whole.pages()[1] - whole.pages()[0]) << pages;
  }
}

TEST(PageSample, TellsWhereMemoryLies) {
  constexpr std::size_t pages = 23;
  void* const memory = mmap(nullptr, pages * kPageBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  auto* const begin = static_cast<std::byte*>(memory);
  begin[7 * kPageBytes] = std::byte{1};
  PageSample sample;
  sample.add(begin, begin + pages * kPageBytes);
  const PageSample::Domains domains = sample.domains();
  munmap(memory, pages * kPageBytes);
  if (domains[7] == PageSample::kUnknown) GTEST_SKIP() << "this kernel does not tell";
  for (std::size_t n = 0; n < domains.size(); ++n) EXPECT_EQ(domains[n] != PageSample::kUnknown, n == 7) << n;
}

}  // namespace
}  // namespace windrow::test
