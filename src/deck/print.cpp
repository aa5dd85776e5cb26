// The decks that Windrow writes: the effective one and the one to start from.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "deck/quote.hpp"
#include "deck/reader.hpp"
#include "deck/setting.hpp"
#include "deck/state.hpp"

namespace windrow::deck {
namespace {

constexpr std::size_t kWidth = 100;
constexpr std::size_t kWidestCode = 40;  ///< longer lines do not push the comments of the others to the right

// A line of a deck and the comment behind it.
struct Line {
  std::string code;
  std::string comment;
};

std::string own_name(const Key& key) {
  return key.section.empty() ? key.name : key.name.substr(key.section.size() + 1);
}

std::size_t comment_column(const std::vector<Line>& lines) {
  std::size_t column = 0;
  for (const Line& line : lines)
    if (line.code.size() <= kWidestCode && !line.comment.empty()) column = std::max(column, line.code.size());
  return column + 2;
}

std::string with_comment(const Line& line, std::size_t column) {
  if (line.comment.empty()) return line.code + '\n';
  // Behind a text of several lines a comment is hard to find.
  const bool fits = line.code.size() <= kWidestCode && line.code.find('\n') == std::string::npos;
  const std::size_t indent = fits ? column : 0;
  std::string text;
  for (const std::string& part : wrapped(line.comment, kWidth - 2 - indent)) {
    const std::string_view before = fits && text.empty() ? std::string_view(line.code) : "";
    text += fmt::format("{:<{}}# {}\n", before, indent, part);
  }
  return fits ? text : text + line.code + '\n';
}

std::string with_comments(const std::vector<Line>& lines) {
  std::string text;
  const std::size_t column = comment_column(lines);
  for (const Line& line : lines) text += with_comment(line, column);
  return text;
}

Line effective_line(const Key& key, const Entry& entry) {
  const std::string name = own_name(key);
  if (entry.literal.empty())
    return {fmt::format("# {}: {}", name, key.default_text.empty() ? "missing" : key.default_text), ""};
  std::vector<std::string> comments;
  if (!key.unit.empty()) comments.push_back(key.unit);
  if (!entry.given) comments.emplace_back("default");
  return {fmt::format("{} = {}", name, entry.literal), fmt::format("{}", fmt::join(comments, ", "))};
}

// What the code of a commented line does not show of the default.
std::string default_of(const Key& key) {
  if (key.required) return "required";
  if (!key.default_text.empty()) return "default: " + key.default_text;
  return key.example.empty() ? "" : "default: " + key.default_literal;
}

std::string sentence(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts)
    if (!part.empty()) text += (text.empty() ? "" : "; ") + part;
  return text;
}

std::string domain(const Key& key) {
  const bool has_domain = key.type == Key::Type::integer || key.type == Key::Type::choice ||
                          (key.type == Key::Type::number && !key.unit.empty());
  const std::string text = has_domain ? expected(key) : "";
  return text == "a whole number" ? "" : text;
}

Line commented_line(const Key& key) {
  const std::string code = fmt::format("{} = {}", own_name(key), example_literal(key));
  // A key with an example of its own is worth showing at work.
  return {key.required || !key.example.empty() ? code : "# " + code,
          sentence({key.help, domain(key), default_of(key)})};
}

// Written out, an optional section is there: it must then serve a purpose, which its required keys tell.
bool is_written_out(const Keys::State& state, const Section& section) {
  return section.present.empty() ||
         std::ranges::any_of(state.keys, [&](const Key& key) { return key.section == section.name && key.required; });
}

// The sections in order of declaration, each with its heading, from the line that `line_of` makes of a key.
template <typename LineOf>
std::string section_lines(const Keys::State& state, const Section& section, LineOf line_of) {
  std::vector<Line> lines;
  for (std::size_t i = 0; i < state.keys.size(); ++i)
    if (state.keys[i].section == section.name) lines.push_back(line_of(state.keys[i], state.entries[i]));
  return with_comments(lines);
}

std::string example_name(const Section& section, const Family* family) {
  if (family == nullptr) return section.name;
  return section.name.substr(0, section.name.size() - kAnyName.size()) + family->example;
}

}  // namespace

std::string effective(const Keys& keys) {
  const Keys::State& state = keys.state();
  std::string text;
  for (const Section& section : state.sections) {
    const bool is_absent = !section.present.empty() && !section.given;
    if (is_absent || section.family) continue;
    const std::string body = section_lines(state, section, effective_line);
    if (!section.name.empty()) text += fmt::format("{}[{}]\n", text.empty() ? "" : "\n", section.name);
    text += body;
  }
  return text;
}

std::string commented(const Keys& keys) {
  std::string text = "# A key that is commented out has its default.\n";
  for (const auto& [state, section, family] : documented(keys.state())) {
    const std::string body =
        section_lines(state, section, [](const Key& key, const Entry&) { return commented_line(key); });
    if (!section.name.empty()) {
      text += '\n';
      const std::string any = family == nullptr ? "" : fmt::format("[{}]: ", section.name);
      for (const std::string& line : wrapped(any + section.help, kWidth - 2))
        if (!line.empty()) text += fmt::format("# {}\n", line);
      text += fmt::format("{}[{}]\n", is_written_out(state, section) ? "" : "# ", example_name(section, family));
    }
    text += body;
  }
  return text;
}

}  // namespace windrow::deck
