#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "array/layout.hpp"
#include "deck/keys.hpp"
#include "io/input_dataset.hpp"
#include "job/job.hpp"

namespace windrow {

/// An array as every deck describes it: name, rows, cols, type, value; the only one of a job, or one of many, which may
/// also come from a file.
class ArrayKeys {
 public:
  /// Declares the section `section` with the keys of an array.
  void declare(deck::Keys& keys, const std::string& section);
  /// Declares the keys of one of many arrays, which its section gives its name (deck::Keys::family).
  void declare_member(deck::Keys& keys, const std::string& section, const std::string& name);
  /// Rejects a name that is none, and extents whose product is too large; opens the file of an array that has one.
  /// *Throws*: DeckError(io), on the calling rank, for a file that cannot be read.
  void check(deck::Keys& keys) const;

  [[nodiscard]] const std::string& name() const { return name_; }
  /// The expression; "" for an array from a file.
  [[nodiscard]] const std::string& value() const { return value_; }
  /// The array in its file; null for one from an expression. After check().
  [[nodiscard]] const io::InputDataset* dataset() const { return dataset_.get(); }
  /// `rows = "ranks"` is as many rows as ranks.
  [[nodiscard]] ArrayShape shape(int ranks) const;
  /// The same with what the deck says of it: what a job's needs() tells.
  [[nodiscard]] PlannedArray planned(int ranks) const;

 private:
  void declare_elements(deck::Keys& keys, std::optional<std::int64_t> default_rows, deck::TextOptions value);
  void check_source(deck::Keys& keys) const;
  [[nodiscard]] bool is_from_file() const { return !source_.path.empty(); }
  [[nodiscard]] ElementType type() const { return type_in_file_.value_or(type_); }

  std::string section_;
  std::string name_key_;  ///< what gives the array its name: a key, or its section
  std::string name_;
  std::int64_t rows_ = 0;
  std::int64_t cols_ = 0;
  ElementType type_ = ElementType::float64;
  std::string value_;
  io::InputSource source_;
  // What check() has found.
  mutable std::shared_ptr<const io::InputDataset> dataset_;
  mutable std::optional<ElementType> type_in_file_;  ///< if the deck does not ask for another
};

}  // namespace windrow
