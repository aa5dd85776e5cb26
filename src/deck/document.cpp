#include "deck/document.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "deck/quote.hpp"

namespace windrow::deck {
namespace {

Place place_of(const toml::source_position& position) {
  return {static_cast<std::int64_t>(position.line), static_cast<std::int64_t>(position.column)};
}

class Walk {
 public:
  Walk(std::string_view text, Visitor& visitor) : text_(text), visitor_(visitor) {}

  void table(const toml::table& table, const std::string& prefix) {
    for (const auto& [key, node] : in_order(table)) {
      const std::string name = prefix + key_segment(key->str());
      const Place place = place_of(key->source().begin);
      if (const toml::table* const section = node->as_table()) {
        const Place header = section->is_inline() ? place : place_of(node->source().begin);
        if (visitor_.enter(name, header)) this->table(*section, name + '.');
      } else if (visitor_.wants(name, place)) {
        visitor_.take(name, top_value(*node));
      }
    }
  }

 private:
  using Item = std::pair<const toml::key*, const toml::node*>;

  // The parser has them in the order of the alphabet.
  static std::vector<Item> in_order(const toml::table& table) {
    std::vector<Item> items;
    for (const auto& [key, node] : table) items.emplace_back(&key, &node);
    std::ranges::sort(items, [](const Item& a, const Item& b) {
      return place_of(a.first->source().begin) < place_of(b.first->source().begin);
    });
    return items;
  }

  Value top_value(const toml::node& node) const {
    Value value = value_of(node);
    if (node.is_number() || value.kind == Value::Kind::date) value.spelling = spelling(value.place);
    return value;
  }

  static Value value_of(const toml::node& node) {
    Value value;
    value.place = place_of(node.source().begin);
    if (const auto* const text = node.as_string()) {
      value.text = text->get();
    } else if (const auto* const integer = node.as_integer()) {
      value.kind = Value::Kind::integer;
      value.integer = integer->get();
    } else if (const auto* const real = node.as_floating_point()) {
      value.kind = Value::Kind::real;
      value.real = real->get();
    } else if (const auto* const boolean = node.as_boolean()) {
      value.kind = Value::Kind::boolean;
      value.boolean = boolean->get();
    } else if (const auto* const list = node.as_array()) {
      value.kind = list->is_array_of_tables() ? Value::Kind::sections : Value::Kind::list;
      // The members of a nested list or section are of no interest: no key has such a type.
      for (const toml::node& item : *list)
        if (value.kind == Value::Kind::list) value.items.push_back(item.is_array() ? empty_list(item) : value_of(item));
    } else {
      value.kind = node.is_table() ? Value::Kind::section : Value::Kind::date;
    }
    return value;
  }

  static Value empty_list(const toml::node& node) {
    Value value;
    value.kind = Value::Kind::list;
    value.place = place_of(node.source().begin);
    return value;
  }

  std::string spelling(Place place) const {
    const std::string_view rest = text_.substr(byte_at(text_, place));
    return std::string(rest.substr(0, rest.find_first_of(" \t\r\n,]}#")));
  }

  std::string_view text_;
  Visitor& visitor_;
};

}  // namespace

std::optional<Fault> visit(std::string_view text, Visitor& visitor) {
  text = without_mark(text);
  if (auto fault = screen(text)) return fault;
  toml::table table;
  try {
    table = toml::parse(text);
  } catch (const toml::parse_error& error) {
    return explain_syntax(text, place_of(error.source().begin), error.description());
  }
  Walk(text, visitor).table(table, "");
  return std::nullopt;
}

}  // namespace windrow::deck
