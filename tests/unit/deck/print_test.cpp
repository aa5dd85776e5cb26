#include <gtest/gtest.h>

#include <sstream>

#include "unit/deck/populate_deck.hpp"

namespace windrow::deck {
namespace {

void expect_same_values(const PopulateDeck& a, const PopulateDeck& b) {
  EXPECT_EQ(a.job, b.job);
  EXPECT_EQ(a.title, b.title);
  EXPECT_EQ(a.seed, b.seed);
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.rows, b.rows);
  EXPECT_EQ(a.cols, b.cols);
  EXPECT_EQ(a.type, b.type);
  EXPECT_EQ(a.value, b.value);
  EXPECT_EQ(a.block_rows, b.block_rows);
  EXPECT_EQ(a.schedule, b.schedule);
  EXPECT_EQ(a.has_output, b.has_output);
  EXPECT_EQ(a.file, b.file);
  EXPECT_EQ(a.arrays, b.arrays);
  EXPECT_EQ(a.overwrite, b.overwrite);
  EXPECT_EQ(a.compression, b.compression);
}

TEST(Effective, HoldsEveryKey) {
  PopulateDeck deck;
  deck.read(kGoodDeck, {"array.rows=ranks"});
  EXPECT_EQ(effective(deck.keys), R"(job = "populate"
title = ""  # default
seed = 0    # default

[array]
name = "array"
rows = "ranks"    # rows
cols = 10         # columns
type = "float64"  # default
value = "offset"

[populate]
block_rows = 100  # rows
schedule = "static"

[output]
file = "populate.h5"
# arrays: all
overwrite = false  # default
compression = 0    # default
)");
}

TEST(Effective, LeavesOutWhatIsAbsent) {
  PopulateDeck deck;
  deck.read("job='p'\narray={rows=3, value=1}");
  const std::string text = effective(deck.keys);
  EXPECT_EQ(text.find("output"), std::string::npos);
  EXPECT_NE(text.find("# cols: one-dimensional\n"), std::string::npos) << text;
}

TEST(Effective, ReadsBackToTheSameValues) {
  const std::vector<std::vector<std::string>> cases{
      {},
      {"array.rows=ranks", "populate.schedule=dynamic", "seed=-9223372036854775808"},
      {"array.value=2*i==j", "array.type=int32", "output.arrays=[]", "output.overwrite=true"},
      {"title=\"quote \\\" backslash \\\\ tab \\t bell \\u0007 del \\u007f line\\nbreak\""},
      {"title=\"\\nleading line break, \\r\\n and \\\"\\\"\\\" inside\\n\""},
      {"title=it's \xC3\xA4\xE2\x82\xAC # no comment", "array.value=1e-300", "output.arrays=['a \\ b', \"c\\nd\"]"},
  };
  for (const auto& overrides : cases) {
    PopulateDeck deck;
    deck.read(kGoodDeck, overrides);
    const std::string text = effective(deck.keys);
    PopulateDeck again;
    ASSERT_EQ(again.errors(text), "") << text;
    expect_same_values(deck, again);
    PopulateDeck third;
    third.read(effective(again.keys));
    expect_same_values(deck, third);
  }
}

TEST(Commented, IsAValidDeckOfExamplesAndDefaults) {
  PopulateDeck deck;
  const std::string text = commented(deck.keys);
  PopulateDeck read;
  ASSERT_EQ(read.errors(text), "") << text;
  EXPECT_EQ(read.rows, 2000);
  EXPECT_EQ(read.value, "offset");
  EXPECT_EQ(read.file, "populate.h5");
  EXPECT_TRUE(read.keys.given("array.cols")) << "an example of its own is shown at work";
  EXPECT_FALSE(read.keys.given("populate.block_rows"));
  EXPECT_NE(text.find("\n# block_rows = 100 "), std::string::npos) << text;
  EXPECT_NE(text.find("\ncols = 10 "), std::string::npos) << text;
}

TEST(Commented, EveryLineMayBeUncommented) {
  PopulateDeck deck;
  std::istringstream lines(commented(deck.keys));
  std::string text;
  for (std::string line; std::getline(lines, line);) {
    const bool is_key = line.starts_with("# ") && line.find(" = ") != std::string::npos;
    text += (is_key ? line.substr(2) : line) + '\n';
  }
  PopulateDeck read;
  ASSERT_EQ(read.errors(text), "") << text;
  EXPECT_EQ(read.cols, 10);
  EXPECT_EQ(read.arrays, std::vector<std::string>{"array"});
  for (const Key& key : read.keys.declared()) EXPECT_TRUE(read.keys.given(key.name)) << key.name;
}

TEST(Commented, AnOptionalSectionWithoutRequiredKeysIsCommentedOut) {
  Keys keys;
  bool present = false;
  std::int64_t level = 0;
  keys.section("tuning", "for experts", &present);
  keys.integer("level", level, {.default_value = 3});
  EXPECT_EQ(commented(keys),
            "# A key that is commented out has its default.\n\n# for experts\n# [tuning]\n# level = 3\n");
}

TEST(Help, FitsATerminalAndNamesEveryKey) {
  PopulateDeck deck;
  const std::string text = help(deck.keys);
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100U) << line;
  for (const Key& key : deck.keys.declared()) EXPECT_NE(text.find(key.name), std::string::npos) << key.name;
  EXPECT_NE(
      text.find("\narray.rows           whole number   required         number of rows; a whole number of at least"),
      std::string::npos)
      << text;
  EXPECT_NE(text.find("[output] (optional): where results go"), std::string::npos) << text;
}

TEST(Markdown, ARowForEveryKey) {
  PopulateDeck deck;
  const std::string text = markdown(deck.keys);
  EXPECT_NE(text.find("### `[output]` (optional)\n\nwhere results go; without it nothing is written\n\n| key |"),
            std::string::npos)
      << text;
  EXPECT_NE(
      text.find("| `populate.block_rows` | whole number | `100` | rows of a block; a whole number from 1 to 1000000 "
                "(rows) |\n"),
      std::string::npos)
      << text;
  EXPECT_NE(text.find("| `array.cols` | whole number | one-dimensional |"), std::string::npos) << text;
}

}  // namespace
}  // namespace windrow::deck
