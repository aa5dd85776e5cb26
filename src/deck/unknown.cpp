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
                          std::span<const std::string> known) {
  const auto is_at_or_below = [&](const std::string& section) {
    return section == name || section.starts_with(name + '.');
  };
  const auto other = sections_of(known);
  if (std::ranges::any_of(other, is_at_or_below)) return fmt::format("the section [{}] belongs to another job", name);
  std::string unknown = fmt::format("unknown section [{}]", shortened(name));
  const std::string near = nearest(name, declared);
  if (!near.empty()) return fmt::format("{}; did you mean [{}]?", unknown, near);
  const std::string far = nearest(name, other);
  if (far.empty()) return unknown;
  return fmt::format("{}; the nearest is [{}], which belongs to another job", unknown, far);
}

}  // namespace

std::string about_unknown(const Keys::State& state, const Finding& finding, std::span<const std::string> known) {
  std::vector<std::string> declared;
  if (finding.kind == Finding::Kind::unknown_section) {
    for (const Section& section : state.sections)
      if (!section.name.empty()) declared.push_back(section.name);
    return about_section(finding.message, declared, known);
  }
  for (const Key& key : state.keys) declared.push_back(key.name);
  return about_key(finding.message, declared, known);
}

}  // namespace windrow::deck
