// Where a character of a text value stands in the deck.

#include <gtest/gtest.h>

#include "unit/deck/populate_deck.hpp"

namespace windrow::deck {
namespace {

// The place of the first '?' of `value`, as Windrow finds it: `literal` is line 3 of the deck, from column 9.
std::string place_of_question_mark(const std::string& literal) {
  PopulateDeck deck;
  const std::string message = deck.errors("job = 'p'\n[array]\nvalue = " + literal + "\nrows = 3\n");
  return message.substr(0, message.find(": "));
}

TEST(PositionInText, SingleLine) {
  EXPECT_EQ(place_of_question_mark("\"?\""), "d.toml:3:10");
  EXPECT_EQ(place_of_question_mark("'ab?'"), "d.toml:3:12");
  EXPECT_EQ(place_of_question_mark(R"('\\?')"), "d.toml:3:12");
}

TEST(PositionInText, EscapesAreLongerThanWhatTheyStandFor) {
  EXPECT_EQ(place_of_question_mark(R"("\\?")"), "d.toml:3:12");
  EXPECT_EQ(place_of_question_mark(R"("\"\t?")"), "d.toml:3:14");
  EXPECT_EQ(place_of_question_mark(R"("\u0041?")"), "d.toml:3:16");
  EXPECT_EQ(place_of_question_mark(R"("\U00000041?")"), "d.toml:3:20");
  EXPECT_EQ(place_of_question_mark(R"("\u003f")"), "d.toml:3:10");
}

TEST(PositionInText, SeveralLines) {
  EXPECT_EQ(place_of_question_mark("\"\"\"?\"\"\""), "d.toml:3:12");
  EXPECT_EQ(place_of_question_mark("'''\n?'''"), "d.toml:4:1");
  EXPECT_EQ(place_of_question_mark("\"\"\"\ni +\n  ?\"\"\""), "d.toml:5:3");
  EXPECT_EQ(place_of_question_mark("\"\"\"\r\ni +\r\n  ?\"\"\""), "d.toml:5:3");
  EXPECT_EQ(place_of_question_mark("'''\n\n\\\n?'''"), "d.toml:6:1");
  EXPECT_EQ(place_of_question_mark("\"\"\"\"?\"\"\"\""), "d.toml:3:13");
}

TEST(PositionInText, LinesContinuedByABackslash) {
  EXPECT_EQ(place_of_question_mark("\"\"\"\ni + \\\n   \n   ?\"\"\""), "d.toml:6:4");
  EXPECT_EQ(place_of_question_mark("\"\"\"\\\n  ?\"\"\""), "d.toml:4:3");
  EXPECT_EQ(place_of_question_mark("\"\"\"\n\\  \n  a\\\n\\\n?\"\"\""), "d.toml:7:1");
}

TEST(PositionInText, OffsetsAndColumnsCountCharacters) {
  PopulateDeck deck;
  deck.read("job='p'\n[array]\nrows=3\nvalue = \"\xC3\xA4\xE2\x82\xAC x\"\n");
  EXPECT_EQ(text_of(deck.keys.where("array.value")), "d.toml:4:9");
  EXPECT_EQ(text_of(deck.keys.where("array.value", 0)), "d.toml:4:10");
  EXPECT_EQ(text_of(deck.keys.where("array.value", 3)), "d.toml:4:13");
  EXPECT_EQ(text_of(deck.keys.where("array.value", 4)), "d.toml:4:14");
  EXPECT_EQ(text_of(deck.keys.where("array.value", 1000)), "d.toml:4:14") << "past the end: the closing quote";
}

TEST(PositionInText, ListsNumbersAndAbsentKeys) {
  PopulateDeck deck;
  deck.read("job='p'\n[array]\nrows=3\nvalue = 12\n[output]\nfile='x'\narrays = [ 'ab',\n   \"cd\" ]\n");
  EXPECT_EQ(text_of(deck.keys.where("output.arrays")), "d.toml:7:10");
  EXPECT_EQ(text_of(deck.keys.where("output.arrays", 0, 0)), "d.toml:7:13");
  EXPECT_EQ(text_of(deck.keys.where("output.arrays", 1, 1)), "d.toml:8:6");
  EXPECT_EQ(text_of(deck.keys.where("output.arrays", {}, 1)), "d.toml:8:4");
  EXPECT_EQ(text_of(deck.keys.where("output.arrays", 0, 2)), "d.toml:7:10") << "no such item: the list";
  EXPECT_EQ(text_of(deck.keys.where("array.value", 1)), "d.toml:4:10");
  EXPECT_EQ(text_of(deck.keys.where("array.cols")), "d.toml:2:1");
  EXPECT_EQ(text_of(deck.keys.where("seed")), "d.toml:1:1");
  EXPECT_EQ(text_of(deck.keys.where("populate.schedule")), "d.toml:1:1");
}

TEST(PositionInText, OverridesCountWithinTheArgument) {
  PopulateDeck deck;
  deck.read(kGoodDeck, {"array.value=i + j", "output.file=\"\\\\ab\"", "title= \xC3\xA4x"});
  EXPECT_EQ(text_of(deck.keys.where("array.value", 0)), "command line:1:13");
  EXPECT_EQ(text_of(deck.keys.where("array.value", 4)), "command line:1:17");
  EXPECT_EQ(text_of(deck.keys.where("output.file", 1)), "command line:1:16");
  EXPECT_EQ(text_of(deck.keys.where("title", 1)), "command line:1:9");
}

}  // namespace
}  // namespace windrow::deck
