#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "array/blocks.hpp"
#include "array/replicated_array.hpp"
#include "array/shared_array.hpp"
#include "expr/evaluator.hpp"
#include "io/file_spec.hpp"
#include "io/group_writer.hpp"
#include "io/input_dataset.hpp"
#include "io/picture.hpp"
#include "io/row_file.hpp"
#include "job/job.hpp"
#include "job/progress.hpp"
#include "job/report.hpp"

namespace windrow {

/// How long this rank was at work in a phase, and the bytes that all ranks moved in it.
struct PhaseTime {
  std::string name;
  double seconds = 0.0;
  std::int64_t bytes = 0;  ///< 0 where a rate means nothing
};

/// What a job runs in: its arrays, its counters, its phases. One a rank.
class Context {
 public:
  struct Options {
    std::int64_t seed = 0;
    Progress* progress = nullptr;  ///< on world rank 0 only
    double run_start_s = 0.0;      ///< of this rank's steady clock
  };

  Context(NodeMemory& memory, const JobNeeds& needs, Options options);

  [[nodiscard]] const Topology& topology() const { return memory_->topology(); }
  [[nodiscard]] NodeMemory& memory() { return *memory_; }
  /// An array of the job's needs. *Throws*: Error(internal) for a name that is not among them.
  [[nodiscard]] SharedArray& array(std::string_view name);

  /// An array that every node has whole, by its number among the job's needs.
  [[nodiscard]] ReplicatedArray& replica(std::size_t number) { return replicas_.at(number); }
  /// The slots that the job said it needs, by their number.
  [[nodiscard]] const RingShape& ring(std::int64_t number) const { return rings_.at(static_cast<std::size_t>(number)); }

  /// A ticket counter that nobody has drawn from; as many times as the job said that it needs one.
  [[nodiscard]] TicketCounter fresh_counter();

  /// What the job has said of it before. *Throws*: likewise.
  [[nodiscard]] const PlannedArray& planned(std::string_view name) const { return entry(name).planned; }

  /// Has the rows of an array that passes through the window go to a file; on leaders.
  void write_rows(std::string_view name, io::RowFile& file) { entry(name).row_file = &file; }
  /// Null for an array that is not written.
  [[nodiscard]] io::RowFile* row_file(std::string_view name) const { return entry(name).row_file; }
  /// Of an array that is not in the window: its elements that are to be shown, row by row, as far as they are this
  /// node's, on leaders; or of its first sample, on the rank that has made it. Others are shown from the window.
  using ShownRows = std::map<std::int64_t, std::vector<std::byte>>;
  [[nodiscard]] ShownRows& shown_rows(std::string_view name) { return entry(name).shown_rows; }

  /// Has what fill_blocks() fills of an array written at once. *Throws*: Error(internal), on the calling rank, for an
  /// array that array() has not returned.
  void write_behind(SharedArray& array, io::GroupWriter& writer);

  /// The expression with its variables bound to an array and this rank. *Throws*: expr::ExpressionError.
  [[nodiscard]] expr::Evaluator evaluator(const SharedArray& array, const std::string& expression) const;
  /// The bindings of this rank to a domain of those extents, without inputs.
  [[nodiscard]] expr::Bindings bindings(const Extents& extents, std::vector<std::string> streams) const;

  /// Runs a part of the job, timed. *Collective over* the world: whatever any rank throws in `body` is thrown by all
  /// at its end, as the same AgreedError. Of several parts of one name in a row the times are added. `bytes` is what
  /// all ranks move together, for the rate and the progress.
  void phase(const std::string& name, std::int64_t bytes, const std::function<void()>& body);

  /// The same for a part that agrees by itself, in steps; its time is that of the whole. `node_bytes` is what the ranks
  /// of this node will tell advance() of.
  void collective_phase(const std::string& name, std::int64_t bytes, std::int64_t node_bytes,
                        const std::function<void()>& body);

  /// Fills the blocks that this rank is handed, and keeps the record of it. Within a phase. An error in `fill` is told
  /// with the block. *Throws*, on the calling rank: what `fill` throws; Error(internal) for an array that array() has
  /// not returned; PeerFailure when another rank of the node has failed.
  using FillPiece = std::function<void(const BlockId& block, const Piece& piece)>;
  void fill_blocks(SharedArray& array, BlockSchedule& blocks, const FillPiece& fill);
  void fill_blocks(SharedArray& array, BlockSchedule& blocks, expr::Evaluator& value);
  /// The same for rows that take longer to compute than to send: blocks to which a node does not come go to idle ranks
  /// of other nodes, which compute each as one piece. With a fixed schedule none does. *Cost*: on each rank, memory for
  /// two blocks. *Throws* likewise.
  void share_blocks(SharedArray& array, BlockSchedule& blocks, const FillPiece& fill);

  /// Fills the row block of this rank. Within a phase.
  void fill(SharedArray& array, expr::Evaluator& value);
  /// Reads it from a file. Within a phase. *Throws*: Error(io), on the calling rank.
  void read(SharedArray& array, const io::InputDataset& dataset);
  /// The share of this rank of an array that every node has whole: from a file, or else from an expression. Within a
  /// phase. *Throws*: likewise.
  void fill(ReplicatedArray& array, const io::InputDataset* dataset, const std::string& value);

  [[nodiscard]] const std::vector<PhaseTime>& phases() const { return phases_; }
  /// What this rank filled, in order; *cost* of the record: 40 bytes a block.
  [[nodiscard]] const std::vector<io::BlockRecord>& blocks_of(std::string_view array) const;

  /// A number that the job has found and said before that it would; the same on all ranks.
  void result(ScalarResult result) { results_.push_back(std::move(result)); }
  [[nodiscard]] const std::vector<ScalarResult>& results() const { return results_; }
  /// What is not finite of an array that the job has computed; the same on all ranks.
  void not_finite(NotFiniteElements found) { not_finite_.push_back(std::move(found)); }
  [[nodiscard]] const std::vector<NotFiniteElements>& not_finite() const { return not_finite_; }

  /// What the picture of a job that draws bars shows; on world rank 0.
  [[nodiscard]] io::Bars& bars() { return bars_; }

  /// A line for people that the run ends with; on world rank 0.
  void remark(std::string text) { remarks_.push_back(std::move(text)); }
  [[nodiscard]] const std::vector<std::string>& remarks() const { return remarks_; }

  /// Seconds since the run began, and the record that this rank has stored rows of an array since then.
  [[nodiscard]] double run_seconds() const;
  void record(const SharedArray& array, RowRange rows, double begin_s);

  /// Tells that this rank has stored elements of an array for the last time.
  void filled(const SharedArray& array, ElementRange elements);

  /// Notes progress within a phase.
  void advance(std::int64_t bytes);

 private:
  void begin_phase(const std::string& name, std::int64_t bytes, std::int64_t node_bytes);
  void fill_blocks(SharedArray& array, BlockSchedule& blocks, const FillPiece& fill,
                   const std::function<void()>& between);
  void stored(SharedArray& array, ElementRange elements);
  struct Entry {
    std::unique_ptr<SharedArray> array;
    std::vector<io::BlockRecord> blocks;
    PlannedArray planned;
    io::GroupWriter* writer = nullptr;
    io::RowFile* row_file = nullptr;
    ShownRows shown_rows = {};
  };
  [[nodiscard]] Entry& entry(const SharedArray& array);
  [[nodiscard]] Entry& entry(std::string_view name);
  [[nodiscard]] const Entry& entry(std::string_view name) const;

  NodeMemory* memory_;
  Options options_;
  std::vector<Entry> entries_;
  std::deque<ReplicatedArray> replicas_;
  std::vector<RingShape> rings_;
  std::int64_t counters_used_ = 0;
  std::vector<PhaseTime> phases_;
  std::vector<ScalarResult> results_;
  std::vector<NotFiniteElements> not_finite_;
  std::vector<std::string> remarks_;
  io::Bars bars_;
};

/// Past the caches, unless the piece is in them: its pages have just been zeroed.
[[nodiscard]] inline expr::Store store_for(const Piece& piece) {
  return piece.is_fresh ? expr::Store::cached : expr::Store::streaming;
}

/// Seconds of the steady clock.
[[nodiscard]] double steady_seconds();

}  // namespace windrow
