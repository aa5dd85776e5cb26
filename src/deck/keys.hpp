#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.hpp"

namespace windrow::deck {

/// A place in a deck or on the command line; line and column count from 1.
struct Position {
  std::string source;  ///< the deck's path as given, "<stdin>", or "command line"
  std::int64_t line = 1;
  std::int64_t column = 1;
};

struct Diagnostic {
  Position where;
  std::string message;
};

/// Everything that is wrong with a deck, or with what it names, one `FILE:LINE:COL: message` a line.
class DeckError : public Error {
 public:
  explicit DeckError(std::vector<Diagnostic> diagnostics, ExitStatus status = ExitStatus::usage);
  [[nodiscard]] const std::vector<Diagnostic>& diagnostics() const noexcept { return diagnostics_; }

 private:
  std::vector<Diagnostic> diagnostics_;
};

/// A whole number may be given by a word that stands for it: rows = "ranks".
struct Word {
  std::string text;
  std::int64_t value = 0;
};

// In all options `example` is the bare value (populate.h5, offset, 2000, ranks): quotes are added where TOML wants
// them. `default_text` names a default in words ("one-dimensional"): the key then counts as absent where it is not
// given, and default_value may be anything, a value out of range too.

struct IntegerOptions {
  std::optional<std::int64_t> default_value{};  ///< none: the key must be given
  std::int64_t minimum = std::numeric_limits<std::int64_t>::min();
  std::int64_t maximum = std::numeric_limits<std::int64_t>::max();
  std::vector<Word> words{};
  std::string default_text{};
  std::string unit{};
  std::string example{};  ///< what `windrow deck` writes; default: the default
  std::string help{};
};

/// A real number; a whole one is one too, infinities and NaN are none.
struct NumberOptions {
  std::optional<double> default_value{};  ///< none: the key must be given
  std::string default_text{};
  std::string unit{};
  std::string example{};
  std::string help{};
};

/// What is wrong with a text value, and at which of its characters.
struct TextFault {
  std::size_t offset = 0;
  std::string message;
};

struct TextOptions {
  std::optional<std::string> default_value{};  ///< none: the key must be given
  std::string default_text{};
  std::string example{};
  std::string help{};
  /// Looks into a text that the deck gives, so that its faults are told together with all others: is it an expression?
  std::function<std::optional<TextFault>(const std::string& value)> check{};
};

struct BooleanOptions {
  bool default_value = false;
  std::string help{};
};

struct ListOptions {
  bool required = false;       ///< the key must be given, with an item at least
  std::string default_text{};  ///< what an absent list means
  std::string example{};       ///< one item, or a whole list: ["v", "w"]
  std::string help{};
};

struct Choice {
  std::string text;
  std::string help{};
};

struct FamilyOptions {
  std::string help{};
  std::string example{};  ///< the NAME that `windrow deck` writes
};

/// One declared key: what errors, help and documents tell about it.
struct Key {
  enum class Type { integer, number, text, expression, boolean, list, choice };
  std::string name;     ///< whole: "array.rows"
  std::string section;  ///< "array"; "" at the top level
  Type type = Type::text;
  bool required = false;
  std::int64_t minimum = std::numeric_limits<std::int64_t>::min();
  std::int64_t maximum = std::numeric_limits<std::int64_t>::max();
  std::vector<Word> words{};
  std::vector<Choice> choices{};
  std::string default_literal{};  ///< the default as a deck would write it; "" if there is none
  std::string default_text{};     ///< the default in words, "" if the literal tells it
  std::string unit{};
  std::string example{};
  std::string help{};
};

/// The keys that a deck may hold: parser, errors, `help`, `deck` and docs/deck.md all come from these declarations.
/// A declaration binds the key to a variable, which must outlive the Keys and holds the default until read() sets it.
class Keys {
 public:
  Keys();
  ~Keys();
  Keys(Keys&&) noexcept;
  Keys& operator=(Keys&&) noexcept;

  /// Opens a section: the keys declared next have names that begin with `name` and a dot. `present`, if not null, tells
  /// whether the deck has the section; the keys of an optional section that is absent are not demanded.
  void section(std::string name, std::string help, bool* present = nullptr);
  /// Declares a family of sections, `[name.NAME]` for each NAME that the deck gives: letters, digits and _, 64 at most,
  /// no digit first. Each is one of `members`, in the order of the deck, and has the keys that its
  /// Member::declare_member(keys, section, NAME) declares in the section that is then open.
  template <typename Member>
  void family(const std::string& name, std::deque<Member>& members, const FamilyOptions& options) {
    const auto prototype = std::make_shared<Member>();
    declare_family(
        name, options,
        {.document = [prototype](Keys& keys, const std::string& section,
                                 const std::string& member) { prototype->declare_member(keys, section, member); },
         .add = [&members](Keys& keys, const std::string& section,
                           const std::string& member) { members.emplace_back().declare_member(keys, section, member); },
         .clear = [&members] { members.clear(); }});
  }
  /// Back to the top level of the deck.
  void top_level();

  /// *Throws* (all declarations): Error(internal) for a name declared twice or a default that is no choice.
  void integer(std::string name, std::int64_t& target, IntegerOptions options);
  void number(std::string name, double& target, NumberOptions options);
  void text(std::string name, std::string& target, TextOptions options);
  /// Text that is an expression; a bare number is one too.
  void expression(std::string name, std::string& target, TextOptions options);
  void boolean(std::string name, bool& target, BooleanOptions options);
  /// A list of texts; one text of several lines is a list too, an item a line.
  void list(std::string name, std::vector<std::string>& target, ListOptions options);
  /// One of some words; `target` receives the number of the word in `choices`.
  void choice(std::string name, std::size_t& target, std::vector<Choice> choices, TextOptions options);

  /// Declares an enumeration whose enumerators are numbered as `choices` is.
  template <typename Enumeration>
  void choice(const std::string& name, Enumeration& target, const std::vector<Choice>& choices,
              const TextOptions& options) {
    choice_as(
        name, [&target](std::size_t number) { target = static_cast<Enumeration>(number); }, choices, options);
  }

  /// Whether the deck or the command line gave the key, and where its value stands (where the section or the deck
  /// begins, if nobody gave it): `item` is the number of a text in a list, `offset` that of a character in a text.
  /// Without them it is where the list or the text begins, with its bracket or its quote. The name may be that of a
  /// section. *Throws* Error(internal) for a name that was not declared.
  [[nodiscard]] bool given(std::string_view name) const;
  [[nodiscard]] Position where(std::string_view name, std::optional<std::size_t> offset = {},
                               std::optional<std::size_t> item = {}) const;

  /// Notes that the value of a key is wrong, for what only its owner can check (a product of extents, a name of another
  /// key). The place is that of where().
  void reject(std::string_view name, std::string message, std::optional<std::size_t> offset = {},
              std::optional<std::size_t> item = {});
  /// *Throws* DeckError with an error about what the value of a key names, a file for instance, and its exit status.
  [[noreturn]] void fail(std::string_view name, const Error& error) const;
  /// *Throws* DeckError with all that was rejected, if anything was.
  void throw_if_rejected() const;

  /// All keys, those of a family once, with NAME in their names.
  [[nodiscard]] std::vector<Key> declared() const;

  struct State;  ///< known to src/deck only
  [[nodiscard]] State& state() { return *state_; }
  [[nodiscard]] const State& state() const { return *state_; }

 private:
  using DeclareMember = std::function<void(Keys& keys, const std::string& section, const std::string& name)>;
  struct Members {
    DeclareMember document;       ///< declares the keys of no member in particular
    DeclareMember add;            ///< makes a member and declares its keys
    std::function<void()> clear;  ///< removes all members
  };
  void declare_family(std::string name, FamilyOptions options, Members members);
  void choice_as(std::string name, std::function<void(std::size_t)> assign, std::vector<Choice> choices,
                 TextOptions options);
  std::unique_ptr<State> state_;
};

}  // namespace windrow::deck
