#include "job/context.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "array/lending.hpp"
#include "base/units.hpp"
#include "mpi/fault_point.hpp"

namespace windrow {

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

namespace {

/// Adds its own lifetime to a number of seconds, also when an exception ends it: failed phases are reported too.
class AddElapsed {
 public:
  explicit AddElapsed(double& seconds) : seconds_(&seconds) {}
  AddElapsed(const AddElapsed&) = delete;
  AddElapsed& operator=(const AddElapsed&) = delete;
  ~AddElapsed() { *seconds_ += steady_seconds() - begin_; }

 private:
  double* seconds_;
  double begin_ = steady_seconds();
};

/// Does a part of the work on a block; what is wrong with it is told with the block.
void of_block(std::int64_t number, RowRange rows, const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    throw Error(error.status(), "block {} (rows {} to {}): {}", number, rows.begin, rows.end - 1, error.what());
  }
}

}  // namespace

Context::Context(NodeMemory& memory, const JobNeeds& needs, Options options)
    : memory_(&memory), options_(options), rings_(needs.rings) {
  for (const PlannedArray& replica : needs.replicas) replicas_.emplace_back(memory, replica.shape, replicas_.size());
  for (std::size_t number = 0; number < needs.arrays.size(); ++number)
    entries_.push_back({.array = std::make_unique<SharedArray>(
                            memory, needs.arrays[number].in_window(memory.topology().ranks()), number),
                        .blocks = {},
                        .planned = needs.arrays[number]});
  if (options_.progress != nullptr) memory.rendezvous().waiter().on_idle([this] { options_.progress->update(); });
}

const Context::Entry& Context::entry(std::string_view name) const {
  const auto found =
      std::ranges::find(entries_, name, [](const Entry& e) -> std::string_view { return e.array->name(); });
  if (found == entries_.end()) throw Error(ExitStatus::internal, "the job did not plan an array '{}'", name);
  return *found;
}

Context::Entry& Context::entry(std::string_view name) {
  return const_cast<Entry&>(std::as_const(*this).entry(name));
}

Context::Entry& Context::entry(const SharedArray& array) {
  const auto found = std::ranges::find(entries_, &array, [](const Entry& e) { return e.array.get(); });
  if (found == entries_.end())
    throw Error(ExitStatus::internal, "the job hands its context an array '{}' of its own; take context.array()",
                array.name());
  return *found;
}

void Context::write_behind(SharedArray& array, io::GroupWriter& writer) {
  entry(array).writer = &writer;
}

SharedArray& Context::array(std::string_view name) {
  return *entry(name).array;
}

const std::vector<io::BlockRecord>& Context::blocks_of(std::string_view array) const {
  return entry(array).blocks;
}

TicketCounter Context::fresh_counter() {
  if (counters_used_ == memory_->layout().control.tickets)
    throw Error(ExitStatus::internal, "the job planned {} ticket counters and asks for more", counters_used_);
  return {*memory_, counters_used_++};
}

expr::Evaluator Context::evaluator(const SharedArray& array, const std::string& expression) const {
  return {expr::Program::compile(expression), bindings(array.extents(), {array.name()})};
}

void Context::filled(const SharedArray& array, ElementRange elements) {
  if (io::GroupWriter* const writer = entry(array).writer) writer->filled(elements);
}

expr::Bindings Context::bindings(const Extents& extents, std::vector<std::string> streams) const {
  return {.extents = extents,
          .streams = std::move(streams),
          .seed = static_cast<std::uint64_t>(options_.seed),
          .rank = topology().world_rank(),
          .node = topology().node_number,
          .pid = getpid()};
}

double Context::run_seconds() const {
  return steady_seconds() - options_.run_start_s;
}

void Context::begin_phase(const std::string& name, std::int64_t bytes, std::int64_t node_bytes) {
  memory_->reset_progress();
  if (phases_.empty() || phases_.back().name != name) phases_.push_back({name, 0.0, 0});
  phases_.back().bytes += bytes;
  if (options_.progress != nullptr)
    options_.progress->begin(name, node_bytes, [this] { return memory_->progress_bytes(); });
}

void Context::phase(const std::string& name, std::int64_t bytes, const std::function<void()>& body) {
  memory_->together([&] {
    fault_point("phase.before");
    // The ranks of the other nodes are not to be seen from here: this node's share stands for all.
    begin_phase(name, bytes, bytes / topology().ranks() * topology().node.size());
    const AddElapsed timed(phases_.back().seconds);
    body();
    fault_point("phase.after");
  });
  if (options_.progress != nullptr) options_.progress->end();
}

void Context::collective_phase(const std::string& name, std::int64_t bytes, std::int64_t node_bytes,
                               const std::function<void()>& body) {
  begin_phase(name, bytes, node_bytes);
  {
    const AddElapsed timed(phases_.back().seconds);
    body();
  }
  if (options_.progress != nullptr) options_.progress->end();
}

void Context::fill_blocks(SharedArray& array, BlockSchedule& blocks, const FillPiece& fill,
                          const std::function<void()>& between) {
  static_cast<void>(entry(array));
  while (std::optional<Block> block = blocks.next()) {
    const double begin = run_seconds();
    const RowRange rows = block->lease.rows();
    block->lease.for_each_piece([&](const Piece& piece) {
      of_block(block->number, rows, [&] { fill(*block, piece); });
      stored(array, piece.elements);
    });
    of_block(block->number, rows, [] { fault_point("phase.block"); });
    record(array, rows, begin);
    memory_->rendezvous().throw_if_failed();
    between();
  }
}

void Context::fill_blocks(SharedArray& array, BlockSchedule& blocks, const FillPiece& fill) {
  fill_blocks(array, blocks, fill, [] {});
}

void Context::share_blocks(SharedArray& array, BlockSchedule& blocks, const FillPiece& fill) {
  if (blocks.schedule() == Schedule::fixed) return fill_blocks(array, blocks, fill);
  const auto store = [&](Block& block, std::span<const std::byte> rows, const Lending::Work& work) {
    const RowRange range = block.lease.rows();
    const std::int64_t element = bytes_of(array.type());
    block.lease.for_each_piece([&](const Piece& piece) {
      // Pieces come in any order.
      const std::int64_t at = (piece.elements.begin - range.begin * array.extents().cols) * element;
      std::memcpy(piece.destination, &rows[static_cast<std::size_t>(at)],
                  static_cast<std::size_t>(piece.elements.elements() * element));
      stored(array, piece.elements);
    });
    entry(array).blocks.push_back({range.begin, range.rows(), work.world_rank, work.start_s, work.seconds});
  };
  Lending lending(array, blocks, store);
  lending.run([&] {
    fill_blocks(array, blocks, fill, [&] { lending.serve(); });
    while (const std::optional<Lending::Borrowed> borrowed = lending.borrow()) {
      const double begin = run_seconds();
      const RowRange rows = borrowed->rows;
      const std::int64_t cols = array.extents().cols;
      std::vector<std::byte> memory(static_cast<std::size_t>(rows.rows() * array.row_bytes()));
      of_block(borrowed->block.number, rows, [&] {
        fill(borrowed->block, {{rows.begin * cols, rows.end * cols}, memory.data(), true});
        fault_point("phase.lent");
      });
      const double seconds = run_seconds() - begin;
      lending.give_back(std::move(memory), begin, seconds);
    }
  });
}

/// Rows have got their values.
void Context::stored(SharedArray& array, ElementRange elements) {
  filled(array, elements);
  advance(elements.elements() * bytes_of(array.type()));
}

void Context::fill_blocks(SharedArray& array, BlockSchedule& blocks, expr::Evaluator& value) {
  fill_blocks(array, blocks, [&](const BlockId& block, const Piece& piece) {
    value.evaluate(piece.elements, block.offset,
                   {.destination = piece.destination, .type = array.type(), .store = store_for(piece)});
  });
}

void Context::record(const SharedArray& array, RowRange rows, double begin_s) {
  if (rows.empty()) return;
  entry(array).blocks.push_back({rows.begin, rows.rows(), topology().world_rank(), begin_s, run_seconds() - begin_s});
}

void Context::fill(SharedArray& array, expr::Evaluator& value) {
  const double begin = run_seconds();
  array.lease_row_block().for_each_piece([&](const Piece& piece) {
    value.evaluate(piece.elements, 0,
                   {.destination = piece.destination, .type = array.type(), .store = store_for(piece)});
    advance(piece.elements.elements() * bytes_of(array.type()));
  });
  record(array, array.row_block(), begin);
}

void Context::read(SharedArray& array, const io::InputDataset& dataset) {
  // A reader that takes chunks apart takes those twice that two pieces share: few pieces, but some for the progress.
  constexpr std::int64_t piece_bytes = 64 * kMiB;
  const std::int64_t rows_each = std::max<std::int64_t>(piece_bytes / array.row_bytes(), 1);
  const std::int64_t cols = array.extents().cols;
  const double begin = run_seconds();
  Lease lease = array.lease_row_block();
  for (RowRange rows{lease.rows().begin, lease.rows().begin}; rows.end < lease.rows().end; rows.begin = rows.end) {
    rows.end = std::min(rows.begin + rows_each, lease.rows().end);
    const Piece piece = lease.piece({rows.begin * cols, rows.end * cols});
    dataset.read(array.type(), rows, piece.destination);
    advance(rows.rows() * array.row_bytes());
    memory_->rendezvous().throw_if_failed();
  }
  record(array, lease.rows(), begin);
}

void Context::fill(ReplicatedArray& array, const io::InputDataset* dataset, const std::string& value) {
  const RowRange rows = array.share();
  const auto& [name, type, extents] = array.shape();
  const std::span<std::byte> bytes = array.fill_share();
  if (dataset != nullptr) return dataset->read(type, rows, bytes.data());
  expr::Evaluator evaluator(expr::Program::compile(value), bindings(extents, {name}));
  evaluator.evaluate({rows.begin * extents.cols, rows.end * extents.cols}, 0,
                     {.destination = bytes.data(), .type = type});
}

void Context::advance(std::int64_t bytes) {
  memory_->add_progress(bytes);
  if (options_.progress != nullptr) options_.progress->update();
}

}  // namespace windrow
