#include "deck/reader.hpp"

#include <gtest/gtest.h>

#include "unit/deck/populate_deck.hpp"

namespace windrow::deck {
namespace {

TEST(Reader, ReadsTheExampleDeck) {
  PopulateDeck deck;
  deck.read(kGoodDeck);
  EXPECT_EQ(deck.job, "populate");
  EXPECT_EQ(deck.name, "array");
  EXPECT_EQ(deck.rows, 2000);
  EXPECT_EQ(deck.cols, 10);
  EXPECT_EQ(deck.value, "offset");
  EXPECT_EQ(deck.block_rows, 100);
  EXPECT_EQ(deck.schedule, Schedule::fixed);
  EXPECT_TRUE(deck.has_output);
  EXPECT_EQ(deck.file, "populate.h5");
  EXPECT_FALSE(deck.overwrite);
}

TEST(Reader, AbsentKeysHaveTheirDefaults) {
  PopulateDeck deck;
  deck.read("job = 'populate'\n[array]\nrows = 'ranks'\nvalue = 'pid'\n");
  EXPECT_EQ(deck.rows, 0);
  EXPECT_EQ(deck.cols, 0);
  EXPECT_EQ(deck.name, "array");
  EXPECT_EQ(deck.type, 0U);
  EXPECT_EQ(deck.block_rows, 100);
  EXPECT_FALSE(deck.has_output);
  EXPECT_EQ(deck.file, "");
  EXPECT_TRUE(deck.keys.given("array.rows"));
  EXPECT_FALSE(deck.keys.given("array.cols"));
}

TEST(Reader, ASecondReadForgetsTheFirst) {
  PopulateDeck deck;
  deck.read(kGoodDeck + "arrays = ['a']\noverwrite = true\n");
  EXPECT_TRUE(deck.overwrite);
  deck.read("job = 'populate'\n[array]\nrows = 3\nvalue = 1\n");
  EXPECT_FALSE(deck.has_output);
  EXPECT_FALSE(deck.overwrite);
  EXPECT_TRUE(deck.arrays.empty());
  EXPECT_EQ(deck.cols, 0);
}

TEST(Reader, WholeNumbersMayBeWrittenAsReals) {
  PopulateDeck deck;
  deck.read("job='populate'\n[array]\nrows = 6e7\ncols = 1_000\nvalue = 1\n[populate]\nblock_rows = 2.0\n");
  EXPECT_EQ(deck.rows, 60'000'000);
  EXPECT_EQ(deck.cols, 1000);
  EXPECT_EQ(deck.block_rows, 2);
}

TEST(Reader, ABareNumberIsAnExpression) {
  const auto value = [](const std::string& text) {
    PopulateDeck deck;
    deck.read("job='populate'\narray.rows=3\narray.value = " + text + "  # a comment\n");
    return deck.value;
  };
  EXPECT_EQ(value("1"), "1");
  EXPECT_EQ(value("-3"), "-3");
  EXPECT_EQ(value("2.5e-3"), "2.5e-3");
  EXPECT_EQ(value("0.10000000000000000555"), "0.10000000000000000555");
  EXPECT_EQ(value("+1_000.5"), "1000.5");
  EXPECT_EQ(value("0x10"), "16");
  EXPECT_EQ(value("9223372036854775807"), "9223372036854775807");
}

TEST(Reader, FormsOfTomlAreAllTheSame) {
  for (const std::string array :
       {"array = {rows = 3, cols = 4, value = 'i'}", "array.rows = 3\narray.cols=4\narray.value='i'",
        "[array]\nrows=3\ncols=4\nvalue='i'", "[\"array\"]\n'rows'=3\n\"cols\"=4\nvalue='i'",
        "[array]\r\nrows\t=\t3\r\ncols=4\r\nvalue='i'\r\n"}) {
    for (const std::string mark : {"", "\xEF\xBB\xBF"}) {
      PopulateDeck deck;
      deck.read(mark + "job='populate'\n" + array);
      EXPECT_EQ(deck.rows, 3);
      EXPECT_EQ(deck.cols, 4);
      EXPECT_EQ(deck.value, "i");
    }
  }
}

TEST(Reader, AListMayBeOneTextOfSeveralLines) {
  PopulateDeck deck;
  deck.read(kGoodDeck + "arrays = \"\"\"\n  v = u**2\n\n\ttotal = sum(v)\"\"\"\n");
  EXPECT_EQ(deck.arrays, (std::vector<std::string>{"v = u**2", "total = sum(v)"}));
  EXPECT_EQ(text_of(deck.keys.where("output.arrays", 0, 0)), "d.toml:13:3");
  EXPECT_EQ(text_of(deck.keys.where("output.arrays", 0, 1)), "d.toml:15:2");
  EXPECT_EQ(text_of(deck.keys.where("output.arrays", 4, 1)), "d.toml:15:6");
}

TEST(Reader, JobIsKnownBeforeItsKeys) {
  const Source pipeline{"p.toml", "# a comment\njob = \"pipeline\"\n[samples]\ncount = 1000\n", {}};
  EXPECT_EQ(job_of(pipeline), "pipeline");
  EXPECT_EQ(text_of(where_job(pipeline)), "p.toml:2:7");
  const Source replaced{"p.toml", pipeline.text, {"seed=1", "job=evaluate", "rubbish"}};
  EXPECT_EQ(job_of(replaced), "evaluate");
  EXPECT_EQ(text_of(where_job(replaced)), "command line:1:5");
}

std::string job_errors(const std::string& text, std::vector<std::string> overrides = {}) {
  try {
    return "no error: " + job_of({"d.toml", text, std::move(overrides)});
  } catch (const DeckError& error) {
    return error.what();
  }
}

TEST(Reader, ADeckMustNameItsJob) {
  const std::string missing = "d.toml:1:1: job is missing: which job to run; for example job = \"populate\"";
  EXPECT_EQ(job_errors(""), missing);
  EXPECT_EQ(job_errors("[array]\nrows=3\n"), missing);
  EXPECT_EQ(job_errors("job = 3"), "d.toml:1:7: job is 3; it must be text in quotes");
  EXPECT_EQ(job_errors("[job]\nname='x'"), "d.toml:1:1: job is a section; it must be text in quotes");
  EXPECT_EQ(job_errors("\njob = populate"), "d.toml:2:7: text stands in quotes: job = \"populate\"");
  EXPECT_EQ(job_errors("", {"job=sharing"}), "no error: sharing");
}

TEST(Reader, OwnersRejectWhatOnlyTheyCanCheck) {
  PopulateDeck deck;
  deck.read(kGoodDeck, {"output.file=x.h5"});
  EXPECT_NO_THROW(deck.keys.throw_if_rejected());
  deck.keys.reject("output.file", "no such folder");
  deck.keys.reject("array.value", "unknown variable", 2);
  deck.keys.reject("array.rows", "too many");
  deck.keys.reject("seed", "an even number is wanted");
  deck.keys.reject("output.overwrite", "not with file");
  try {
    deck.keys.throw_if_rejected();
    FAIL() << "nothing was thrown";
  } catch (const DeckError& error) {
    EXPECT_STREQ(error.what(),
                 "d.toml:1:1: an even number is wanted\n"
                 "d.toml:4:8: too many\n"
                 "d.toml:6:12: unknown variable\n"
                 "d.toml:10:1: not with file\n"
                 "command line:1:13: no such folder (in 'output.file=x.h5')");
    EXPECT_EQ(error.status(), ExitStatus::usage);
    EXPECT_EQ(error.diagnostics().size(), 5U);
  }
  EXPECT_THROW(deck.keys.reject("array.none", "x"), Error);
  EXPECT_THROW((void)deck.keys.where("none"), Error);
}

TEST(Keys, DeclarationsAreChecked) {
  PopulateDeck deck;
  std::string target;
  deck.keys.section("array", "again");
  EXPECT_THROW(deck.keys.text("rows", target, {}), Error);
  EXPECT_THROW(deck.keys.choice("mode", deck.type, {{"a"}, {"b"}}, {.default_value = "c"}), Error);
  deck.keys.top_level();
  EXPECT_NO_THROW(deck.keys.text("rows", target, {.default_value = "x"}));
  EXPECT_EQ(target, "x");
  EXPECT_EQ(deck.keys.declared().back().name, "rows");
}

}  // namespace
}  // namespace windrow::deck
