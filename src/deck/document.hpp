#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "deck/place.hpp"

namespace windrow::deck {

/// A value as a deck or an override gives it.
struct Value {
  enum class Kind { integer, real, boolean, text, list, section, sections, date };
  Kind kind = Kind::text;
  std::int64_t integer = 0;
  double real = 0.0;
  bool boolean = false;
  std::string text{};
  std::string spelling{};  ///< of numbers and dates, as written
  bool bare = false;       ///< a text without quotes, from the command line
  Place place{};
  std::vector<Value> items{};
};

/// What is wrong at a place of a document.
struct Fault {
  Place place;
  std::string message;
};

/// Is told the keys of a document, by their whole names ("array.rows", segments quoted where they must be).
class Visitor {
 public:
  virtual ~Visitor() = default;
  /// Whether the section's keys shall follow. `place` is its header, or the key that creates it.
  virtual bool enter(const std::string& name, Place place) = 0;
  /// Whether the value of the key at `place` shall follow.
  virtual bool wants(const std::string& name, Place place) = 0;
  virtual void take(const std::string& name, Value value) = 0;
};

/// Parses a TOML document and tells `visitor` what it holds. Returns the first fault of syntax instead, having told
/// nothing. *Cost*: microseconds for a deck; linear in the length.
[[nodiscard]] std::optional<Fault> visit(std::string_view text, Visitor& visitor);

/// What a parser should not be given: bytes that are no UTF-8 text, NUL, keys of very many segments, values of very
/// many levels (each is a level of recursion, a segment when the document is freed).
[[nodiscard]] std::optional<Fault> screen(std::string_view text);

/// A fault of syntax in the words of a deck's author: `description` is the parser's message.
[[nodiscard]] Fault explain_syntax(std::string_view text, Place place, std::string_view description);

}  // namespace windrow::deck
