#include "deck/collect.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "deck/quote.hpp"
#include "deck/setting.hpp"

namespace windrow::deck {
namespace {

bool is_textual(const Key& key) {
  return key.type == Key::Type::text || key.type == Key::Type::expression || key.type == Key::Type::choice;
}

bool starts_with_any(std::string_view text, std::string_view characters) {
  return !text.empty() && characters.find(text.front()) != std::string_view::npos;
}

// [a, b]: a list of bare words, which a shell leaves of ["a", "b"].
std::optional<Value> list_of_words(std::string_view argument, std::size_t byte) {
  const std::string_view text = trimmed(argument.substr(byte));
  if (!text.starts_with('[') || !text.ends_with(']')) return std::nullopt;
  Value list;
  list.kind = Value::Kind::list;
  list.place = place_of(argument, byte);
  const std::string_view inside = text.substr(1, text.size() - 2);
  for (std::size_t begin = 0; begin <= inside.size();) {
    const std::size_t end = std::min(inside.find(',', begin), inside.size());
    const std::string_view word = trimmed(inside.substr(begin, end - begin));
    if (!is_bare_key(word)) return std::nullopt;
    Value item;
    item.text = word;
    item.bare = true;
    item.place = place_of(argument, static_cast<std::size_t>(word.data() - argument.data()));
    list.items.push_back(std::move(item));
    begin = end + 1;
  }
  return list;
}

// Far more than any deck; names are searched one by one.
constexpr std::ptrdiff_t kMostMembers = 1000;

bool has_members_with(const Section& family, std::string_view key) {
  return family.family->prototype.state().find(fmt::format("{}.{}.{}", family.name, kAnyName, key)).has_value();
}

}  // namespace

void Collector::collect() {
  if (const auto fault = visit(state_.texts.front(), *this))
    throw deck_error(state_, {{0, fault->place, fault->message}});
  for (source_ = 1; source_ < state_.texts.size(); ++source_) collect_override(state_.texts[source_]);
}

bool Collector::enter(const std::string& name, Place place) {
  if (state_.find(name)) {
    Value value;
    value.kind = Value::Kind::section;
    value.place = place;
    take(name, std::move(value));
    return false;
  }
  const Section* const family = state_.family_of(name);
  if (family != nullptr && state_.find_section(name) == nullptr && !add_member(*family, name, place)) return false;
  if (Section* const section = state_.find_section(name)) {
    section->given = true;
    if (source_ == 0) section->place = place;
    return true;
  }
  if (state_.leads_to_section(name)) return true;
  note(place, name, Finding::Kind::unknown_section);
  return false;
}

bool Collector::wants(const std::string& name, Place place) {
  if (state_.find(name) || (is_section(name) && !lacks_member(name))) return true;
  note(place, name, Finding::Kind::unknown_key);
  return false;
}

void Collector::take(const std::string& name, Value value) {
  if (state_.find(name)) {
    given_.insert_or_assign(name, Given{source_, std::move(value)});
    return;
  }
  replaced_.insert(name);
  const Section* const section = state_.find_section(name);
  const bool is_family = section != nullptr && section->family;
  note(value.place, is_family ? fmt::format("{}; it must be sections: [{}.{}]", found(name, value), name, kAnyName)
                              : fmt::format("{}; it must be one section: [{}]", found(name, value), name));
}

bool Collector::is_section(const std::string& name) {
  return state_.find_section(name) != nullptr || state_.family_of(name) != nullptr || state_.leads_to_section(name);
}

// A section of a family comes into being when it is first named.
bool Collector::add_member(const Section& family, const std::string& section, Place place) {
  const std::string name = section.substr(family.name.size() + 1);
  if (!is_name(name)) {
    note(place, fmt::format("[{}] has no name: letters, digits and _, 64 at most, no digit first", shortened(section)));
    return false;
  }
  const std::shared_ptr<Family> its = family.family;
  const auto first = std::ranges::find(state_.sections, family.name, &Section::name) + 1;
  const auto end = std::ranges::find(first, state_.sections.end(), false, &Section::is_member);
  if (end - first == kMostMembers) {
    note(place, fmt::format("[{}]: more than {} sections [{}.{}]", section, kMostMembers, family.name, kAnyName));
    return false;
  }
  state_.sections.insert(end, {.name = section, .help = family.help, .is_member = true});
  keys_.section(section, "");
  its->add(keys_, section, name);
  keys_.top_level();
  return true;
}

// The section of a key, if it is one of a family that has such keys. False: the section's name is wrong.
bool Collector::add_member_with(const std::string& key, Place place) {
  const std::size_t dot = std::min(key.rfind('.'), key.size());
  const std::string section = key.substr(0, dot);
  const Section* const family = state_.family_of(section);
  if (family == nullptr || state_.find_section(section) != nullptr) return true;
  return !has_members_with(*family, key.substr(dot + 1)) || add_member(*family, section, place);
}

// [arrays] rows = 3: the key of a member in the section of its family.
bool Collector::lacks_member(const std::string& name) {
  const Section* const family = state_.family_of(name);
  return family != nullptr && state_.find_section(name) == nullptr &&
         has_members_with(*family, name.substr(family->name.size() + 1));
}

void Collector::note(Place place, std::string message, Finding::Kind kind) {
  findings_.push_back({source_, place, std::move(message), kind});
}

void Collector::collect_override(const std::string& argument) {
  if (const auto fault = screen(argument)) return note(fault->place, fault->message);
  const std::size_t equals = argument.find('=');
  if (equals == std::string::npos) return note({}, "not an override; write key=value");
  const std::string name(trimmed(std::string_view(argument).substr(0, equals)));
  const Place begin = place_of(argument, std::min(argument.find_first_not_of(" \t\r\n"), equals));
  if (name.empty()) return note(begin, "no key before '='; write key=value");
  const std::size_t byte = argument.find_first_not_of(" \t\r\n", equals + 1);
  if (!add_member_with(name, begin)) return;
  const auto number = state_.find(name);
  if (!number && !is_section(name)) return note(begin, name, Finding::Kind::unknown_key);
  if (byte == std::string::npos)
    return note(place_of(argument, equals + 1), "no value after '='; an empty text is written \"\"");
  if (!number && argument[byte] != '{')
    return note(begin, fmt::format("'{}' is a section; give one of its keys a value", name));
  if (number && !state_.keys[*number].section.empty()) state_.find_section(state_.keys[*number].section)->given = true;
  const bool is_toml = starts_with_any(std::string_view(argument).substr(byte), "\"'");
  if (number && is_textual(state_.keys[*number]) && !is_toml) return collect_bare(argument, state_.keys[*number], byte);
  const auto fault = visit(argument, *this);
  if (!fault) return;
  if (number && !is_toml && argument[byte] != '{') return collect_bare(argument, state_.keys[*number], byte);
  note(fault->place, fault->message);
}

// The value as bare text: what a text, an expression or a choice is given as, and what is no TOML.
void Collector::collect_bare(const std::string& argument, const Key& key, std::size_t byte) {
  if (key.type == Key::Type::list) {
    if (auto list = list_of_words(argument, byte)) return take(key.name, std::move(*list));
    if (argument[byte] == '[') return note(place_of(argument, byte), "not TOML: write the list as [\"a\", \"b\"]");
  }
  Value value;
  value.text = trimmed(std::string_view(argument).substr(byte));
  value.bare = true;
  value.place = place_of(argument, byte);
  take(key.name, std::move(value));
}

}  // namespace windrow::deck
