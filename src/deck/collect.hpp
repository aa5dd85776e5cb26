#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "deck/document.hpp"
#include "deck/state.hpp"

namespace windrow::deck {

/// Gathers what the texts of the keys' state (the deck, then the overrides) give for the declared keys, and what is
/// wrong with their names and forms; of a key given several times the last value.
class Collector final : private Visitor {
 public:
  struct Given {
    std::size_t source = 0;
    Value value;
  };

  explicit Collector(Keys& keys) : keys_(keys), state_(keys.state()) {}

  /// *Throws* DeckError if the deck is no TOML.
  void collect();

  [[nodiscard]] const std::map<std::string, Given>& given() const { return given_; }
  [[nodiscard]] std::vector<Finding>& findings() { return findings_; }
  /// Whether something that is no section stands where the section should.
  [[nodiscard]] bool is_replaced(const std::string& section) const { return replaced_.contains(section); }

 private:
  bool enter(const std::string& name, Place place) override;
  bool wants(const std::string& name, Place place) override;
  void take(const std::string& name, Value value) override;

  void collect_override(const std::string& argument);
  void collect_bare(const std::string& argument, const Key& key, std::size_t byte);
  [[nodiscard]] bool is_section(const std::string& name);
  bool add_member(const Section& family, const std::string& section, Place place);
  [[nodiscard]] bool lacks_member(const std::string& name);
  bool add_member_with(const std::string& key, Place place);
  void note(Place place, std::string message, Finding::Kind kind = Finding::Kind::fault);

  Keys& keys_;
  Keys::State& state_;
  std::size_t source_ = 0;
  std::map<std::string, Given> given_;
  std::vector<Finding> findings_;
  std::set<std::string> replaced_;
};

}  // namespace windrow::deck
