#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "deck/reader.hpp"

namespace windrow::deck {

enum class Schedule { fixed, dynamic };

// The keys of a job much like populate, with every type of key and an optional section.
struct PopulateDeck {
  std::string job, title;
  std::int64_t seed = 0;
  std::string name, value;
  std::int64_t rows = -1, cols = -1;
  std::size_t type = 0;
  std::int64_t block_rows = 0;
  Schedule schedule = Schedule::fixed;
  bool has_output = false;
  std::string file;
  std::vector<std::string> arrays;
  bool overwrite = false;
  std::int64_t compression = 0;
  Keys keys;

  PopulateDeck() {
    keys.text("job", job, {.example = "populate", .help = "which job to run"});
    keys.text("title", title, {.default_value = "", .help = "title of the output file"});
    keys.integer("seed", seed, {.default_value = 0, .help = "seed of the random numbers"});
    keys.section("array", "the array to fill");
    keys.text("name", name, {.default_value = "array", .help = "name of the dataset"});
    keys.integer("rows", rows,
                 {.minimum = 1, .words = {{"ranks", 0}}, .unit = "rows", .example = "2000", .help = "number of rows"});
    keys.integer("cols", cols,
                 {.default_value = 0,
                  .minimum = 1,
                  .default_text = "one-dimensional",
                  .unit = "columns",
                  .example = "10",
                  .help = "number of columns"});
    keys.choice("type", type, {{"float64"}, {"float32"}, {"int64"}, {"int32"}},
                {.default_value = "float64", .help = "element type"});
    keys.expression("value", value, {.example = "offset", .help = "value of each element", .check = no_question_mark});
    keys.section("populate", "how the rows are shared out");
    keys.integer("block_rows", block_rows,
                 {.default_value = 100, .minimum = 1, .maximum = 1'000'000, .unit = "rows", .help = "rows of a block"});
    keys.choice("schedule", schedule,
                {{"static", "blocks are dealt out beforehand"}, {"dynamic", "each rank draws its next block"}},
                {.default_value = "static", .help = "who fills which block"});
    keys.section("output", "where results go; without it nothing is written", &has_output);
    keys.text("file", file, {.example = "populate.h5", .help = "path of the output file"});
    keys.list("arrays", arrays, {.default_text = "all", .example = "array", .help = "which arrays are written"});
    keys.boolean("overwrite", overwrite, {.help = "replace an existing file"});
    keys.integer("compression", compression, {.default_value = 0, .minimum = 0, .maximum = 9, .help = "gzip level"});
  }

  // Stands for the check of an expression, which is not the deck's business.
  static std::optional<TextFault> no_question_mark(const std::string& text) {
    const std::size_t at = text.find('?');
    if (at == std::string::npos) return std::nullopt;
    const auto is_first_byte = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; };
    const auto characters = std::count_if(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), is_first_byte);
    return TextFault{static_cast<std::size_t>(characters), "'?' is no operator"};
  }

  std::vector<std::string> known() const {
    std::vector<std::string> names;
    for (const Key& key : keys.declared()) names.push_back(key.name);
    for (const char* other : {"samples.count", "samples.rows", "pipeline.stages", "pipeline.split", "pipeline.slots",
                              "evaluate.statements", "output.arrays"})
      names.emplace_back(other);
    return names;
  }

  void read(const std::string& text, std::vector<std::string> overrides = {}) {
    deck::read({"d.toml", text, std::move(overrides)}, keys, known());
  }

  // What read() finds wrong, one line each; "" if nothing.
  std::string errors(const std::string& text, std::vector<std::string> overrides = {}) {
    try {
      read(text, std::move(overrides));
    } catch (const DeckError& error) {
      return error.what();
    }
    return "";
  }
};

inline const std::string kGoodDeck = R"(job = "populate"
[array]
name = "array"
rows = 2000
cols = 10
value = "offset"          # also i, j, rows, cols, rank, node, pid, pi, e, uniform(), normal()
[populate]
block_rows = 100
schedule = "static"       # or "dynamic"
[output]
file = "populate.h5"
)";

inline std::string text_of(const Position& where) {
  return where.source + ':' + std::to_string(where.line) + ':' + std::to_string(where.column);
}

}  // namespace windrow::deck
