#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "deck/quote.hpp"
#include "deck/reader.hpp"
#include "deck/setting.hpp"
#include "deck/state.hpp"

namespace windrow::deck {
namespace {

constexpr std::size_t kWidth = 100;
constexpr std::size_t kWidestColumn = 28;
constexpr std::size_t kGap = 2;

// What the table tells of a key: name, type, default, help.
using Row = std::array<std::string, 4>;

std::string type_of(const Key& key) {
  switch (key.type) {
    case Key::Type::integer:
      return "whole number";
    case Key::Type::number:
      return "number";
    case Key::Type::expression:
      return "expression";
    case Key::Type::boolean:
      return "true or false";
    case Key::Type::list:
      return "list of texts";
    case Key::Type::choice:
      return "choice";
    case Key::Type::text:
      break;
  }
  return "text";
}

std::string default_of(const Key& key) {
  if (key.required) return "required";
  return key.default_text.empty() ? key.default_literal : key.default_text;
}

// The help, and what the type alone does not tell: range, unit and words, or the choices with a help of their own.
std::string help_of(const Key& key) {
  std::string text = key.help;
  const auto append = [&](const std::string& part) { text += (text.empty() ? "" : "; ") + part; };
  if (key.type == Key::Type::integer && expected(key) != "a whole number") append(expected(key));
  if (key.type == Key::Type::number && !key.unit.empty()) append(expected(key));
  if (key.type != Key::Type::choice) return text;
  std::string choices;
  for (const Choice& choice : key.choices) {
    choices += fmt::format("{}\"{}\"", choices.empty() ? "" : ", ", choice.text);
    if (!choice.help.empty()) choices += fmt::format(" ({})", choice.help);
  }
  append(choices);
  return text;
}

Row row_of(const Key& key) {
  return {key.name, type_of(key), default_of(key), help_of(key)};
}

std::array<std::size_t, 3> widths_of(const std::vector<Key>& keys) {
  std::array<std::size_t, 3> widths{3, 4, 7};
  for (const Key& key : keys) {
    const Row row = row_of(key);
    for (std::size_t i = 0; i < widths.size(); ++i)
      widths[i] = std::max(widths[i], std::min(row[i].size(), kWidestColumn));
  }
  return widths;
}

// A row may take several lines: each cell is wrapped in its column.
std::string table_lines(const Row& row, const std::array<std::size_t, 3>& widths) {
  const std::size_t used = widths[0] + widths[1] + widths[2] + 3 * kGap;
  std::array<std::vector<std::string>, 4> cells;
  std::size_t lines = 1;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    cells[i] = wrapped(row[i], i < widths.size() ? widths[i] : kWidth - used);
    lines = std::max(lines, cells[i].size());
  }
  std::string text;
  for (std::size_t line = 0; line < lines; ++line) {
    std::string out;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::string cell = line < cells[i].size() ? cells[i][line] : "";
      out += i < widths.size() ? fmt::format("{:<{}}", cell, widths[i] + kGap) : cell;
    }
    text += out.substr(0, out.find_last_not_of(' ') + 1) + '\n';
  }
  return text;
}

std::string heading_of(const Section& section) {
  const std::string optional = section.present.empty() ? "" : " (optional)";
  const std::string help = section.help.empty() ? "" : ": " + section.help;
  return fmt::format("[{}]{}{}", section.name, optional, help);
}

std::vector<Key> keys_of(const DocumentedSection& documented) {
  std::vector<Key> keys;
  std::ranges::copy_if(documented.state.keys, std::back_inserter(keys),
                       [&](const Key& key) { return key.section == documented.section.name; });
  return keys;
}

// A bar or a line break would end the cell.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

std::string markdown_row(const Key& key) {
  const Row row = row_of(key);
  const bool is_literal = !key.required && key.default_text.empty();
  return fmt::format("| `{}` | {} | {} | {} |\n", row[0], row[1],
                     is_literal ? fmt::format("`{}`", cell(row[2])) : cell(row[2]), cell(row[3]));
}

}  // namespace

std::string help(const Keys& keys) {
  const auto widths = widths_of(keys.declared());
  std::string text = table_lines({"KEY", "TYPE", "DEFAULT", "MEANING"}, widths);
  for (const DocumentedSection& documented : documented(keys.state())) {
    const std::vector<Key> its_keys = keys_of(documented);
    const Section& section = documented.section;
    if (its_keys.empty()) continue;
    if (!section.name.empty()) {
      text += '\n';
      for (const std::string& line : wrapped(heading_of(section), kWidth)) text += line + '\n';
    }
    for (const Key& key : its_keys) text += table_lines(row_of(key), widths);
  }
  return text;
}

std::string markdown(const Keys& keys) {
  std::string text;
  for (const DocumentedSection& documented : documented(keys.state())) {
    const std::vector<Key> its_keys = keys_of(documented);
    const Section& section = documented.section;
    if (its_keys.empty()) continue;
    if (!text.empty()) text += '\n';
    if (!section.name.empty()) {
      text += fmt::format("### `[{}]`{}\n\n", section.name, section.present.empty() ? "" : " (optional)");
      if (!section.help.empty()) text += section.help + "\n\n";
    }
    text += "| key | type | default | meaning |\n|---|---|---|---|\n";
    for (const Key& key : its_keys) text += markdown_row(key);
  }
  return text;
}

}  // namespace windrow::deck
