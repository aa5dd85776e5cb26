#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "deck/keys.hpp"
#include "deck/reader.hpp"
#include "job/job.hpp"
#include "mpi/pages.hpp"

namespace windrow {

/// Whether arrays pass through memory instead of being in it.
enum class Streaming : std::uint8_t { never, automatic, always };

/// The keys that every job has, with their values.
struct CommonKeys {
  std::string job;
  std::string title;
  std::int64_t seed = 0;
  bool has_output = false;
  std::string output_file;
  std::vector<std::string> output_arrays;
  std::string picture;   ///< "" for none
  std::string timeline;  ///< likewise
  bool overwrite = false;
  bool durable = true;
  std::int64_t compression = 0;
  std::int64_t writers = 0;
  PageMode pages = PageMode::automatic;
  Streaming streaming = Streaming::never;

  /// The top level; and the sections, which come after those of the job.
  void declare_top_level(deck::Keys& keys);
  void declare_sections(deck::Keys& keys, const Job& of);
};

/// A deck that was read and found valid: the job with its keys set.
struct LoadedDeck {
  deck::Source source;
  std::unique_ptr<CommonKeys> common;
  std::unique_ptr<Job> job;
  deck::Keys keys;

  /// Has the arrays of the job pass through memory; before a plan is made. *Throws*: Error(usage), on the calling rank,
  /// where the deck wants what cannot be had then.
  void stream() const;

  /// The arrays of the job that go to the output: those named by the deck, or all its results.
  [[nodiscard]] std::vector<std::string> output_arrays() const;

  /// The array that the picture is of: the first of those that has two dimensions; "" if none has.
  [[nodiscard]] std::string drawn_array() const;
};

/// Declares the common keys and those of a job, with default values: for help, and for a deck to start from.
[[nodiscard]] LoadedDeck declare_deck(const JobEntry& entry);

/// The row of the table with this name, or null.
[[nodiscard]] const JobEntry* find_job(Registry registry, std::string_view name);

/// "unknown job 'X'; did you mean 'Y'?" with the names there are.
[[nodiscard]] std::string unknown_job(Registry registry, std::string_view name);

/// Reads a deck and checks all of it; the same on every rank for the same bytes. Local.
/// *Throws*: deck::DeckError with everything that is wrong.
[[nodiscard]] LoadedDeck load_deck(deck::Source source, Registry registry);

}  // namespace windrow
