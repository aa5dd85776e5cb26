#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "deck/document.hpp"
#include "deck/keys.hpp"
#include "deck/place.hpp"

namespace windrow::deck {

using Setting = std::variant<std::int64_t, double, std::string, bool, std::vector<std::string>, std::size_t>;
using Binding = std::variant<std::int64_t*, double*, std::string*, bool*, std::vector<std::string>*,
                             std::function<void(std::size_t)>>;

/// A declared key's variable and what the last read() found for it.
struct Entry {
  Binding binding;
  std::optional<Setting> default_setting;
  std::function<std::optional<TextFault>(const std::string&)> check{};
  bool given = false;
  std::size_t source = 0;  ///< number of the text in State::texts
  Place place{};
  std::vector<TextOrigin> origins{};  ///< of a text, or of the texts of a list
  std::string literal{};              ///< the value as a deck would write it; "" if nothing stands for it
};

struct Family {
  std::string example;  ///< a NAME
  Keys prototype;       ///< the keys of [family.NAME]
  std::function<void(Keys& keys, const std::string& section, const std::string& name)> add;
  std::function<void()> clear;
};

struct Section {
  std::string name;
  std::string help;
  std::vector<bool*> present{};  ///< not empty: the section is optional
  bool given = false;
  Place place{};                     ///< of its header; the deck's first character if the deck has none
  std::shared_ptr<Family> family{};  ///< of a section that stands for a family of them; it has no keys of its own
  bool is_member = false;            ///< of a family
};

/// A fault, and in which of State::texts. Of an unknown name the message is composed once it is sure to be told.
struct Finding {
  enum class Kind { fault, unknown_key, unknown_section };
  std::size_t source = 0;
  Place place{};
  std::string message{};  ///< the name, of an unknown one
  Kind kind = Kind::fault;
};

struct Keys::State {
  std::vector<Key> keys;       ///< in order of declaration
  std::vector<Entry> entries;  ///< one for each key
  std::vector<Section> sections{{"", ""}};
  std::string current;  ///< the section that declarations go to
  std::string deck_name;
  std::vector<std::string> texts{""};  ///< the deck, then the overrides
  std::vector<Finding> rejected;

  [[nodiscard]] std::optional<std::size_t> find(std::string_view name) const;
  [[nodiscard]] std::size_t number_of(std::string_view name) const;
  [[nodiscard]] Section* find_section(std::string_view name);
  [[nodiscard]] const Section& section_of(const Key& key) const;
  /// The family that a section of this name belongs to or would belong to, or null.
  [[nodiscard]] const Section* family_of(std::string_view section) const;
  /// Whether sections are declared below `name`: "arrays" of "arrays.u".
  [[nodiscard]] bool leads_to_section(std::string_view name) const;
  void declare(std::string name, Key key, Entry entry);
  /// Forgets the last deck: every variable has its default again, nothing is given, no family has members.
  void reset();
};

/// A section as the deck language has it, with the keys of `state` that name it.
struct DocumentedSection {
  const Keys::State& state;
  const Section& section;
  const Family* family = nullptr;  ///< not null: the section is [family.NAME]
};

/// The sections in order of declaration, a family once.
[[nodiscard]] std::vector<DocumentedSection> documented(const Keys::State& state);

void assign(const Binding& binding, const Setting& setting);

/// The place as a user is told it.
[[nodiscard]] Position position(const Keys::State& state, std::size_t source, Place place);

/// DeckError of findings, sorted by place; of very many only the first are told.
[[nodiscard]] DeckError deck_error(const Keys::State& state, std::vector<Finding> findings,
                                   const std::function<std::string(const Finding&)>& about_unknown = {});

}  // namespace windrow::deck
