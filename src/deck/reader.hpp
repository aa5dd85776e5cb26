#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "deck/keys.hpp"

namespace windrow::deck {

/// A deck as it was given: the bytes of the file and the overrides of the command line.
struct Source {
  std::string name;  ///< path as given, or "<stdin>"
  std::string text;
  std::vector<std::string> overrides;  ///< "key=value", in the order given; the last one wins
};

/// Reads the deck file at `path` ("-": standard input, which can be read once), of 1 MiB at most. *Throws*
/// Error(usage), on the calling rank.
[[nodiscard]] Source load(const std::string& path, std::vector<std::string> overrides);

/// The job that a deck names, before its keys are known. *Throws* DeckError: syntax, no job, or not a text.
[[nodiscard]] std::string job_of(const Source& source);
/// Where the deck names its job.
[[nodiscard]] Position where_job(const Source& source);

/// Parses the deck, applies the overrides and sets the variables bound to `keys`. `known` are the names of all keys of
/// the deck language, from which the nearest is offered for an unknown one.
/// *Cost*: some 10 microseconds. *Throws* DeckError with everything that is wrong at once (of TOML syntax errors, the
/// first; of very many errors the first hundred), on the calling rank.
void read(const Source& source, Keys& keys, std::span<const std::string> known);

/// The deck with every key and its value, itself a valid deck that reads back to the same values. Optional sections
/// that the deck does not have are left out; a key whose absence has a meaning of its own is named in a comment.
[[nodiscard]] std::string effective(const Keys& keys);

/// A commented deck to start from: every key, its help, its default; keys without an example that have a
/// default are commented out.
[[nodiscard]] std::string commented(const Keys& keys);

/// The table of `windrow help JOB`: key, type, default, unit, help.
[[nodiscard]] std::string help(const Keys& keys);

/// The same as Markdown, for docs/deck.md.
[[nodiscard]] std::string markdown(const Keys& keys);

/// The word of `known` that is nearest to `word`, or "" if none is near: about one slip of the finger in two letters,
/// three at most, in each segment of a dotted name; or the right last segment below another section.
[[nodiscard]] std::string nearest(std::string_view word, std::span<const std::string> known);

}  // namespace windrow::deck
