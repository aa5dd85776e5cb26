#include <gtest/gtest.h>

#include "deck/reader.hpp"

namespace windrow::deck {
namespace {

/// A deck of one number, which need not be given, and of one that must.
struct NumberDeck {
  double left = 0.0;
  double width = 0.0;
  Keys keys;

  NumberDeck() {
    keys.section("region", "a region");
    keys.number("left", left, {.default_value = -2.0, .unit = "m", .help = "its left edge"});
    keys.number("width", width, {.example = "0.5", .help = "its width"});
  }
  void read(const std::string& text, std::vector<std::string> overrides = {}) {
    deck::read({"d.toml", text, std::move(overrides)}, keys, {});
  }
  std::string error_of(const std::string& text) {
    try {
      read(text);
    } catch (const DeckError& error) {
      return error.what();
    }
    return "";
  }
};

TEST(Number, IsReadAsItIsWritten) {
  for (const auto& [text, value] : {std::pair<std::string, double>{"0.1", 0.1},
                                    {"-1e-300", -1e-300},
                                    {"3", 3.0},
                                    {"-0.0", -0.0},
                                    {"9007199254740993", 9007199254740992.0},
                                    {"1_000.5", 1000.5}}) {
    NumberDeck deck;
    deck.read("[region]\nwidth = " + text + "\n");
    EXPECT_EQ(deck.width, value) << text;
    EXPECT_EQ(deck.left, -2.0);
  }
}

TEST(Number, IsOverriddenOnTheCommandLine) {
  NumberDeck deck;
  deck.read("[region]\nwidth = 1.5\n", {"region.width=2.25", "region.left=7"});
  EXPECT_EQ(deck.width, 2.25);
  EXPECT_EQ(deck.left, 7.0);
}

TEST(Number, IsNeitherTextNorInfinite) {
  NumberDeck deck;
  EXPECT_EQ(deck.error_of("[region]\nwidth = \"1\"\n"), "d.toml:2:9: region.width is \"1\"; it must be a number");
  EXPECT_EQ(deck.error_of("[region]\nwidth = inf\n"), "d.toml:2:9: region.width is inf; it must be a number");
  EXPECT_EQ(deck.error_of("[region]\nwidth = nan\n"), "d.toml:2:9: region.width is nan; it must be a number");
  EXPECT_EQ(deck.error_of("[region]\nwidth = 1\nleft = true\n"),
            "d.toml:3:8: region.left is true; it must be a number (m)");
}

TEST(Number, OfTheEffectiveDeckReadsBack) {
  for (const double value : {0.1, -1e-300, 3.0, 1e22, 123456789.25, -0.7436438870371587}) {
    NumberDeck deck;
    deck.read(fmt::format("[region]\nwidth = {}\n", value));
    NumberDeck again;
    again.read(effective(deck.keys));
    EXPECT_EQ(again.width, value);
    EXPECT_EQ(again.left, -2.0);
  }
}

TEST(Number, IsToldInHelpAndInADeckToStartFrom) {
  NumberDeck deck;
  EXPECT_NE(commented(deck.keys).find("# left = -2.0  # its left edge; a number (m)"), std::string::npos)
      << commented(deck.keys);
  EXPECT_NE(commented(deck.keys).find("\nwidth = 0.5"), std::string::npos);
  EXPECT_NE(help(deck.keys).find("number"), std::string::npos);
}

}  // namespace
}  // namespace windrow::deck
