// Decks that nobody writes: none may crash or hang the reader, whatever it says.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "unit/deck/populate_deck.hpp"

namespace windrow::deck {
namespace {

std::string repeated(std::string_view text, int times, std::string all = {}) {
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

TEST(HostileDeck, NestedLists) {
  const int depth = 1'000'000;
  const std::string message = "nested too deeply: more than 64 lists and sections inside each other";
  EXPECT_EQ(PopulateDeck().errors(repeated("[", depth, "x = ")), "d.toml:1:69: " + message);
  EXPECT_EQ(PopulateDeck().errors(repeated("{a=", 300'000, "x = ")), "d.toml:1:197: " + message);
  EXPECT_EQ(PopulateDeck().errors(kGoodDeck + "x = " + repeated("[", 64) + repeated("]", 64)),
            "d.toml:12:1: unknown key 'output.x'");
  const std::string text = "title = '" + repeated("[", 100) + "' # " + repeated("{", 100) + "\n";
  EXPECT_EQ(PopulateDeck().errors(text + kGoodDeck), "");
  EXPECT_EQ(PopulateDeck().errors(kGoodDeck + repeated("x = [[1], [2]]\n", 2)), "d.toml:13:1: 'x' is given twice");
  std::string many = kGoodDeck;
  for (int i = 0; i < 100; ++i) many += fmt::format("[[a{}]]\n", i);
  EXPECT_EQ(PopulateDeck().errors(many).find(message), std::string::npos);
}

TEST(HostileDeck, KeysOfVeryManySegments) {
  const std::string key = repeated(".a", 500'000, "a");
  const std::string message = "a key of more than 16 segments";
  EXPECT_EQ(PopulateDeck().errors(key + " = 1"), "d.toml:1:32: " + message);
  EXPECT_EQ(PopulateDeck().errors("[" + key + "]"), "d.toml:1:33: " + message);
  EXPECT_EQ(PopulateDeck().errors("x = {\"a\" . " + key + " = 1}"), "d.toml:1:41: " + message);
  EXPECT_EQ(PopulateDeck().errors(kGoodDeck, {key + "=1"}).substr(0, 49), "command line:1:32: " + message);
  const std::string dots = repeated(".", 100);
  EXPECT_EQ(PopulateDeck().errors("title = '" + dots + "' # " + dots + "\n" + kGoodDeck), "");
  EXPECT_EQ(PopulateDeck().errors("title = \"\\\"" + dots + "\"\n" + kGoodDeck), "");
  EXPECT_EQ(PopulateDeck().errors("title = '''\n'" + dots + "''''\n" + kGoodDeck), "");
}

TEST(HostileDeck, LongKeysInDeepSections) {
  const std::string key = repeated(".a", 15, "a");
  EXPECT_EQ(PopulateDeck().errors(kGoodDeck + "x = " + repeated("{" + key + "=", 64) + "1" + repeated("}", 64)),
            "d.toml:12:1: unknown section [output.x]");
}

TEST(HostileDeck, ManyKeysAndLongOnes) {
  std::string many = kGoodDeck;
  for (int i = 0; i < 20'000; ++i) many += fmt::format("a{}.b = 1\n", i);
  EXPECT_NE(PopulateDeck().errors(many).find("... and 19900 more"), std::string::npos);
  const std::string long_key(500'000, 'k');
  EXPECT_EQ(PopulateDeck().errors(kGoodDeck + long_key + " = 1"),
            fmt::format("d.toml:12:1: unknown key 'output.{}...'", std::string(53, 'k')));
  EXPECT_EQ(PopulateDeck().errors(kGoodDeck + "compression = '" + long_key + "'"),
            fmt::format("d.toml:12:15: output.compression is \"{}...\"; it must be a whole number from 0 to 9",
                        std::string(40, 'k')));
}

TEST(HostileDeck, OddEnds) {
  const std::vector<std::string> odd{"[",
                                     "[[",
                                     "[]",
                                     "[a",
                                     "[[a]",
                                     "a",
                                     "a.",
                                     "a.=1",
                                     ".a=1",
                                     "a=",
                                     "a=\"",
                                     "a='",
                                     "a=\"\"\"",
                                     "a='''",
                                     "a=[",
                                     "a={",
                                     "a={b",
                                     "a={b=",
                                     "a=[,",
                                     "a=\"\\",
                                     "a=\"\\u",
                                     "a=\"\\u1",
                                     "#",
                                     "\r",
                                     "a=1\r",
                                     "\xEF\xBB\xBF",
                                     "\xEF\xBB",
                                     "a=1979-",
                                     "a=1979-05-27T",
                                     "a=0x",
                                     "a=1e",
                                     "a=\"\"\"\\",
                                     "a=\"\"\"\"",
                                     "a = \"x\" \"y\"",
                                     "\"a",
                                     "'a",
                                     "\"\"\"a\"\"\"=1",
                                     "a=\v"};
  for (const std::string& text : odd) {
    EXPECT_NE(PopulateDeck().errors(text), "") << text;
    const std::string message = PopulateDeck().errors(kGoodDeck, {text});
    EXPECT_EQ(message.substr(0, 15), "command line:1:") << text;
  }
}

}  // namespace
}  // namespace windrow::deck
