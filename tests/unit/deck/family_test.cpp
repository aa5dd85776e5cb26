// Sections whose names the deck chooses, and lists that must be given: the forms of a job of many named arrays.

#include <gtest/gtest.h>

#include <deque>

#include "unit/deck/populate_deck.hpp"

namespace windrow::deck {
namespace {

struct NamedArray {
  std::string name, value;
  std::int64_t rows = 0;

  void declare_member(Keys& keys, const std::string& /*section*/, const std::string& member) {
    name = member;
    keys.integer("rows", rows, {.minimum = 1, .example = "6000", .help = "number of rows"});
    keys.expression("value", value, {.default_value = "0", .check = PopulateDeck::no_question_mark});
  }
};

struct EvaluateDeck {
  std::string job, file;
  bool has_output = false;
  std::deque<NamedArray> arrays;
  std::vector<std::string> statements;
  Keys keys;

  EvaluateDeck() {
    keys.text("job", job, {.example = "evaluate"});
    keys.family("arrays", arrays, {.help = "an array, NAME in the statements", .example = "u"});
    keys.section("evaluate", "what is computed");
    keys.list("statements", statements, {.required = true, .example = "v = u**2", .help = "assignments"});
    keys.section("output", "the file", &has_output);
    keys.text("file", file, {.example = "x.h5"});
  }

  std::string errors(const std::string& text, std::vector<std::string> overrides = {}) {
    std::vector<std::string> known{"array.rows", "populate.schedule"};
    for (const Key& key : keys.declared()) known.push_back(key.name);
    try {
      deck::read({"d.toml", text, std::move(overrides)}, keys, known);
    } catch (const DeckError& error) {
      return error.what();
    }
    return "";
  }

  std::string names() const {
    std::string text;
    for (const NamedArray& array : arrays) text += array.name + '=' + std::to_string(array.rows) + ' ';
    return text;
  }
};

const std::string kEvaluate = R"deck(job = "evaluate"
[arrays.w]
rows = 3
value = "i"
[evaluate]
statements = ["v = u**2",
              "total = sum(v)"]
[arrays.a_1]
rows = 5
)deck";

TEST(Family, AMemberForEachSectionInTheOrderOfTheDeck) {
  EvaluateDeck deck;
  ASSERT_EQ(deck.errors(kEvaluate), "");
  EXPECT_EQ(deck.names(), "w=3 a_1=5 ");
  EXPECT_EQ(deck.arrays[0].value, "i");
  EXPECT_EQ(deck.arrays[1].value, "0");
  EXPECT_TRUE(deck.keys.given("arrays.w.value"));
  EXPECT_FALSE(deck.keys.given("arrays.a_1.value"));
  EXPECT_EQ(text_of(deck.keys.where("arrays.a_1.rows")), "d.toml:9:8");
  EXPECT_EQ(text_of(deck.keys.where("arrays.a_1")), "d.toml:8:1");
}

TEST(Family, FormsOfTomlAreAllTheSame) {
  for (const std::string arrays :
       {"arrays.z.rows = 3\narrays.b.rows = 4\n", "arrays = {z = {rows = 3}, b.rows = 4}\n",
        "[arrays]\nz = {rows = 3}\nb.rows = 4\n", "[arrays.z]\nrows = 3\n[arrays]\nb = {rows = 4}\n"}) {
    EvaluateDeck deck;
    ASSERT_EQ(deck.errors("job = 'evaluate'\nevaluate.statements = 'v = z'\n" + arrays), "") << arrays;
    EXPECT_EQ(deck.names(), "z=3 b=4 ") << arrays;
  }
}

TEST(Family, ASecondReadForgetsTheFirst) {
  EvaluateDeck deck;
  ASSERT_EQ(deck.errors(kEvaluate), "");
  ASSERT_EQ(deck.errors("job = 'evaluate'\n[arrays.NAME]\nrows = 7\n[evaluate]\nstatements = 'v = NAME'\n"), "");
  EXPECT_EQ(deck.names(), "NAME=7 ");
  EXPECT_THROW((void)deck.keys.given("arrays.w.value"), Error);
}

TEST(Family, TheCommandLineReplacesAndCreates) {
  EvaluateDeck deck;
  ASSERT_EQ(deck.errors(kEvaluate, {"arrays.w.value=i+j", "arrays.x.rows=100", "arrays.y={rows=8, value='j'}"}), "");
  EXPECT_EQ(deck.names(), "w=3 a_1=5 x=100 y=8 ");
  EXPECT_EQ(deck.arrays[0].value, "i+j");
  EXPECT_EQ(text_of(deck.keys.where("arrays.x.rows")), "command line:1:15");
  EXPECT_EQ(deck.errors(kEvaluate, {"arrays.x.value=1"}),
            "d.toml:1:1: arrays.x.rows is missing: number of rows; for example rows = 6000");
  EXPECT_EQ(deck.errors(kEvaluate, {"arrays.x.row=1"}),
            "command line:1:1: unknown key 'arrays.x.row'; did you mean 'arrays.x.rows'? (in 'arrays.x.row=1')");
  EXPECT_EQ(deck.errors(kEvaluate, {"arrays.2x.rows=1"}),
            "command line:1:1: [arrays.2x] has no name: letters, digits and _, 64 at most, no digit first (in "
            "'arrays.2x.rows=1')");
}

std::string error_of(const std::string& lines) {
  return EvaluateDeck().errors("job = 'evaluate'\nevaluate.statements = 'v = u'\n" + lines + "\n");
}

TEST(Family, Errors) {
  EXPECT_EQ(error_of("[arrays.u]\nrow = 3\nrows = 3"),
            "d.toml:4:1: unknown key 'arrays.u.row'; did you mean 'arrays.u.rows'?");
  EXPECT_EQ(error_of("[arrays.u]\nvalue = 'i'"),
            "d.toml:3:1: arrays.u.rows is missing: number of rows; for example rows = 6000");
  EXPECT_EQ(error_of("[arrays.u]\nrows = 0\n[arrays.v]\nrows = 1\nvalue = 'i ?'"),
            "d.toml:4:8: arrays.u.rows is 0; it must be a whole number of at least 1\n"
            "d.toml:7:12: '?' is no operator");
  EXPECT_EQ(error_of("[arays.u]\nrows = 3"), "d.toml:3:1: unknown section [arays]; did you mean [arrays]?");
  EXPECT_EQ(error_of("[array.u]\nrows = 3"),
            "d.toml:3:1: the section [array] belongs to another job; did you mean [arrays]?");
  EXPECT_EQ(error_of("[arrays]\nrows = 3"), "d.toml:4:1: unknown key 'arrays.rows'; did you mean 'arrays.NAME.rows'?");
  EXPECT_EQ(error_of("[arrays.u.more]\nrows = 3"),
            "d.toml:3:1: unknown section [arrays.u.more]\n"
            "d.toml:3:1: arrays.u.rows is missing: number of rows; for example rows = 6000");
  EXPECT_EQ(error_of("[arrays]\nu = 3"), "d.toml:4:5: arrays.u is 3; it must be one section: [arrays.u]");
  EXPECT_EQ(error_of("[[arrays]]\nrows = 3"),
            "d.toml:3:1: arrays is a list of sections; it must be sections: [arrays.NAME]");
  EXPECT_EQ(error_of("[arrays.\"a.b\"]\nrows = 3"),
            "d.toml:3:1: [arrays.\"a.b\"] has no name: letters, digits and _, 64 at most, no digit first");
  EXPECT_EQ(error_of("[arrays.a-b]\nrows = 3"),
            "d.toml:3:1: [arrays.a-b] has no name: letters, digits and _, 64 at most, no digit first");
}

TEST(Family, VeryManyMembersAreRefused) {
  std::string lines;
  for (int i = 0; i < 20'000; ++i) lines += "[arrays.a" + std::to_string(i) + "]\nrows = 1\n";
  const std::string message = error_of(lines);
  EXPECT_TRUE(message.starts_with("d.toml:2003:1: [arrays.a1000]: more than 1000 sections [arrays.NAME]\n"))
      << message.substr(0, 200);
  EXPECT_TRUE(message.ends_with("... and 18900 more")) << message.substr(message.size() - 200);
}

TEST(Family, OwnersRejectASection) {
  EvaluateDeck deck;
  ASSERT_EQ(deck.errors(kEvaluate), "");
  deck.keys.reject("arrays.a_1", "a name of the language");
  deck.keys.reject("evaluate.statements", "unknown name 'u'", 4, 0);
  deck.keys.reject("evaluate.statements", "unknown function", 8, 1);
  try {
    deck.keys.throw_if_rejected();
    FAIL() << "nothing was thrown";
  } catch (const DeckError& error) {
    EXPECT_STREQ(error.what(),
                 "d.toml:6:20: unknown name 'u'\n"
                 "d.toml:7:24: unknown function\n"
                 "d.toml:8:1: a name of the language");
  }
}

TEST(Family, TheEffectiveDeckReadsBack) {
  EvaluateDeck deck;
  ASSERT_EQ(deck.errors(kEvaluate, {"arrays.x.rows=100"}), "");
  const std::string text = effective(deck.keys);
  EXPECT_EQ(text, R"deck(job = "evaluate"

[arrays.w]
rows = 3
value = "i"

[arrays.a_1]
rows = 5
value = "0"  # default

[arrays.x]
rows = 100
value = "0"  # default

[evaluate]
statements = ["v = u**2", "total = sum(v)"]
)deck");
  EvaluateDeck again;
  ASSERT_EQ(again.errors(text), "");
  EXPECT_EQ(again.names(), deck.names());
  EXPECT_EQ(again.statements, deck.statements);
}

TEST(Family, IsDocumentedOnce) {
  EvaluateDeck deck;
  ASSERT_EQ(deck.errors(kEvaluate), "");
  EXPECT_EQ(help(deck.keys), help(EvaluateDeck().keys));
  EXPECT_NE(help(deck.keys).find("\n[arrays.NAME]: an array, NAME in the statements\narrays.NAME.rows "),
            std::string::npos)
      << help(deck.keys);
  EXPECT_NE(markdown(deck.keys).find("### `[arrays.NAME]`\n\nan array, NAME in the statements\n\n"), std::string::npos)
      << markdown(deck.keys);
  const std::string text = commented(deck.keys);
  EXPECT_NE(text.find("\n# [arrays.NAME]: an array, NAME in the statements\n[arrays.u]\nrows = 6000"),
            std::string::npos)
      << text;
  EvaluateDeck read;
  ASSERT_EQ(read.errors(text), "") << text;
  EXPECT_EQ(read.names(), "u=6000 ");
  EXPECT_EQ(read.statements, std::vector<std::string>{"v = u**2"});
}

TEST(RequiredList, IsGivenWithAnItem) {
  EvaluateDeck deck;
  EXPECT_EQ(deck.errors("job = 'evaluate'"),
            "d.toml:1:1: evaluate.statements is missing: assignments; for example statements = [\"v = u**2\"], in a "
            "section [evaluate]");
  for (const std::string empty : {"[]", "''", "'''\n  \n'''"})
    EXPECT_EQ(deck.errors("job = 'evaluate'\nevaluate.statements = " + empty),
              "d.toml:2:23: evaluate.statements is empty; it must be a list of texts, such as [\"a\", \"b\"]");
  EXPECT_EQ(deck.errors("job = 'evaluate'", {"evaluate.statements=v = 2**3"}), "");
  EXPECT_EQ(deck.statements, std::vector<std::string>{"v = 2**3"});
  EXPECT_EQ(text_of(deck.keys.where("evaluate.statements", 4, 0)), "command line:1:25");
}

TEST(LongList, IsWrittenAnItemALine) {
  EvaluateDeck deck;
  const std::string statement = "abc = sin(abc)*exp(-abc) + 0.12345678901234567890";
  ASSERT_EQ(deck.errors("job = 'evaluate'\nevaluate.statements = ['" + statement + "', '" + statement + "']"), "");
  const std::string text = effective(deck.keys);
  EXPECT_NE(text.find("statements = [\n    \"" + statement + "\",\n    \"" + statement + "\",\n]\n"), std::string::npos)
      << text;
  EvaluateDeck again;
  EXPECT_EQ(again.errors(text), "");
  EXPECT_EQ(again.statements, deck.statements);
}

}  // namespace
}  // namespace windrow::deck
