#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "io/file_layout.hpp"
#include "io/output_file.hpp"
#include "job/context.hpp"
#include "job/deck_loading.hpp"
#include "job/plan.hpp"
#include "job/report.hpp"

namespace windrow {

/// Where the results of a run go: its file, its pictures, and what is shown. *Collective over* the world, all of it,
/// but for what says otherwise. *Throws*: what the calling rank has met, or AgreedError.
class Results {
 public:
  /// Of a deck and its plan as they are when the functions are called. `process_start_s` is of the steady clock. Local.
  Results(const Topology& topology, const LoadedDeck& deck, const Plan& plan, Report& report, double process_start_s)
      : topology_(topology), deck_(deck), plan_(plan), report_(report), process_start_s_(process_start_s) {}

  /// Finds out, before anything is computed, whether the file can be written, and makes its temporary.
  void reserve(const std::string& deck_path);
  /// Lays the file out.
  void begin();
  /// Gives each array of the file its writer. Local.
  void attach(Context& context);

  [[nodiscard]] bool has_file() const { return file_.has_value(); }
  [[nodiscard]] bool has_drawings() const { return !deck_.common->picture.empty() || !deck_.common->timeline.empty(); }
  /// Writes what is not written yet, with the report's results and phases so far, and gives the file its name.
  void write(Context& context);
  /// Pictures come last: the result is there, whatever becomes of them.
  void draw(Context& context);
  /// Has `announce` say what there is.
  void show(Context& context, const std::function<void(const std::string&)>& announce) const;

 private:
  [[nodiscard]] std::vector<io::ArrayBlocks> gather_blocks(Context& context) const;
  [[nodiscard]] io::FileSpec file_spec(std::vector<io::ArrayBlocks> blocks) const;
  [[nodiscard]] bool is_written_behind(const std::string& name) const;
  [[nodiscard]] std::string timeline(Context& context) const;
  [[nodiscard]] std::string bars(Context& context) const;
  [[nodiscard]] std::string title() const;
  [[nodiscard]] bool is_first() const { return topology_.world_rank() == 0; }

  const Topology& topology_;
  const LoadedDeck& deck_;
  const Plan& plan_;
  Report& report_;
  double process_start_s_;
  std::optional<io::OutputFile> file_;
};

}  // namespace windrow
