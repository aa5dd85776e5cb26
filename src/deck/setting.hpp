#pragma once

#include <string>
#include <variant>
#include <vector>

#include "deck/document.hpp"
#include "deck/place.hpp"
#include "deck/state.hpp"

namespace windrow::deck {

/// A value in the type of its key, and where its texts stand.
struct Reading {
  Setting setting;
  std::vector<TextOrigin> origins{};
};

/// Reads a value as the key's type and checks its range.
[[nodiscard]] std::variant<Reading, Fault> interpret(const Key& key, const Value& value);

/// "a whole number of at least 1 (rows) or "ranks"".
[[nodiscard]] std::string expected(const Key& key);

/// "array.rows is 0".
[[nodiscard]] std::string found(const std::string& name, const Value& value);

/// The setting as a deck would write it, "" if nothing stands for it (a default out of range).
[[nodiscard]] std::string literal(const Key& key, const Setting& setting);

/// The key's example, or else its default, or else any value of its type and range, as a deck would write it.
[[nodiscard]] std::string example_literal(const Key& key);

}  // namespace windrow::deck
