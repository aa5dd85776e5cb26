// Every kind of wrong deck, and exactly what its author is told.

#include <gtest/gtest.h>

#include <vector>

#include "unit/deck/populate_deck.hpp"

namespace windrow::deck {
namespace {

// A deck that is right but for `line`, which is its line 5 and belongs to [array].
std::string error_of(const std::string& line) {
  return PopulateDeck().errors("job = 'populate'\n[array]\nrows = 3\nvalue = 'i'\n" + line + "\n");
}

TEST(WrongDeck, UnknownKeys) {
  EXPECT_EQ(error_of("col = 3"), "d.toml:5:1: unknown key 'array.col'; did you mean 'array.cols'?");
  EXPECT_EQ(error_of("  vlaue = 3"), "d.toml:5:3: unknown key 'array.vlaue'; did you mean 'array.value'?");
  EXPECT_EQ(error_of("block_rows = 3"),
            "d.toml:5:1: unknown key 'array.block_rows'; did you mean 'populate.block_rows'?");
  EXPECT_EQ(
      error_of("seed = 3"),
      "d.toml:5:1: unknown key 'array.seed'; did you mean 'seed', which stands at the top of the deck, before any "
      "section?");
  EXPECT_EQ(error_of("slots = 3"),
            "d.toml:5:1: unknown key 'array.slots'; the nearest is 'pipeline.slots', which belongs to another job");
  EXPECT_EQ(error_of("pipeline.slots = 3"),
            "d.toml:5:1: unknown section [array.pipeline]; the nearest is [pipeline], "
            "which belongs to another job");
  EXPECT_EQ(error_of("xyzzy = 3"), "d.toml:5:1: unknown key 'array.xyzzy'");
  EXPECT_EQ(error_of("'ro.ws' = 3"), "d.toml:5:1: unknown key 'array.\"ro.ws\"'");
  EXPECT_EQ(error_of("\"\" = 3"), "d.toml:5:1: unknown key 'array.\"\"'");
}

TEST(WrongDeck, UnknownSections) {
  EXPECT_EQ(error_of("[populte]\nblock_rows = 3"), "d.toml:5:1: unknown section [populte]; did you mean [populate]?");
  EXPECT_EQ(error_of("[samples]\ncount = 3"), "d.toml:5:1: the section [samples] belongs to another job");
  EXPECT_EQ(error_of("[zzz]"), "d.toml:5:1: unknown section [zzz]");
  EXPECT_EQ(error_of("[array.more]\nx = 1"), "d.toml:5:1: unknown section [array.more]");
  EXPECT_EQ(error_of("[[zzz]]\nx = 1"), "d.toml:5:3: unknown key 'zzz'");
}

TEST(WrongDeck, WrongTypesAndRanges) {
  EXPECT_EQ(error_of("cols = 0"), "d.toml:5:8: array.cols is 0; it must be a whole number of at least 1 (columns)");
  EXPECT_EQ(error_of("cols = 1.5"), "d.toml:5:8: array.cols is 1.5; it must be a whole number of at least 1 (columns)");
  EXPECT_EQ(error_of("cols = 1e19"),
            "d.toml:5:8: array.cols is 1e19; whole numbers have 64 bits: at most 9223372036854775807 here");
  EXPECT_EQ(error_of("cols = 9223372036854775808.0"),
            "d.toml:5:8: array.cols is 9223372036854775808.0; whole numbers have 64 bits: at most 9223372036854775807 "
            "here");
  EXPECT_EQ(error_of("cols = -inf"),
            "d.toml:5:8: array.cols is -inf; it must be a whole number of at least 1 (columns)");
  EXPECT_EQ(error_of("cols = nan"), "d.toml:5:8: array.cols is nan; it must be a whole number of at least 1 (columns)");
  EXPECT_EQ(error_of("cols = true"),
            "d.toml:5:8: array.cols is true; it must be a whole number of at least 1 (columns)");
  EXPECT_EQ(error_of("cols = [3]"),
            "d.toml:5:8: array.cols is a list; it must be a whole number of at least 1 (columns)");
  EXPECT_EQ(error_of("cols = {a = 3}"),
            "d.toml:5:1: array.cols is a section; it must be a whole number of at least 1 (columns)");
  EXPECT_EQ(error_of("[array.cols]\na = 3"),
            "d.toml:5:1: array.cols is a section; it must be a whole number of at least 1 (columns)");
  EXPECT_EQ(error_of("[[array.cols]]\na = 3"),
            "d.toml:5:1: array.cols is a list of sections; it must be a whole number of at least 1 (columns)");
  EXPECT_EQ(error_of("cols = 2020-01-01"),
            "d.toml:5:8: array.cols is a date or time; it must be a whole number of at least 1 (columns)");
  EXPECT_EQ(error_of("name = 3"), "d.toml:5:8: array.name is 3; it must be text in quotes");
  EXPECT_EQ(error_of("type = 'float46'"),
            "d.toml:5:8: array.type is \"float46\"; it must be \"float64\", \"float32\", "
            "\"int64\" or \"int32\"; did you mean \"float64\"?");
  EXPECT_EQ(error_of("type = 64"),
            "d.toml:5:8: array.type is 64; it must be \"float64\", \"float32\", \"int64\" or \"int32\"");
  EXPECT_EQ(error_of("[populate]\nblock_rows = 1000001"),
            "d.toml:6:14: populate.block_rows is 1000001; it must be a whole number from 1 to 1000000 (rows)");
  EXPECT_EQ(error_of("[output]\nfile='x'\noverwrite = 'yes'"),
            "d.toml:7:13: output.overwrite is \"yes\"; it must be true or false");
  EXPECT_EQ(error_of("[output]\nfile='x'\narrays = ['a', 3]"),
            "d.toml:7:16: an item of output.arrays is 3; it must be a list of texts, such as [\"a\", \"b\"]");
  EXPECT_EQ(error_of("[output]\nfile='x'\narrays = [[['a']]]"),
            "d.toml:7:11: an item of output.arrays is a list; it must be a list of texts, such as [\"a\", \"b\"]");
  EXPECT_EQ(error_of("[output]\nfile = \"a\\u0000b\""), "d.toml:6:8: output.file holds a NUL character");
}

TEST(WrongDeck, WordsForNumbers) {
  EXPECT_EQ(PopulateDeck().errors("job='p'\n[array]\nrows = 0\nvalue = 1"),
            "d.toml:3:8: array.rows is 0; it must be a whole number of at least 1 (rows) or \"ranks\"");
  EXPECT_EQ(
      PopulateDeck().errors("job='p'\n[array]\nrows = 'rank'\nvalue = 1"),
      "d.toml:3:8: array.rows is \"rank\"; it must be a whole number of at least 1 (rows) or \"ranks\"; did you mean "
      "\"ranks\"?");
}

TEST(WrongDeck, Expressions) {
  const std::string head = "job='p'\n[array]\nrows = 3\n";
  EXPECT_EQ(PopulateDeck().errors(head + "value = \"  \""),
            "d.toml:4:9: array.value is \"  \"; it must be an expression in quotes, or a number");
  EXPECT_EQ(PopulateDeck().errors(head + "value = true"),
            "d.toml:4:9: array.value is true; it must be an expression in quotes, or a number");
  EXPECT_EQ(PopulateDeck().errors(head + "value = \"i + ?\""), "d.toml:4:14: '?' is no operator");
}

TEST(WrongDeck, MissingKeys) {
  EXPECT_EQ(PopulateDeck().errors("job = 'populate'\n\n[array]\ncols = 3\n[output]\noverwrite = true\n"),
            "d.toml:3:1: array.rows is missing: number of rows; for example rows = 2000\n"
            "d.toml:3:1: array.value is missing: value of each element; for example value = \"offset\"\n"
            "d.toml:5:1: output.file is missing: path of the output file; for example file = \"populate.h5\"");
  EXPECT_EQ(PopulateDeck().errors(""),
            "d.toml:1:1: job is missing: which job to run; for example job = \"populate\"\n"
            "d.toml:1:1: array.rows is missing: number of rows; for example rows = 2000, in a section [array]\n"
            "d.toml:1:1: array.value is missing: value of each element; for example value = \"offset\", in a section "
            "[array]");
}

TEST(WrongDeck, SectionsThatAreNone) {
  EXPECT_EQ(PopulateDeck().errors("job = 'p'\narray = 3"), "d.toml:2:9: array is 3; it must be one section: [array]");
  EXPECT_EQ(PopulateDeck().errors("job = 'p'\n[[array]]\nrows = 3\nvalue = 1"),
            "d.toml:2:1: array is a list of sections; it must be one section: [array]");
}

TEST(WrongDeck, AllAtOnceInOrder) {
  EXPECT_EQ(
      PopulateDeck().errors("job = 'populate'\ntitel = 'x'\n[populate]\nschedule = 'dynamc'\n[array]\nvalue = '?'\n"
                            "rows = 0\n[aray]\n",
                            {"seed=x", "array.colls=3", "array.cols=0"}),
      "d.toml:2:1: unknown key 'titel'; did you mean 'title'?\n"
      "d.toml:4:12: populate.schedule is \"dynamc\"; it must be \"static\" or \"dynamic\"; did you mean \"dynamic\"?\n"
      "d.toml:6:10: '?' is no operator\n"
      "d.toml:7:8: array.rows is 0; it must be a whole number of at least 1 (rows) or \"ranks\"\n"
      "d.toml:8:1: unknown section [aray]; did you mean [array]?\n"
      "command line:1:6: seed is \"x\"; it must be a whole number (in 'seed=x')\n"
      "command line:1:1: unknown key 'array.colls'; did you mean 'array.cols'? (in 'array.colls=3')\n"
      "command line:1:12: array.cols is 0; it must be a whole number of at least 1 (columns) (in 'array.cols=0')");
}

TEST(WrongDeck, VeryManyErrorsAreCounted) {
  std::string text = kGoodDeck;
  for (int i = 0; i < 1000; ++i) text += "unknown_" + std::to_string(i) + " = 1\n";
  PopulateDeck deck;
  try {
    deck.read(text);
    FAIL() << "nothing was thrown";
  } catch (const DeckError& error) {
    ASSERT_EQ(error.diagnostics().size(), 101U);
    EXPECT_EQ(text_of(error.diagnostics().front().where), "d.toml:12:1");
    EXPECT_EQ(error.diagnostics().back().message, "... and 900 more");
  }
}

TEST(WrongDeck, Syntax) {
  EXPECT_EQ(error_of("name = x"), "d.toml:5:8: text stands in quotes: name = \"x\"");
  EXPECT_EQ(error_of("name = i+j  # sum"), "d.toml:5:8: text stands in quotes: name = \"i+j\"");
  EXPECT_EQ(error_of("name = 2*i"), "d.toml:5:8: text stands in quotes: name = \"2*i\"");
  EXPECT_EQ(error_of("name = dynamic"), "d.toml:5:8: text stands in quotes: name = \"dynamic\"");
  EXPECT_EQ(error_of("rows = 4"), "d.toml:5:1: 'rows' is given twice");
  EXPECT_EQ(error_of("[array]\ncols = 4"), "d.toml:5:1: 'array' is given twice");
  EXPECT_EQ(error_of("= 4"),
            "d.toml:5:1: not TOML: expected keys, tables, whitespace or comments, saw '=' (in a root table)");
  EXPECT_EQ(error_of("cols ="), "d.toml:5:7: not TOML: expected value, saw '\\n' (in a key-value pair)");
  EXPECT_EQ(error_of("cols = 1 2"),
            "d.toml:5:10: not TOML: expected a comment or whitespace, saw '2' (in a key-value pair)");
  EXPECT_EQ(error_of("name = \"abc"),
            "d.toml:5:12: not TOML: a control character in a string; is the closing quote missing on this line?");
  EXPECT_EQ(error_of("name = 'abc"),
            "d.toml:5:12: not TOML: a control character in a string; is the closing quote missing on this line?");
  EXPECT_EQ(
      PopulateDeck().errors("name = 'abc"),
      "d.toml:1:12: not TOML: the text ends here, in the middle of a literal string; is its closing quote missing?");
}

TEST(WrongDeck, OfSyntaxErrorsTheFirst) {
  EXPECT_EQ(PopulateDeck().errors("job = x\nrows = y\n", {"nonsense"}),
            "d.toml:1:7: text stands in quotes: job = \"x\"");
}

TEST(WrongDeck, BytesThatAreNoText) {
  EXPECT_EQ(error_of("name = '\xC3\xA4\xFF'"), "d.toml:5:10: byte 0xFF is not UTF-8 text; save the deck in UTF-8");
  EXPECT_EQ(error_of("name = '\xED\xA0\x80'"), "d.toml:5:9: byte 0xED is not UTF-8 text; save the deck in UTF-8");
  EXPECT_EQ(error_of("name = '\xE2\x82'"), "d.toml:5:9: byte 0xE2 is not UTF-8 text; save the deck in UTF-8");
  EXPECT_EQ(PopulateDeck().errors(std::string("a\0b", 3)), "d.toml:1:2: a NUL byte; a deck is a text file");
  EXPECT_EQ(PopulateDeck().errors(std::string("\xFF\xFEj\0", 4)),
            "d.toml:1:1: byte 0xFF is not UTF-8 text; save the deck in UTF-8");
}

TEST(WrongDeck, ColumnsCountCharacters) {
  EXPECT_EQ(error_of("name = '\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80' x"),
            "d.toml:5:14: not TOML: expected a comment or whitespace, saw 'x' (in a key-value pair)");
  EXPECT_EQ(PopulateDeck().errors("\xEF\xBB\xBFtitel = ''\njob = 'p'\narray = {rows = 3, value = '\xC3\xA4?'}"),
            "d.toml:1:1: unknown key 'titel'; did you mean 'title'?\nd.toml:3:30: '?' is no operator");
  EXPECT_EQ(error_of("\tcols\t=\t0"), "d.toml:5:9: array.cols is 0; it must be a whole number of at least 1 (columns)");
}

}  // namespace
}  // namespace windrow::deck
