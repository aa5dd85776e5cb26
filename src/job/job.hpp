#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "array/layout.hpp"
#include "array/panels.hpp"
#include "deck/keys.hpp"
#include "io/chart.hpp"
#include "io/input_dataset.hpp"

namespace windrow {

class Context;

/// What the axes and the colours of an array mean in a picture.
struct Drawing {
  io::ChartAxis x;  ///< along the columns
  io::ChartAxis y;  ///< down the rows
  io::ColourBar colours;
};

/// An array of a job, with the words that tell what it holds.
struct PlannedArray {
  ArrayShape shape;
  std::string description;
  std::string type_key = {};  ///< the key of the deck that sets its type; "" if none does
  /// Each element is stored once: what Context::fill_blocks fills may go to the file at once.
  bool is_final_when_filled = false;
  bool is_result = true;                ///< shown at the end, and written unless the deck says which are
  std::optional<Drawing> drawing = {};  ///< in a picture; default: rows, columns and its name
  /// If it passes through the window instead of being in it: rows of a panel.
  std::optional<std::int64_t> panel_rows = {};
  /// If its rows are samples, or numbers of samples: the extents of one.
  std::optional<Extents> sample = {};
  bool is_only_in_file = false;  ///< every rank writes rows there (Context::row_file) as it makes them

  /// Of what the end of a run shows: all of it, or its first sample.
  [[nodiscard]] ArrayShape shown_shape() const {
    return is_only_in_file ? ArrayShape{shape.name, shape.type, *sample} : shape;
  }
  [[nodiscard]] bool is_in_window() const { return !panel_rows && !is_only_in_file; }
  /// What there is of it in the windows of so many ranks.
  [[nodiscard]] ArrayShape in_window(int ranks) const {
    if (is_only_in_file) return {shape.name, shape.type, {0, shape.extents.cols}};
    if (!panel_rows) return shape;
    return {shape.name, shape.type, Panels::in_window(shape.extents, *panel_rows, ranks)};
  }
};

/// A number that a job finds.
struct PlannedScalar {
  std::string name;
  ElementType type = ElementType::float64;  ///< float64 or int64
};

/// What a job needs, known before it starts.
struct JobNeeds {
  std::vector<PlannedArray> arrays;
  std::vector<PlannedScalar> scalars = {};  ///< numbers
  std::vector<std::string> passes = {};     ///< over memory, for people: "1000 x 400: reads u; stores v; sum"
  std::int64_t tickets = 0;                 ///< ticket counters
  std::vector<RingShape> rings = {};        ///< of slots, each on every node
  std::string slots_key = {};               ///< the key of the deck that sets how many slots these have
  std::vector<PlannedArray> replicas = {};  ///< arrays that every node has whole
  std::int64_t rank_bytes = 0;              ///< memory of each rank besides the window
  std::int64_t block_records = 0;           ///< at most so many records of who filled which block go into the file
};

/// A job: its keys, what it needs, what it does. One object a run and rank; its members hold the values of its keys.
class Job {
 public:
  virtual ~Job() = default;

  /// Declares the keys of the job, bound to its members. Local.
  virtual void declare(deck::Keys& keys) = 0;

  /// Tells which arrays the deck wants written; none, if it leaves that to the job. Local, before check().
  virtual void ask_for(const std::vector<std::string>& arrays) { (void)arrays; }

  /// Whether its arrays can pass through memory, in panels, instead of being in it.
  [[nodiscard]] virtual bool can_stream() const { return false; }
  /// Has them do so or not, if it can: from now on needs() tells what that takes. `has_file` tells whether there is a
  /// file for them. Local, after check().
  virtual void stream(bool passes, bool has_file) { (void)passes, (void)has_file; }

  /// Whether its picture is what it gives to Context::bars(), and not of an array.
  [[nodiscard]] virtual bool draws_bars() const { return false; }

  /// Rejects, by Keys::reject, what no declaration can tell: expressions, products of extents. Local.
  virtual void check(deck::Keys& keys) const = 0;

  /// What check() has opened: the same on all ranks, but for files that hosts have each for themselves.
  [[nodiscard]] virtual std::vector<const io::InputDataset*> inputs() const { return {}; }

  /// What the job will need with so many ranks. Local, after check().
  [[nodiscard]] virtual JobNeeds needs(int ranks) const = 0;

  /// Does the work, in phases. *Collective over* the world. *Throws*: within a phase whatever a rank meets; outside,
  /// the same on all ranks.
  virtual void run(Context& context) = 0;
};

/// A row of the table of jobs.
struct JobEntry {
  std::string_view name;
  std::string_view summary;
  std::unique_ptr<Job> (*make)();
};

using Registry = std::span<const JobEntry>;

template <typename SomeJob>
std::unique_ptr<Job> make_job() {
  return std::make_unique<SomeJob>();
}

}  // namespace windrow
