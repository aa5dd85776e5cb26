#pragma once

#include <memory>
#include <string>
#include <vector>

#include "job/array_keys.hpp"
#include "job/deck_loading.hpp"
#include "job/job.hpp"

namespace windrow {

/// A job of the tests: one array, no work.
class SmallJob final : public Job {
 public:
  void declare(deck::Keys& keys) override { array_.declare(keys, "array"); }
  void check(deck::Keys& keys) const override { array_.check(keys); }
  JobNeeds needs(int ranks) const override {
    return {.arrays = {array_.planned(ranks)}, .tickets = 1, .block_records = ranks};
  }
  void run(Context&) override {}

 private:
  ArrayKeys array_;
};

inline LoadedDeck small_deck(const std::string& keys, std::vector<std::string> overrides = {}) {
  static constexpr JobEntry entry{"small", "an array and no work", make_job<SmallJob>};
  return load_deck({"d.toml", "job = 'small'\n" + keys, std::move(overrides)}, Registry(&entry, 1));
}

}  // namespace windrow
