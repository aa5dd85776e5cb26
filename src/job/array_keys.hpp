#pragma once

#include <cstdint>
#include <string>

#include "array/layout.hpp"
#include "deck/keys.hpp"
#include "job/job.hpp"

namespace windrow {

/// An array as every deck describes it: name, rows, cols, type, value; the only one of a job, or one of many.
class ArrayKeys {
 public:
  /// Declares the section `section` with the keys of an array.
  void declare(deck::Keys& keys, const std::string& section);
  /// Declares the keys of one of many arrays, which its section gives its name (deck::Keys::family).
  void declare_member(deck::Keys& keys, const std::string& section, const std::string& name);
  /// Rejects a name that is none, and extents whose product is too large.
  void check(deck::Keys& keys) const;

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::string& value() const { return value_; }
  /// `rows = "ranks"` is as many rows as ranks.
  [[nodiscard]] ArrayShape shape(int ranks) const;
  /// The same with what the deck says of it: what a job's needs() tells.
  [[nodiscard]] PlannedArray planned(int ranks) const;

 private:
  void declare_elements(deck::Keys& keys, deck::TextOptions value);

  std::string section_;
  std::string name_key_;  ///< what gives the array its name: a key, or its section
  std::string name_;
  std::int64_t rows_ = 0;
  std::int64_t cols_ = 0;
  ElementType type_ = ElementType::float64;
  std::string value_;
};

}  // namespace windrow
