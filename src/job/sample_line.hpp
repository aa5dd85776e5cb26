#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "array/replicated_array.hpp"
#include "array/slot_stream.hpp"
#include "expr/sample_run.hpp"
#include "expr/script.hpp"
#include "io/input_dataset.hpp"
#include "job/context.hpp"
#include "job/job.hpp"

namespace windrow {

/// What a job does with samples: where they come from, the stages that they go through, what becomes of them.
struct SampleWork {
  std::int64_t count = 0;
  ElementType type = ElementType::float64;  ///< of a sample
  Extents extents;
  std::string value;                          ///< an expression; "" if samples come from a file
  const io::InputDataset* dataset = nullptr;  ///< of samples
  std::vector<std::string> stages;            ///< expressions of x and k
  std::string number = {};                    ///< one more, which gives a number; "": what the last stage gives is kept
  std::vector<ArrayShape> tables = {};        ///< arrays that the expressions can use, whole on every node
};

/// Stages that follow each other and are done by the same ranks: together, with nothing stored between them.
struct SamplePart {
  RowRange stages;         ///< numbers of them
  bool has_input = false;  ///< its script's first array is what it goes on with
  bool is_last = false;
  expr::Script script = {};
  ElementType type = ElementType::float64;  ///< of what it gives, unless that is a number
  Extents extents = {};

  [[nodiscard]] std::int64_t bytes() const { return extents.bytes(type); }
};

/// The work in so many parts, at most one a stage. *Cost*: microseconds a stage. *Throws*: expr::StatementError, on the
/// calling rank: its statement is the number of an expression of the part, the samples' own included.
[[nodiscard]] std::vector<SamplePart> divide(const SampleWork& work, int parts);

/// The ranks of a node as a line through which the node's samples go: each rank does all stages of whole samples, or
/// ranks stand one behind the other, in groups as equal as can be, and hand samples on.
class SampleLine {
 public:
  enum class Split { samples, stages };
  enum class Transport { slots, messages };
  struct Options {
    Split split = Split::samples;
    Transport transport = Transport::slots;
    std::int64_t slots = 3;         ///< between two groups
    bool helps = true;              ///< with slots, a rank that waits for samples makes some itself meanwhile
    std::int64_t chunk = 1;         ///< samples that a rank draws at a time
    std::int64_t patience_s = 600;  ///< how long a rank waits for one of another part, until it ends the run
  };

  /// Where the results go: a number of each sample into an array of the window, or all of it into a file.
  struct Results {
    SharedArray* array = nullptr;         ///< with a row a sample, in the window if it takes numbers
    io::RowFile* file = nullptr;          ///< if it does not
    Context::ShownRows* shown = nullptr;  ///< likewise: of the first sample
  };

  /// What it takes on as many ranks.
  static void add_needs(JobNeeds& needs, const SampleWork& work, const Options& options, int ranks);

  /// *Collective over* the node, in a phase; made once. `tables` are those of the work. *Throws*: Error(resources), on
  /// the calling rank; PeerFailure.
  SampleLine(Context& context, const SampleWork& work, const Options& options,
             std::span<const std::byte* const> tables);
  SampleLine(const SampleLine&) = delete;
  SampleLine& operator=(const SampleLine&) = delete;

  /// Has this node's samples go through: those whose rows it has of an array of a row a sample. *Collective over* the
  /// node, in the same phase. *Throws*: Error, on the calling rank, telling stage and sample; PeerFailure.
  void run(const Results& results);

  /// What was not finite of what this rank has kept.
  [[nodiscard]] kernel::NotFinite not_finite() const { return not_finite_; }
  /// Lines on which ranks did what, and how long they waited for each other. *Collective over* the world, right after
  /// an agreement.
  [[nodiscard]] std::vector<std::string> remarks() const;

 private:
  /// What a rank does with a sample.
  struct Worker {
    Worker(SamplePart its_part, expr::Bindings bindings, std::span<const std::byte* const> tables);
    SamplePart part;
    expr::SampleRun run;
  };

  void connect();
  void take_all(const Results& results);
  bool draw(const Results& results);
  void process(Worker& worker, std::int64_t sample, const Results& results);
  void compute(Worker& worker, std::int64_t sample, std::optional<BorrowedSlot>& slot, const Results& results) const;
  void store_number(std::int64_t sample, std::int64_t lane, SharedArray& numbers);
  [[nodiscard]] const SamplePart& part() const { return parts_[static_cast<std::size_t>(number_)]; }
  [[nodiscard]] std::string stage_text(const SamplePart& part) const;
  [[nodiscard]] int part_of(int node_rank) const;
  [[nodiscard]] Deadline deadline() const;
  /// Ends a wait in which nothing has come from the part that is so much further on.
  [[noreturn]] void give_up(int further, const std::string& what) const;

  Context* context_;
  const SampleWork* work_;
  Options options_;
  std::vector<SamplePart> parts_;
  int number_;                     ///< of this rank's part
  std::optional<Worker> goes_on_;  ///< with what the part before has given
  std::optional<Worker> begins_;   ///< with the samples themselves, to the end of the part
  TicketCounter counter_;
  RowRange samples_;                  ///< of the node
  std::optional<std::int64_t> last_;  ///< sample that this rank has had
  std::int64_t begun_ = 0;            ///< samples that this rank has begun with
  std::unique_ptr<SlotStream> in_;
  std::unique_ptr<SlotStream> out_;
  std::vector<std::byte> read_;  ///< a sample from the dataset
  kernel::NotFinite not_finite_;
};

}  // namespace windrow
