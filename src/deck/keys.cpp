#include "deck/keys.hpp"

#include <algorithm>

#include "deck/quote.hpp"
#include "deck/setting.hpp"
#include "deck/state.hpp"

namespace windrow::deck {

Keys::Keys() : state_(std::make_unique<State>()) {}
Keys::~Keys() = default;
Keys::Keys(Keys&&) noexcept = default;
Keys& Keys::operator=(Keys&&) noexcept = default;

void Keys::section(std::string name, std::string help, bool* present) {
  Section* section = state_->find_section(name);
  if (section == nullptr) section = &state_->sections.emplace_back(Section{name, std::move(help)});
  if (present != nullptr) {
    section->present.push_back(present);
    *present = false;
  }
  state_->current = std::move(name);
}

void Keys::declare_family(std::string name, FamilyOptions options, Members members) {
  if (state_->find_section(name) != nullptr || state_->find(name))
    throw Error(ExitStatus::internal, "the section [{}] is declared twice", name);
  auto family = std::make_shared<Family>(
      Family{std::move(options.example), Keys(), std::move(members.add), std::move(members.clear)});
  const std::string any = fmt::format("{}.{}", name, kAnyName);
  family->prototype.section(any, options.help);
  members.document(family->prototype, any, std::string(kAnyName));
  state_->sections.push_back({.name = std::move(name), .help = std::move(options.help), .family = std::move(family)});
}

void Keys::top_level() {
  state_->current.clear();
}

void Keys::integer(std::string name, std::int64_t& target, IntegerOptions options) {
  Entry entry{&target, {}};
  if (options.default_value) entry.default_setting = *options.default_value;
  state_->declare(std::move(name),
                  {.name = {},
                   .section = {},
                   .type = Key::Type::integer,
                   .minimum = options.minimum,
                   .maximum = options.maximum,
                   .words = std::move(options.words),
                   .default_text = std::move(options.default_text),
                   .unit = std::move(options.unit),
                   .example = std::move(options.example),
                   .help = std::move(options.help)},
                  std::move(entry));
}

void Keys::number(std::string name, double& target, NumberOptions options) {
  Entry entry{&target, {}};
  if (options.default_value) entry.default_setting = *options.default_value;
  state_->declare(std::move(name),
                  {.name = {},
                   .section = {},
                   .type = Key::Type::number,
                   .default_text = std::move(options.default_text),
                   .unit = std::move(options.unit),
                   .example = std::move(options.example),
                   .help = std::move(options.help)},
                  std::move(entry));
}

namespace {

Key text_key(Key::Type type, const TextOptions& options) {
  return {.name = {},
          .section = {},
          .type = type,
          .default_text = options.default_text,
          .example = options.example,
          .help = options.help};
}

Entry text_entry(std::string& target, TextOptions& options) {
  Entry entry{&target, {}};
  if (options.default_value) entry.default_setting = *options.default_value;
  entry.check = std::move(options.check);
  return entry;
}

}  // namespace

void Keys::text(std::string name, std::string& target, TextOptions options) {
  state_->declare(std::move(name), text_key(Key::Type::text, options), text_entry(target, options));
}

void Keys::expression(std::string name, std::string& target, TextOptions options) {
  state_->declare(std::move(name), text_key(Key::Type::expression, options), text_entry(target, options));
}

void Keys::boolean(std::string name, bool& target, BooleanOptions options) {
  state_->declare(std::move(name),
                  {.name = {}, .section = {}, .type = Key::Type::boolean, .help = std::move(options.help)},
                  {&target, options.default_value});
}

void Keys::list(std::string name, std::vector<std::string>& target, ListOptions options) {
  Entry entry{&target, {}};
  if (!options.required) entry.default_setting = std::vector<std::string>{};
  state_->declare(std::move(name),
                  {.name = {},
                   .section = {},
                   .type = Key::Type::list,
                   .default_text = std::move(options.default_text),
                   .example = std::move(options.example),
                   .help = std::move(options.help)},
                  std::move(entry));
}

void Keys::choice(std::string name, std::size_t& target, std::vector<Choice> choices, TextOptions options) {
  choice_as(
      std::move(name), [&target](std::size_t number) { target = number; }, std::move(choices), std::move(options));
}

void Keys::choice_as(std::string name, std::function<void(std::size_t)> assign, std::vector<Choice> choices,
                     TextOptions options) {
  Entry entry{std::move(assign), {}};
  if (options.default_value) {
    const auto found = std::ranges::find(choices, *options.default_value, &Choice::text);
    if (found == choices.end())
      throw Error(ExitStatus::internal, "the default \"{}\" of {} is none of its choices", *options.default_value,
                  name);
    entry.default_setting = static_cast<std::size_t>(found - choices.begin());
  }
  Key key = text_key(Key::Type::choice, options);
  key.choices = std::move(choices);
  state_->declare(std::move(name), std::move(key), std::move(entry));
}

bool Keys::given(std::string_view name) const {
  return state_->entries[state_->number_of(name)].given;
}

namespace {

std::pair<std::size_t, Place> locate(Keys::State& state, std::string_view name, std::optional<std::size_t> offset,
                                     std::optional<std::size_t> item) {
  if (const Section* const section = state.find_section(name)) return {0, section->place};
  const std::size_t number = state.number_of(name);
  const Entry& entry = state.entries[number];
  if (!entry.given) return {0, state.section_of(state.keys[number]).place};
  const std::size_t text = item.value_or(0);
  if ((!offset && !item) || text >= entry.origins.size()) return {entry.source, entry.place};
  const TextOrigin& origin = entry.origins[text];
  const bool begins_there = !offset && origin.first == 0;
  if (begins_there) return {entry.source, origin.start};
  return {entry.source, place_in_text(without_mark(state.texts[entry.source]), origin, offset.value_or(0))};
}

}  // namespace

Position Keys::where(std::string_view name, std::optional<std::size_t> offset, std::optional<std::size_t> item) const {
  const auto [source, place] = locate(*state_, name, offset, item);
  return position(*state_, source, place);
}

void Keys::reject(std::string_view name, std::string message, std::optional<std::size_t> offset,
                  std::optional<std::size_t> item) {
  const auto [source, place] = locate(*state_, name, offset, item);
  state_->rejected.push_back({source, place, std::move(message)});
}

void Keys::fail(std::string_view name, const Error& error) const {
  const auto [source, place] = locate(*state_, name, {}, {});
  throw DeckError(deck_error(*state_, {{source, place, error.what()}}).diagnostics(), error.status());
}

void Keys::throw_if_rejected() const {
  if (!state_->rejected.empty()) throw deck_error(*state_, state_->rejected);
}

std::vector<Key> Keys::declared() const {
  std::vector<Key> keys;
  for (const Key& key : state_->keys)
    if (!state_->section_of(key).is_member) keys.push_back(key);
  for (const Section& section : state_->sections)
    if (section.family) std::ranges::copy(section.family->prototype.declared(), std::back_inserter(keys));
  return keys;
}

}  // namespace windrow::deck
