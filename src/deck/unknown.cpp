#include "deck/unknown.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "deck/quote.hpp"
#include "deck/reader.hpp"

namespace windrow::deck {
namespace {

std::string section_in(const std::string& name) {
  const std::size_t dot = name.rfind('.');
  return dot == std::string::npos ? "" : name.substr(0, dot);
}

bool holds(std::span<const std::string> names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

// A name of the deck language as it is called here: of [arrays.NAME] the very NAME that stands at its place in `name`.
std::string called_here(const std::string& pattern, std::string_view name) {
  const std::size_t at = pattern.find(fmt::format(".{}", kAnyName));
  if (at == std::string::npos || std::ranges::count(pattern, '.') != std::ranges::count(name, '.')) return pattern;
  const auto dots = std::ranges::count(std::string_view(pattern).substr(0, at), '.');
  for (std::ptrdiff_t i = 0; i <= dots; ++i) name.remove_prefix(name.find('.') + 1);
  return fmt::format("{}.{}{}", pattern.substr(0, at), name.substr(0, name.find('.')),
                     pattern.substr(at + 1 + kAnyName.size()));
}

std::vector<std::string> called_here(std::span<const std::string> patterns, std::string_view name) {
  std::vector<std::string> names;
  for (const std::string& pattern : patterns) names.push_back(called_here(pattern, name));
  return names;
}

std::string about_key(const std::string& name, std::span<const std::string> declared,
                      std::span<const std::string> known) {
  if (holds(known, name)) return fmt::format("the key '{}' belongs to another job", name);
  std::string unknown = fmt::format("unknown key '{}'", shortened(name));
  const std::string near = nearest(name, declared);
  if (!near.empty()) {
    const bool is_above = section_in(near).empty() && !section_in(name).empty();
    return fmt::format("{}; did you mean '{}'{}?", unknown, near,
                       is_above ? ", which stands at the top of the deck, before any section" : "");
  }
  const std::string far = nearest(name, known);
  if (far.empty()) return unknown;
  return fmt::format("{}; the nearest is '{}', which belongs to another job", unknown, far);
}

std::vector<std::string> sections_of(std::span<const std::string> keys) {
  std::vector<std::string> sections;
  for (const std::string& key : keys)
    if (std::string section = section_in(key); !section.empty() && !holds(sections, section))
      sections.push_back(std::move(section));
  return sections;
}

std::string about_section(const std::string& name, std::span<const std::string> declared,
                          std::span<const std::string> other) {
  const auto is_at_or_below = [&](const std::string& section) {
    return section == name || section.starts_with(name + '.');
  };
  const bool is_of_another = std::ranges::any_of(other, is_at_or_below);
  std::string unknown = is_of_another ? fmt::format("the section [{}] belongs to another job", name)
                                      : fmt::format("unknown section [{}]", shortened(name));
  const std::string near = nearest(name, declared);
  if (!near.empty()) return fmt::format("{}; did you mean [{}]?", unknown, near);
  if (is_of_another) return unknown;
  const std::string far = nearest(name, other);
  if (far.empty()) return unknown;
  return fmt::format("{}; the nearest is [{}], which belongs to another job", unknown, far);
}

}  // namespace

std::string about_unknown(const Keys::State& state, const Finding& finding, std::span<const std::string> known) {
  const std::string& name = finding.message;
  std::vector<std::string> sections;
  std::vector<std::string> keys;
  for (const Section& section : state.sections)
    if (section.family) sections.push_back(section.name);
  for (const auto& [its_state, section, family] : documented(state)) {
    if (!section.name.empty()) sections.push_back(section.name);
    for (const Key& key : its_state.keys)
      if (key.section == section.name) keys.push_back(key.name);
  }
  if (finding.kind == Finding::Kind::unknown_section)
    return about_section(name, called_here(sections, name), called_here(sections_of(known), name));
  return about_key(name, called_here(keys, name), called_here(known, name));
}

}  // namespace windrow::deck
