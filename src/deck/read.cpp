#include <fmt/format.h>

#include <utility>

#include "deck/collect.hpp"
#include "deck/reader.hpp"
#include "deck/setting.hpp"
#include "deck/state.hpp"
#include "deck/unknown.hpp"

namespace windrow::deck {
namespace {

void take_texts(Keys::State& state, const Source& source) {
  state.deck_name = source.name;
  state.texts = {source.text};
  state.texts.insert(state.texts.end(), source.overrides.begin(), source.overrides.end());
}

// Sets the variable of key `number`; returns what is wrong instead.
std::optional<Finding> set(Keys::State& state, std::size_t number, const Collector::Given& given) {
  const Key& key = state.keys[number];
  Entry& entry = state.entries[number];
  auto result = interpret(key, given.value);
  if (auto* const fault = std::get_if<Fault>(&result)) return Finding{given.source, fault->place, fault->message};
  Reading& reading = std::get<Reading>(result);
  entry.given = true;
  entry.source = given.source;
  entry.place = given.value.place;
  entry.origins = std::move(reading.origins);
  entry.literal = literal(key, reading.setting);
  assign(entry.binding, reading.setting);
  const auto* const text = std::get_if<std::string>(&reading.setting);
  if (text == nullptr || !entry.check) return std::nullopt;
  const auto fault = entry.check(*text);
  if (!fault) return std::nullopt;
  const std::string_view document = without_mark(state.texts[given.source]);
  return Finding{given.source, place_in_text(document, entry.origins.front(), fault->offset), fault->message};
}

void find_missing(const Keys::State& state, const Collector& collector, std::vector<Finding>& findings) {
  for (const Key& key : state.keys) {
    const Section& section = state.section_of(key);
    const bool demanded = section.given || section.present.empty();
    if (!key.required || !demanded || collector.given().contains(key.name) || collector.is_replaced(key.section))
      continue;
    const std::string name = key.section.empty() ? key.name : key.name.substr(key.section.size() + 1);
    const std::string section_hint = section.given ? "" : fmt::format(", in a section [{}]", section.name);
    findings.push_back({0, section.place,
                        fmt::format("{} is missing{}{}; for example {} = {}{}", key.name, key.help.empty() ? "" : ": ",
                                    key.help, name, example_literal(key), section_hint)});
  }
}

// The deck's language as far as the job's name goes: the job decides about all other keys.
class JobKey {
 public:
  explicit JobKey(const Source& source) {
    keys_.text("job", job_, {.example = "populate", .help = "which job to run"});
    Keys::State& state = keys_.state();
    take_texts(state, source);
    state.reset();
    Collector collector(keys_);
    collector.collect();
    std::vector<Finding> findings;
    const auto given = collector.given().find("job");
    if (given == collector.given().end())
      find_missing(state, collector, findings);
    else if (auto finding = set(state, 0, given->second))
      findings.push_back(std::move(*finding));
    if (!findings.empty()) throw deck_error(state, std::move(findings));
  }

  [[nodiscard]] const std::string& job() const { return job_; }
  [[nodiscard]] Position where() const { return keys_.where("job"); }

 private:
  std::string job_;
  Keys keys_;
};

}  // namespace

std::string job_of(const Source& source) {
  return JobKey(source).job();
}

Position where_job(const Source& source) {
  return JobKey(source).where();
}

void read(const Source& source, Keys& keys, std::span<const std::string> known) {
  Keys::State& state = keys.state();
  take_texts(state, source);
  state.reset();
  Collector collector(keys);
  collector.collect();
  std::vector<Finding> findings = std::move(collector.findings());
  for (const auto& [name, given] : collector.given())
    if (auto finding = set(state, state.number_of(name), given)) findings.push_back(std::move(*finding));
  find_missing(state, collector, findings);
  for (const Section& section : state.sections)
    for (bool* const present : section.present) *present = section.given;
  if (!findings.empty())
    throw deck_error(state, std::move(findings),
                     [&](const Finding& finding) { return about_unknown(state, finding, known); });
}

}  // namespace windrow::deck
