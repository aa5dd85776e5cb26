#include <gtest/gtest.h>

#include "unit/deck/populate_deck.hpp"

namespace windrow::deck {
namespace {

TEST(Override, ReplacesWhatTheDeckGives) {
  PopulateDeck deck;
  deck.read(kGoodDeck, {"array.rows=6e7", "array.cols=23", "populate.schedule=dynamic", "title=a longer title"});
  EXPECT_EQ(deck.rows, 60'000'000);
  EXPECT_EQ(deck.cols, 23);
  EXPECT_EQ(deck.schedule, Schedule::dynamic);
  EXPECT_EQ(deck.title, "a longer title");
  EXPECT_EQ(text_of(deck.keys.where("array.rows")), "command line:1:12");
}

TEST(Override, TextNeedsNoQuotes) {
  const auto value = [](const std::string& argument) {
    PopulateDeck deck;
    deck.read(kGoodDeck, {argument});
    return deck.value;
  };
  EXPECT_EQ(value("array.value=i+j"), "i+j");
  EXPECT_EQ(value("array.value=2*i==j"), "2*i==j");
  EXPECT_EQ(value("array.value = where(i < j, 1, [2])"), "where(i < j, 1, [2])");
  EXPECT_EQ(value("array.value=\"i+j\""), "i+j");
  EXPECT_EQ(value("array.value='i + j'  # comment"), "i + j");
  EXPECT_EQ(value("array.value=2.5e-3"), "2.5e-3");
  EXPECT_EQ(value("array.value=#"), "#");
}

TEST(Override, OtherTypes) {
  PopulateDeck deck;
  deck.read(kGoodDeck, {"array.rows=ranks", "output.overwrite=true", "output.compression=0x9", "array.type=int32"});
  EXPECT_EQ(deck.rows, 0);
  EXPECT_TRUE(deck.overwrite);
  EXPECT_EQ(deck.compression, 9);
  EXPECT_EQ(deck.type, 3U);
  deck.read(kGoodDeck, {"array.rows=\"ranks\"", "array.type=\"float32\""});
  EXPECT_EQ(deck.rows, 0);
  EXPECT_EQ(deck.type, 1U);
}

TEST(Override, Lists) {
  const auto arrays = [](const std::string& argument) {
    PopulateDeck deck;
    deck.read(kGoodDeck, {argument});
    return deck.arrays;
  };
  using Texts = std::vector<std::string>;
  EXPECT_EQ(arrays("output.arrays=[a,b]"), (Texts{"a", "b"}));
  EXPECT_EQ(arrays("output.arrays=[ a ]"), (Texts{"a"}));
  EXPECT_EQ(arrays("output.arrays=[\"a\", 'b, c']"), (Texts{"a", "b, c"}));
  EXPECT_EQ(arrays("output.arrays=[]"), (Texts{}));
  EXPECT_EQ(arrays("output.arrays=a"), (Texts{"a"}));
  EXPECT_EQ(arrays("output.arrays='a'"), (Texts{"a"}));
  PopulateDeck deck;
  deck.read(kGoodDeck, {"output.arrays=[a, bc]"});
  EXPECT_EQ(text_of(deck.keys.where("output.arrays", 1, 1)), "command line:1:20");
  EXPECT_EQ(deck.errors(kGoodDeck, {"output.arrays=[a,b"}),
            "command line:1:15: not TOML: write the list as [\"a\", \"b\"] (in 'output.arrays=[a,b')");
  EXPECT_EQ(deck.errors(kGoodDeck, {"output.arrays=[1]"}),
            "command line:1:16: an item of output.arrays is 1; it must be a list of texts, such as [\"a\", \"b\"] (in "
            "'output.arrays=[1]')");
}

TEST(Override, CreatesSections) {
  PopulateDeck deck;
  deck.read("job='populate'", {"array.rows=3", "array.value=1", "output.file=x.h5"});
  EXPECT_TRUE(deck.has_output);
  EXPECT_EQ(deck.file, "x.h5");
  EXPECT_EQ(deck.errors("job='populate'\narray={rows=3,value=1}", {"output.overwrite=true"}),
            "d.toml:1:1: output.file is missing: path of the output file; for example file = \"populate.h5\"");
  deck.read("", {"job=populate", "array={rows=3, value='i'}"});
  EXPECT_EQ(deck.rows, 3);
  EXPECT_FALSE(deck.has_output);
}

TEST(Override, TheLastOneWins) {
  PopulateDeck deck;
  deck.read(kGoodDeck, {"array.rows=x", "array.rows=5", "array.value=?", "array.value=7"});
  EXPECT_EQ(deck.rows, 5);
  EXPECT_EQ(deck.value, "7");
}

TEST(Override, ReplacesAWrongValueWithoutComplaint) {
  for (const std::string wrong : {"rows = 0", "rows = 'x'", "rows = [1]", "rows = {a = 1}", "rows.a.b = 1"}) {
    PopulateDeck deck;
    EXPECT_EQ(deck.errors("job='populate'\n[array]\nvalue='?'\n" + wrong, {"array.rows=5", "array.value=1"}), "");
    EXPECT_EQ(deck.rows, 5);
  }
}

std::string error_of(const std::string& argument) {
  return PopulateDeck().errors(kGoodDeck, {argument});
}

TEST(Override, Errors) {
  EXPECT_EQ(error_of("array.row=3"),
            "command line:1:1: unknown key 'array.row'; did you mean 'array.rows'? (in 'array.row=3')");
  EXPECT_EQ(error_of("  rows=3"), "command line:1:3: unknown key 'rows'; did you mean 'array.rows'? (in '  rows=3')");
  EXPECT_EQ(error_of("=3"), "command line:1:1: no key before '='; write key=value (in '=3')");
  EXPECT_EQ(error_of("rows"), "command line:1:1: not an override; write key=value (in 'rows')");
  EXPECT_EQ(error_of(""), "command line:1:1: not an override; write key=value (in '')");
  EXPECT_EQ(error_of("title="), "command line:1:7: no value after '='; an empty text is written \"\" (in 'title=')");
  EXPECT_EQ(error_of("array.rows= "),
            "command line:1:12: no value after '='; an empty text is written \"\" (in 'array.rows= ')");
  EXPECT_EQ(error_of("array.cols=1.5"),
            "command line:1:12: array.cols is 1.5; it must be a whole number of at least 1 "
            "(columns) (in 'array.cols=1.5')");
  EXPECT_EQ(error_of("array.cols=ten"),
            "command line:1:12: array.cols is \"ten\"; it must be a whole number of at least "
            "1 (columns) (in 'array.cols=ten')");
  EXPECT_EQ(error_of("array.cols=3 4"),
            "command line:1:12: array.cols is \"3 4\"; it must be a whole number of at least "
            "1 (columns) (in 'array.cols=3 4')");
  EXPECT_EQ(error_of("output.overwrite=yes"),
            "command line:1:18: output.overwrite is \"yes\"; it must be true or false "
            "(in 'output.overwrite=yes')");
  EXPECT_EQ(error_of("array=3"), "command line:1:1: 'array' is a section; give one of its keys a value (in 'array=3')");
  EXPECT_EQ(error_of("title=\"abc"),
            "command line:1:11: not TOML: the text ends here, in the middle of a string; is its "
            "closing quote missing? (in 'title=\"abc')");
  EXPECT_EQ(error_of("title=\xC3\xA4\xFF"),
            "command line:1:8: byte 0xFF is not UTF-8 text; save the deck in UTF-8 (in 'title=\xC3\xA4\\xFF')");
  EXPECT_EQ(error_of("array.value=i + ?"), "command line:1:17: '?' is no operator (in 'array.value=i + ?')");
  EXPECT_EQ(error_of("array.value='i + ?'"), "command line:1:18: '?' is no operator (in 'array.value='i + ?'')");
  EXPECT_EQ(error_of("pipeline.slots=3"),
            "command line:1:1: the key 'pipeline.slots' belongs to another job (in 'pipeline.slots=3')");
}

TEST(Override, AnEmptyTextIsWrittenInQuotes) {
  PopulateDeck deck;
  deck.read("title='x'\n" + kGoodDeck, {"title=\"\""});
  EXPECT_EQ(deck.title, "");
  EXPECT_TRUE(deck.keys.given("title"));
}

}  // namespace
}  // namespace windrow::deck
