#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "array/panels.hpp"
#include "array/shared_array.hpp"
#include "expr/evaluator.hpp"
#include "io/background.hpp"
#include "io/input_dataset.hpp"
#include "io/row_file.hpp"
#include "job/context.hpp"
#include "job/numpy_text.hpp"

namespace windrow {

/// Where the rows of an array come from at first, if they are not computed by statements.
struct ArraySource {
  const io::InputDataset* dataset = nullptr;
  std::string value = {};  ///< an expression
};

/// An array that passes through the window: where its panels come from, and where they go.
class PassingArray {
 public:
  /// An array of the job's needs with panels. *Throws*: expr::ExpressionError.
  PassingArray(Context& context, const PlannedArray& planned, const ArraySource& source);

  [[nodiscard]] const Panels& panels() const { return panels_; }
  [[nodiscard]] SharedArray& window() { return *window_; }
  [[nodiscard]] const ArrayShape& shape() const { return shape_; }

 private:
  friend class Passage;
  /// Whether its rows come from a file; otherwise each rank computes its own.
  [[nodiscard]] bool is_read() const { return is_stored_ || dataset_ != nullptr; }
  void read(RowRange rows, std::span<std::byte> content) const;
  /// Keeps what is to be shown of them.
  void show(RowRange rows, std::span<const std::byte> content);

  SharedArray* window_;
  ArrayShape shape_;
  Panels panels_;
  ShownPart shown_part_;
  Context::ShownRows* shown_rows_;
  const io::InputDataset* dataset_;
  std::optional<expr::Evaluator> value_;
  io::RowFile* row_file_;   ///< null on ranks that are no leaders, and for what is not written
  bool is_stored_ = false;  ///< a pass has done it: its rows are in its own file, if it has one
};

/// The rows that a rank works on in a step, and where they are in the window, if they pass through it.
struct PanelRows {
  RowRange rows;
  RowRange slot = {};
};

/// A pass over arrays that pass through the window, panel by panel. The leader of each node has a thread that brings in
/// the panels after those that the ranks work on, and takes out those before. Where there are no such arrays it is a
/// single step over the rows of the rank.
class Passage {
 public:
  /// The arrays have equally many rows, of which this rank has `rows`.
  Passage(Context& context, RowRange rows, std::vector<PassingArray*> read, std::vector<PassingArray*> stored);

  /// How many steps there are; the same on all ranks of a node.
  [[nodiscard]] std::int64_t steps() const { return panels_ ? panels_->steps() : 1; }

  /// Begins the next step: this rank's panels of the arrays that are read are there. They come in order; they have no
  /// rows where others have more steps. *Collective over* the node, and the begin of a phase in its window, if arrays
  /// pass through. *Throws*: what has failed on the way from or to files, on the leader; PeerFailure.
  PanelRows begin_step();

  /// The last panels reach their files. *Collective over* the node likewise. *Throws*: likewise.
  void finish();

 private:
  void touch();
  void go_on();
  void bring_in(std::int64_t step);
  void take_out(std::int64_t step);
  void compute_values(std::int64_t step);
  [[nodiscard]] RowRange ranks_of_node() const;

  Context* context_;
  RowRange rows_;
  std::vector<PassingArray*> read_;
  std::vector<PassingArray*> stored_;
  std::optional<Panels> panels_;
  std::int64_t step_ = -1;
  std::unique_ptr<io::Background> background_;  ///< on leaders
};

}  // namespace windrow
