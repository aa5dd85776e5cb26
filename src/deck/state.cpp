#include "deck/state.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <tuple>
#include <type_traits>

#include "deck/quote.hpp"
#include "deck/setting.hpp"

namespace windrow::deck {
namespace {

constexpr std::size_t kMostFindings = 100;

std::string joined(const std::vector<Diagnostic>& diagnostics) {
  std::vector<std::string> lines;
  for (const auto& [where, message] : diagnostics)
    lines.push_back(fmt::format("{}:{}:{}: {}", where.source, where.line, where.column, message));
  return fmt::format("{}", fmt::join(lines, "\n"));
}

}  // namespace

DeckError::DeckError(std::vector<Diagnostic> diagnostics, ExitStatus status)
    : Error(status, joined(diagnostics)), diagnostics_(std::move(diagnostics)) {}

std::optional<std::size_t> Keys::State::find(std::string_view name) const {
  const auto found = std::ranges::find(keys, name, &Key::name);
  if (found == keys.end()) return std::nullopt;
  return static_cast<std::size_t>(found - keys.begin());
}

std::size_t Keys::State::number_of(std::string_view name) const {
  if (const auto number = find(name)) return *number;
  throw Error(ExitStatus::internal, "the key '{}' was not declared", name);
}

Section* Keys::State::find_section(std::string_view name) {
  const auto found = std::ranges::find(sections, name, &Section::name);
  return found == sections.end() ? nullptr : &*found;
}

const Section* Keys::State::family_of(std::string_view section) const {
  const auto is_its_family = [&](const Section& family) {
    if (!family.family || !section.starts_with(family.name + '.')) return false;
    const std::string_view member = section.substr(family.name.size() + 1);
    return member.starts_with('"') || member.find('.') == std::string_view::npos;
  };
  const auto found = std::ranges::find_if(sections, is_its_family);
  return found == sections.end() ? nullptr : &*found;
}

const Section& Keys::State::section_of(const Key& key) const {
  return *std::ranges::find(sections, key.section, &Section::name);
}

bool Keys::State::leads_to_section(std::string_view name) const {
  return std::ranges::any_of(sections, [&](const Section& section) {
    return section.name.size() > name.size() && section.name.starts_with(name) && section.name[name.size()] == '.';
  });
}

void Keys::State::declare(std::string name, Key key, Entry entry) {
  key.section = current;
  key.name = current.empty() ? std::move(name) : fmt::format("{}.{}", current, name);
  if (find(key.name)) throw Error(ExitStatus::internal, "the key '{}' is declared twice", key.name);
  key.required = !entry.default_setting;
  if (entry.default_setting) {
    assign(entry.binding, *entry.default_setting);
    if (key.default_text.empty()) key.default_literal = literal(key, *entry.default_setting);
    entry.literal = key.default_literal;
  }
  keys.push_back(std::move(key));
  entries.push_back(std::move(entry));
}

void Keys::State::reset() {
  rejected.clear();
  for (std::size_t i = keys.size(); i-- > 0;) {
    if (!section_of(keys[i]).is_member) continue;
    keys.erase(keys.begin() + static_cast<std::ptrdiff_t>(i));
    entries.erase(entries.begin() + static_cast<std::ptrdiff_t>(i));
  }
  std::erase_if(sections, [](const Section& section) { return section.is_member; });
  for (Section& section : sections) {
    if (section.family) section.family->clear();
    section.given = section.name.empty();
    section.place = {};
    for (bool* const present : section.present) *present = false;
  }
  for (std::size_t i = 0; i < entries.size(); ++i) {
    Entry& entry = entries[i];
    entry.given = false;
    entry.origins.clear();
    entry.literal = keys[i].default_literal;
    if (entry.default_setting) assign(entry.binding, *entry.default_setting);
  }
}

std::vector<DocumentedSection> documented(const Keys::State& state) {
  std::vector<DocumentedSection> all;
  for (const Section& section : state.sections) {
    if (section.is_member) continue;
    if (!section.family) {
      all.push_back({state, section});
      continue;
    }
    const Keys::State& prototype = section.family->prototype.state();
    all.push_back({prototype, prototype.sections.back(), section.family.get()});
  }
  return all;
}

void assign(const Binding& binding, const Setting& setting) {
  std::visit(
      [&](const auto& target) {
        using Target = std::decay_t<decltype(target)>;
        if constexpr (std::is_pointer_v<Target>)
          *target = std::get<std::remove_pointer_t<Target>>(setting);
        else
          target(std::get<std::size_t>(setting));
      },
      binding);
}

Position position(const Keys::State& state, std::size_t source, Place place) {
  return {source == 0 ? state.deck_name : "command line", place.line, place.column};
}

DeckError deck_error(const Keys::State& state, std::vector<Finding> findings,
                     const std::function<std::string(const Finding&)>& about_unknown) {
  std::ranges::stable_sort(findings, [](const Finding& a, const Finding& b) {
    return std::tie(a.source, a.place) < std::tie(b.source, b.place);
  });
  std::vector<Diagnostic> diagnostics;
  for (const Finding& finding : findings) {
    const Position where = position(state, finding.source, finding.place);
    if (diagnostics.size() == kMostFindings) {
      diagnostics.push_back({where, fmt::format("... and {} more", findings.size() - kMostFindings)});
      break;
    }
    std::string message = finding.kind == Finding::Kind::fault ? finding.message : about_unknown(finding);
    if (finding.source != 0) message += fmt::format(" (in '{}')", shortened(state.texts[finding.source]));
    diagnostics.push_back({where, std::move(message)});
  }
  return DeckError(std::move(diagnostics));
}

}  // namespace windrow::deck
