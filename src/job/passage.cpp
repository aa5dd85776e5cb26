#include "job/passage.hpp"

#include <algorithm>
#include <utility>

#include "mpi/fault_point.hpp"

namespace windrow {

PassingArray::PassingArray(Context& context, const PlannedArray& planned, const ArraySource& source)
    : window_(&context.array(planned.shape.name)),
      shape_(planned.shape),
      panels_(shape_.extents.rows, planned.panel_rows.value(), context.topology().ranks()),
      shown_part_(shown_part(shape_.extents)),
      shown_rows_(&context.shown_rows(shape_.name)),
      dataset_(source.dataset),
      row_file_(context.row_file(shape_.name)) {
  if (!source.value.empty())
    value_.emplace(expr::Program::compile(source.value), context.bindings(shape_.extents, {shape_.name}));
}

void PassingArray::read(RowRange rows, std::span<std::byte> content) const {
  is_stored_ ? row_file_->read(rows, content) : dataset_->read(shape_.type, rows, content.data());
}

Passage::Passage(Context& context, RowRange rows, std::vector<PassingArray*> read, std::vector<PassingArray*> stored)
    : context_(&context), rows_(rows), read_(std::move(read)), stored_(std::move(stored)) {
  if (read_.empty() && stored_.empty()) return;
  panels_ = (read_.empty() ? stored_ : read_).front()->panels();
  if (!context.topology().is_leader()) return;
  background_ = std::make_unique<io::Background>();
  for (PassingArray* const array : stored_) {
    array->shown_rows_->clear();
    if (array->row_file_ != nullptr) array->row_file_->restart();
  }
}

RowRange Passage::ranks_of_node() const {
  const Machine machine = machine_of(context_->topology());
  return machine.rows_of_node(machine.ranks(), context_->topology().node_number);
}

PanelRows Passage::begin_step() {
  ++step_;
  if (!panels_) return {rows_};
  if (step_ == 0) {
    touch();
    context_->memory().publish();
    bring_in(0);
  }
  go_on();
  take_out(step_ - 1);
  bring_in(step_ + 1);
  compute_values(step_);
  const int rank = context_->topology().row_rank();
  return {panels_->rows(rank, step_), panels_->slot(rank, step_)};
}

void Passage::finish() {
  if (!panels_) return;
  go_on();
  take_out(step_);
  if (background_) background_->wait(context_->memory().rendezvous().waiter());
  for (PassingArray* const array : stored_) array->is_stored_ = true;
}

/// Each rank its own panels, so that they lie near it.
void Passage::touch() {
  for (const std::vector<PassingArray*>& arrays : {read_, stored_})
    for (PassingArray* const array : arrays)
      static_cast<void>(array->window().lease(array->window().row_block()).bytes());
}

/// What was worked on is readable by the leader, and what its thread has brought by the ranks.
void Passage::go_on() {
  if (background_) background_->wait(context_->memory().rendezvous().waiter());
  context_->memory().publish();
}

void Passage::bring_in(std::int64_t step) {
  if (!background_) return;
  const RowRange ranks = ranks_of_node();
  for (PassingArray* const array : read_) {
    if (!array->is_read()) continue;
    for (auto rank = static_cast<int>(ranks.begin); rank < ranks.end; ++rank) {
      const RowRange rows = panels_->rows(rank, step);
      if (rows.empty()) continue;
      const std::span<std::byte> content = array->window().lease(panels_->slot(rank, step)).bytes();
      background_->submit([=] {
        fault_point("stream.read");
        array->read(rows, content);
      });
    }
  }
}

void Passage::take_out(std::int64_t step) {
  if (!background_ || step < 0) return;
  const RowRange ranks = ranks_of_node();
  for (PassingArray* const array : stored_)
    for (auto rank = static_cast<int>(ranks.begin); rank < ranks.end; ++rank) {
      const RowRange rows = panels_->rows(rank, step);
      if (rows.empty()) continue;
      const std::span<const std::byte> content = array->window().read(panels_->slot(rank, step));
      array->show(rows, content);
      if (array->row_file_ == nullptr) continue;
      background_->submit([=] {
        fault_point("stream.write");
        array->row_file_->write(rows, content);
      });
    }
}

void PassingArray::show(RowRange rows, std::span<const std::byte> content) {
  const std::int64_t element = bytes_of(shape_.type);
  for (const std::int64_t row : shown_part_.rows) {
    if (!rows.contains(row)) continue;
    std::vector<std::byte>& shown = (*shown_rows_)[row];
    for (const std::int64_t col : shown_part_.cols) {
      const std::int64_t at = ((row - rows.begin) * shape_.extents.cols + col) * element;
      const auto bytes = content.subspan(static_cast<std::size_t>(at), static_cast<std::size_t>(element));
      shown.insert(shown.end(), bytes.begin(), bytes.end());
    }
  }
}

void Passage::compute_values(std::int64_t step) {
  const int rank = context_->topology().row_rank();
  const RowRange rows = panels_->rows(rank, step);
  if (rows.empty()) return;
  for (PassingArray* const array : read_) {
    if (array->is_read()) continue;
    const std::int64_t cols = array->shape().extents.cols;
    array->value_->evaluate({rows.begin * cols, rows.end * cols}, 0,
                            {.destination = array->window().lease(panels_->slot(rank, step)).bytes().data(),
                             .type = array->shape().type,
                             .store = expr::Store::cached});
  }
}

}  // namespace windrow
