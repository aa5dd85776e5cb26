#include "deck/setting.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "deck/quote.hpp"
#include "deck/reader.hpp"

namespace windrow::deck {
namespace {

using Result = std::variant<Reading, Fault>;

template <typename Words>
std::vector<std::string> texts_of(const Words& words) {
  std::vector<std::string> texts;
  for (const auto& word : words) texts.push_back(word.text);
  return texts;
}

std::string alternatives(const std::vector<std::string>& texts) {
  std::vector<std::string> words;
  for (const std::string& text : texts) words.push_back(quoted(text));
  if (words.size() < 2) return fmt::format("{}", fmt::join(words, ""));
  const auto last = words.end() - 1;
  return fmt::format("{} or {}", fmt::join(words.begin(), last, ", "), *last);
}

Fault wrong(const Key& key, const Value& value, const std::string& nearest_word = {}) {
  std::string message = fmt::format("{}; it must be {}", found(key.name, value), expected(key));
  if (!nearest_word.empty()) message += fmt::format("; did you mean {}?", quoted(nearest_word));
  return {value.place, std::move(message)};
}

// From 2^63 on a real is no whole number of 64 bits any more.
constexpr double kBeyondIntegers = 9223372036854775808.0;

// A whole number may be written 6e7.
std::optional<std::int64_t> whole_number(const Value& value) {
  if (value.kind == Value::Kind::integer) return value.integer;
  if (value.kind != Value::Kind::real || !(std::abs(value.real) < kBeyondIntegers) ||
      std::trunc(value.real) != value.real)
    return std::nullopt;
  return static_cast<std::int64_t>(value.real);
}

Result interpret_integer(const Key& key, const Value& value) {
  if (value.kind == Value::Kind::text) {
    const auto word = std::ranges::find(key.words, value.text, &Word::text);
    if (word != key.words.end()) return Reading{word->value};
    return wrong(key, value, nearest(value.text, texts_of(key.words)));
  }
  const auto number = whole_number(value);
  if (value.kind == Value::Kind::real && std::isfinite(value.real) && std::abs(value.real) >= kBeyondIntegers)
    return Fault{value.place,
                 fmt::format("{}; whole numbers have 64 bits: at most {} here", found(key.name, value), key.maximum)};
  if (!number || *number < key.minimum || *number > key.maximum) return wrong(key, value);
  return Reading{*number};
}

Result interpret_number(const Key& key, const Value& value) {
  if (value.kind == Value::Kind::integer) return Reading{static_cast<double>(value.integer)};
  if (value.kind != Value::Kind::real || !std::isfinite(value.real)) return wrong(key, value);
  return Reading{value.real};
}

// Digits as an expression has them: no underscores, no base but ten, no plus sign.
std::string plain_number(const Value& value) {
  if (value.kind == Value::Kind::integer) return fmt::format("{}", value.integer);
  std::string digits;
  for (const char c : value.spelling)
    if (c != '_' && !(c == '+' && digits.empty())) digits += c;
  return digits;
}

Result interpret_text(const Key& key, const Value& value) {
  const bool is_expression = key.type == Key::Type::expression;
  const TextOrigin origin{value.place, 0, value.bare};
  if (value.kind == Value::Kind::text) {
    if (value.text.find('\0') != std::string::npos)
      return Fault{value.place, fmt::format("{} holds a NUL character", key.name)};
    if (is_expression && trimmed(value.text).empty()) return wrong(key, value);
    return Reading{value.text, {origin}};
  }
  const bool is_number = value.kind == Value::Kind::integer || value.kind == Value::Kind::real;
  if (!is_expression || !is_number) return wrong(key, value);
  return Reading{plain_number(value), {{value.place, 0, true}}};
}

Result interpret_boolean(const Key& key, const Value& value) {
  if (value.kind != Value::Kind::boolean) return wrong(key, value);
  return Reading{value.boolean};
}

Result interpret_choice(const Key& key, const Value& value) {
  if (value.kind != Value::Kind::text) return wrong(key, value);
  const auto found = std::ranges::find(key.choices, value.text, &Choice::text);
  if (found == key.choices.end()) return wrong(key, value, nearest(value.text, texts_of(key.choices)));
  return Reading{static_cast<std::size_t>(found - key.choices.begin()), {{value.place, 0, value.bare}}};
}

std::size_t characters_in(std::string_view text) {
  std::size_t characters = 0;
  for (std::size_t byte = 0; byte < text.size(); ++characters)
    byte += std::max<std::size_t>(1, character_length(text.substr(byte)));
  return characters;
}

// Where a line ends that goes on while a parenthesis is open; what follows a # does not open any.
std::size_t end_of_item(std::string_view text, std::size_t at) {
  bool is_comment = false;
  for (int open = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '\n' && open <= 0) return at;
    is_comment = c == '#' || (is_comment && c != '\n');
    if (is_comment) continue;
    if (c == '(' || c == '[') ++open;
    if (c == ')' || c == ']') --open;
  }
  return at;
}

// One text of several lines: an item a line.
Reading items_of_lines(const Value& value) {
  std::vector<std::string> items;
  Reading reading;
  const std::string_view text = value.text;
  std::size_t characters = 0;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = end_of_item(text, begin);
    const std::string_view line = text.substr(begin, end - begin);
    const std::string_view item = trimmed(line);
    if (!item.empty()) {
      const auto indent = static_cast<std::size_t>(item.data() - line.data());
      items.emplace_back(item);
      reading.origins.push_back({value.place, characters + indent, value.bare});
    }
    characters += characters_in(line) + 1;
    begin = end + 1;
  }
  reading.setting = std::move(items);
  return reading;
}

Result list_of(const Key& key, Reading reading, const Value& value) {
  if (key.required && std::get<std::vector<std::string>>(reading.setting).empty())
    return Fault{value.place, fmt::format("{} is empty; it must be {}", key.name, expected(key))};
  return reading;
}

Result interpret_list(const Key& key, const Value& value) {
  if (value.kind == Value::Kind::text) return list_of(key, items_of_lines(value), value);
  if (value.kind != Value::Kind::list) return wrong(key, value);
  std::vector<std::string> items;
  Reading reading;
  for (const Value& item : value.items) {
    const bool is_text = item.kind == Value::Kind::text && item.text.find('\0') == std::string::npos;
    if (!is_text)
      return Fault{item.place, fmt::format("{}; it must be {}", found("an item of " + key.name, item), expected(key))};
    items.push_back(item.text);
    reading.origins.push_back({item.place, 0, item.bare});
  }
  reading.setting = std::move(items);
  return list_of(key, std::move(reading), value);
}

// Any value of the key's type and range.
std::string some_literal(const Key& key) {
  switch (key.type) {
    case Key::Type::integer:
      return fmt::format("{}", std::clamp<std::int64_t>(1, key.minimum, key.maximum));
    case Key::Type::number:
      return "1.0";
    case Key::Type::choice:
      return quoted(key.choices.front().text);
    case Key::Type::expression:
      return quoted("0");
    case Key::Type::boolean:
      return "false";
    case Key::Type::list:
      return key.required ? "[\"text\"]" : "[]";
    case Key::Type::text:
      break;
  }
  return quoted("text");
}

std::string range_of(const Key& key) {
  const bool has_minimum = key.minimum > std::numeric_limits<std::int64_t>::min();
  const bool has_maximum = key.maximum < std::numeric_limits<std::int64_t>::max();
  if (has_minimum && has_maximum) return fmt::format(" from {} to {}", key.minimum, key.maximum);
  if (has_minimum) return fmt::format(" of at least {}", key.minimum);
  return has_maximum ? fmt::format(" of at most {}", key.maximum) : "";
}

// The shortest text that reads back, and is no whole number to TOML: 1e-05 as it is, 2 as 2.0.
std::string real_literal(double number) {
  std::string text = fmt::format("{}", number);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

}  // namespace

std::string expected(const Key& key) {
  switch (key.type) {
    case Key::Type::integer: {
      std::string text = "a whole number" + range_of(key);
      if (!key.unit.empty()) text += fmt::format(" ({})", key.unit);
      if (!key.words.empty()) text += fmt::format(" or {}", alternatives(texts_of(key.words)));
      return text;
    }
    case Key::Type::number:
      return key.unit.empty() ? "a number" : fmt::format("a number ({})", key.unit);
    case Key::Type::expression:
      return "an expression in quotes, or a number";
    case Key::Type::boolean:
      return "true or false";
    case Key::Type::list:
      return "a list of texts, such as [\"a\", \"b\"]";
    case Key::Type::choice:
      return alternatives(texts_of(key.choices));
    case Key::Type::text:
      break;
  }
  return "text in quotes";
}

std::string found(const std::string& name, const Value& value) {
  switch (value.kind) {
    case Value::Kind::text:
      return fmt::format("{} is {}", name, quoted_short(value.text));
    case Value::Kind::boolean:
      return fmt::format("{} is {}", name, value.boolean);
    case Value::Kind::list:
      return fmt::format("{} is a list", name);
    case Value::Kind::section:
      return fmt::format("{} is a section", name);
    case Value::Kind::sections:
      return fmt::format("{} is a list of sections", name);
    case Value::Kind::date:
      return fmt::format("{} is a date or time", name);
    case Value::Kind::integer:
    case Value::Kind::real:
      break;
  }
  if (!value.spelling.empty()) return fmt::format("{} is {}", name, shortened(value.spelling, 40));
  return value.kind == Value::Kind::integer ? fmt::format("{} is {}", name, value.integer)
                                            : fmt::format("{} is {}", name, value.real);
}

std::variant<Reading, Fault> interpret(const Key& key, const Value& value) {
  switch (key.type) {
    case Key::Type::integer:
      return interpret_integer(key, value);
    case Key::Type::number:
      return interpret_number(key, value);
    case Key::Type::boolean:
      return interpret_boolean(key, value);
    case Key::Type::list:
      return interpret_list(key, value);
    case Key::Type::choice:
      return interpret_choice(key, value);
    case Key::Type::text:
    case Key::Type::expression:
      break;
  }
  return interpret_text(key, value);
}

std::string literal(const Key& key, const Setting& setting) {
  if (const auto* const number = std::get_if<std::int64_t>(&setting)) {
    if (key.minimum <= *number && *number <= key.maximum) return fmt::format("{}", *number);
    const auto word = std::ranges::find(key.words, *number, &Word::value);
    return word == key.words.end() ? "" : quoted(word->text);
  }
  if (const auto* const number = std::get_if<double>(&setting)) return real_literal(*number);
  if (const auto* const text = std::get_if<std::string>(&setting)) return quoted(*text);
  if (const auto* const boolean = std::get_if<bool>(&setting)) return fmt::format("{}", *boolean);
  if (const auto* const choice = std::get_if<std::size_t>(&setting)) return quoted(key.choices.at(*choice).text);
  return quoted(std::get<std::vector<std::string>>(setting));
}

std::string example_literal(const Key& key) {
  if (key.example.empty()) return key.default_literal.empty() ? some_literal(key) : key.default_literal;
  const bool is_list = key.type == Key::Type::list;
  if (is_list && key.example.starts_with('[')) return key.example;
  if (is_list) return quoted(std::vector<std::string>{key.example});
  if (key.type == Key::Type::number) return key.example;
  if (key.type != Key::Type::integer) return key.example.starts_with('"') ? key.example : quoted(key.example);
  std::int64_t number = 0;
  const char* const end = key.example.data() + key.example.size();
  const auto [rest, error] = std::from_chars(key.example.data(), end, number);
  const bool is_word = std::ranges::find(key.words, key.example, &Word::text) != key.words.end();
  return is_word || error != std::errc{} ? quoted(key.example) : std::string(key.example.data(), end);
}

}  // namespace windrow::deck
