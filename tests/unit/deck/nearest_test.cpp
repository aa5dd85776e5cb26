#include <gtest/gtest.h>

#include "deck/reader.hpp"

namespace windrow::deck {
namespace {

const std::vector<std::string> kWords{"job",        "title",       "array.rows",   "array.cols",
                                      "array.name", "output.file", "memory.pages", "populate.block_rows"};

TEST(Nearest, OneSlipOfTheFinger) {
  EXPECT_EQ(nearest("array.row", kWords), "array.rows") << "a letter missing";
  EXPECT_EQ(nearest("array.rowss", kWords), "array.rows") << "one too many";
  EXPECT_EQ(nearest("array.rpws", kWords), "array.rows") << "a wrong one";
  EXPECT_EQ(nearest("array.rwos", kWords), "array.rows") << "two swapped";
  EXPECT_EQ(nearest("jbo", kWords), "job") << "two swapped in a short word";
  EXPECT_EQ(nearest("ARRAY.Rows", kWords), "array.rows") << "capitals";
  EXPECT_EQ(nearest("populate.blockrows", kWords), "populate.block_rows");
  EXPECT_EQ(nearest("titel", kWords), "title");
}

TEST(Nearest, ASlipInEachSegment) {
  EXPECT_EQ(nearest("aray.colls", kWords), "array.cols");
}

TEST(Nearest, TheRightKeyInTheWrongSection) {
  EXPECT_EQ(nearest("rows", kWords), "array.rows");
  EXPECT_EQ(nearest("output.pages", kWords), "memory.pages");
  EXPECT_EQ(nearest("array.file", kWords), "output.file");
  EXPECT_EQ(nearest("array.job", kWords), "job");
}

TEST(Nearest, NothingIsNear) {
  EXPECT_EQ(nearest("array.xyzzy", kWords), "");
  EXPECT_EQ(nearest("", kWords), "");
  EXPECT_EQ(nearest("...", kWords), "");
  EXPECT_EQ(nearest("abc", kWords), "");
  EXPECT_EQ(nearest(std::string(100'000, 'a'), kWords), "");
  EXPECT_EQ(nearest("rows", {}), "");
}

TEST(Nearest, TheNearestOfSeveral) {
  const std::vector<std::string> words{"populate", "pipeline", "evaluate"};
  EXPECT_EQ(nearest("popluate", words), "populate");
  EXPECT_EQ(nearest("piepline", words), "pipeline");
  EXPECT_EQ(nearest("evaluate", words), "evaluate");
  const std::vector<std::string> close{"rowse", "rows"};
  EXPECT_EQ(nearest("rows", close), "rows");
}

}  // namespace
}  // namespace windrow::deck
