#include "kernel/level.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "kernel/kernels.hpp"

namespace windrow::kernel {
namespace {

TEST(Level, HasNamesForDecksAndReports) {
  EXPECT_EQ(name_of(Level::baseline), "baseline");
  EXPECT_EQ(name_of(Level::avx2), "avx2");
  EXPECT_EQ(name_of(Level::avx512), "avx512");
  for (const Level level : kLevels) EXPECT_EQ(level_from(name_of(level)), level);
  EXPECT_EQ(level_from("sse9"), std::nullopt);
  EXPECT_EQ(level_from(""), std::nullopt);
}

TEST(Level, IsTheBestOneUntilItIsLowered) {
  EXPECT_EQ(level(), best_level());
  use_level(Level::baseline);
  EXPECT_EQ(level(), Level::baseline);
  EXPECT_EQ(&kernels(), baseline_kernels());
  use_level(best_level());
  EXPECT_EQ(level(), best_level());
}

TEST(Level, IsRefusedWhereTheProcessorDoesNotHaveIt) {
  for (const Level level : kLevels) {
    if (level <= best_level()) {
      EXPECT_NO_THROW(use_level(level));
      continue;
    }
    try {
      use_level(level);
      ADD_FAILURE() << name_of(level);
    } catch (const Error& error) {
      EXPECT_EQ(error.status(), ExitStatus::usage);
      EXPECT_NE(std::string(error.what()).find(name_of(best_level())), std::string::npos) << error.what();
    }
  }
  use_level(best_level());
}

}  // namespace
}  // namespace windrow::kernel
