#include "job/sample_line.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstring>
#include <numeric>
#include <utility>

#include "array/message_stream.hpp"
#include "array/slot_ring.hpp"
#include "base/partition.hpp"
#include "job/numpy_text.hpp"
#include "mpi/fault_point.hpp"

namespace windrow {
namespace {

/// Of who has done which sample; a file keeps no more records.
constexpr std::int64_t kMostRecords = 1'000'000;

std::size_t index(std::int64_t number) {
  return static_cast<std::size_t>(number);
}

/// The result of a stage, and its stream of random numbers: no name of the language, so that no table can have it.
std::string name_of_stage(std::int64_t stage) {
  return fmt::format("stage {}", stage + 1);
}

int parts_of(const SampleWork& work, SampleLine::Split split, int node_ranks) {
  if (split == SampleLine::Split::samples) return 1;
  return static_cast<int>(std::min<std::int64_t>(node_ranks, std::ssize(work.stages)));
}

SamplePart make_part(const SampleWork& work, RowRange stages, const SamplePart* before) {
  SamplePart part{.stages = stages, .is_last = stages.end == std::ssize(work.stages)};
  std::vector<expr::Script::Array> arrays;
  std::vector<expr::Script::Link> links;
  if (before != nullptr)
    arrays.push_back({.name = "x", .type = before->type, .shape = expr::Shape::of(before->extents)});
  else if (work.dataset != nullptr)
    arrays.push_back({.name = "x", .type = work.type, .shape = expr::Shape::of(work.extents)});
  else
    links.push_back({"samples", work.value, expr::Shape::of(work.extents), work.type});
  part.has_input = !arrays.empty();
  for (const ArrayShape& table : work.tables)
    arrays.push_back({.name = table.name, .type = table.type, .shape = expr::Shape::of(table.extents)});
  for (std::int64_t stage = stages.begin; stage < stages.end; ++stage)
    links.push_back({.name = name_of_stage(stage), .text = work.stages[index(stage)]});
  const std::string result = links.back().name;
  const bool is_number = part.is_last && !work.number.empty();
  if (is_number) links.push_back({.name = "number", .text = work.number, .is_number = true});
  part.script = expr::Script::chain(links, std::move(arrays),
                                    is_number ? std::vector<std::string>() : std::vector<std::string>{result});
  const auto found = std::ranges::find(part.script.arrays(), result, &expr::Script::Array::name);
  part.type = found->type;
  part.extents = found->shape.extents();
  return part;
}

/// What is made of a sample, in a slot.
class InSlot final : public expr::SampleStore {
 public:
  InSlot(std::span<std::byte> bytes, ElementType type) : bytes_(bytes), width_(bytes_of(type)) {}
  std::byte* begin(ElementRange elements) override { return bytes_.data() + elements.begin * width_; }
  void end(ElementRange /*elements*/) override {}

 private:
  std::span<std::byte> bytes_;
  std::int64_t width_;
};

/// What is made of a sample, to its place in the file: piece by piece, while they are in the caches.
class InFile final : public expr::SampleStore {
 public:
  InFile(const SamplePart& part, std::int64_t sample, const SampleLine::Results& results)
      : file_(results.file),
        shown_(sample == 0 ? results.shown : nullptr),
        part_(shown_part(part.extents)),
        cols_(part.extents.cols),
        width_(bytes_of(part.type)),
        first_(sample * part.extents.elements()) {}

  std::byte* begin(ElementRange elements) override {
    piece_.resize(index(elements.elements() * width_));
    return piece_.data();
  }
  void end(ElementRange elements) override {
    file_->write(ElementRange{first_ + elements.begin, first_ + elements.end}, piece_);
    if (shown_ != nullptr) show(elements);
  }

 private:
  void show(ElementRange elements) {
    for (const std::int64_t row : part_.rows)
      for (const std::int64_t col : part_.cols) {
        const std::int64_t element = row * cols_ + col;
        if (element < elements.begin || element >= elements.end) continue;
        const auto* const first = piece_.data() + (element - elements.begin) * width_;
        std::vector<std::byte>& shown = (*shown_)[row];
        shown.insert(shown.end(), first, first + width_);
      }
  }

  io::RowFile* file_;
  Context::ShownRows* shown_;
  ShownPart part_;
  std::int64_t cols_;
  std::int64_t width_;
  std::int64_t first_;
  std::vector<std::byte> piece_;
};

}  // namespace

std::vector<SamplePart> divide(const SampleWork& work, int parts) {
  std::vector<SamplePart> all;
  for (int part = 0; part < parts; ++part)
    all.push_back(make_part(work, row_block(std::ssize(work.stages), parts, part), part == 0 ? nullptr : &all.back()));
  return all;
}

void SampleLine::add_needs(JobNeeds& needs, const SampleWork& work, const Options& options, int ranks) {
  const std::vector<SamplePart> parts = divide(work, parts_of(work, options.split, ranks));
  // Nodes with fewer ranks have fewer streams, of what others of these stages give.
  std::int64_t slot_bytes = 0;
  std::int64_t run_bytes = 0;
  for (const SamplePart& part : parts) {
    if (!part.is_last) slot_bytes = std::max(slot_bytes, part.bytes());
    run_bytes = std::max(run_bytes, expr::SampleRun::bytes(part.script));
  }
  const auto streams = std::ssize(parts) - 1;
  needs.tickets += 1;
  needs.slots_key = "pipeline.slots";
  if (options.transport == Transport::slots)
    needs.rings.insert(needs.rings.end(), index(streams), {.slots = options.slots, .slot_bytes = slot_bytes});
  else if (streams > 0)
    run_bytes = checked_add(run_bytes, checked_multiply(2, slot_bytes));
  // Who helps has two of these.
  if (options.helps && streams > 0) run_bytes = checked_multiply(2, run_bytes);
  if (work.dataset != nullptr) run_bytes = checked_add(run_bytes, work.extents.bytes(work.type));
  needs.rank_bytes = checked_add(needs.rank_bytes, run_bytes);
  needs.block_records += std::min(work.count, kMostRecords);
  for (const SamplePart& part : parts) {
    const std::int64_t last = part.stages.end;
    const std::string stages = part.stages.rows() == 1 ? fmt::format("stage {}", last)
                                                       : fmt::format("stages {} to {}", part.stages.begin + 1, last);
    std::string text = fmt::format("{}: {}", stages,
                                   part.script.passes().size() == 1
                                       ? "one pass over a sample"
                                       : fmt::format("{} passes over a sample", part.script.passes().size()));
    if (!part.is_last)
      text +=
          fmt::format("; hands on {} by {}", work.count, options.transport == Transport::slots ? "slots" : "messages");
    needs.passes.push_back(std::move(text));
  }
}

SampleLine::Worker::Worker(SamplePart its_part, expr::Bindings bindings, std::span<const std::byte* const> tables)
    : part(std::move(its_part)), run(part.script, std::move(bindings)) {
  std::int64_t array = part.has_input ? 1 : 0;
  for (const std::byte* const table : tables) run.bind(array++, table);
}

SampleLine::SampleLine(Context& context, const SampleWork& work, const Options& options,
                       std::span<const std::byte* const> tables)
    : context_(&context),
      work_(&work),
      options_(options),
      parts_(divide(work, parts_of(work, options.split, context.topology().node.size()))),
      number_(part_of(context.topology().node_rank())),
      counter_(context.fresh_counter()),
      samples_(machine_of(context.topology()).rows_of_node(work.count, context.topology().node_number)) {
  if (number_ > 0) goes_on_.emplace(part(), context.bindings({}, {}), tables);
  if (number_ == 0 || (options.helps && options.transport == Transport::slots)) {
    begins_.emplace(make_part(work, {0, part().stages.end}, nullptr), context.bindings({}, {}), tables);
    if (work.dataset != nullptr) read_.resize(index(work.extents.bytes(work.type)));
  }
  connect();
}

int SampleLine::part_of(int node_rank) const {
  const int ranks = context_->topology().node.size();
  int part = 0;
  while (!row_block(ranks, std::ssize(parts_), part).contains(node_rank)) ++part;
  return part;
}

/// The streams between the groups of the node. All of its ranks make all rings, which is done together.
void SampleLine::connect() {
  const Topology& topology = context_->topology();
  const auto groups = std::ssize(parts_);
  for (std::int64_t stream = 0; stream + 1 < groups; ++stream) {
    const RowRange producers = row_block(topology.node.size(), groups, stream);
    const RowRange consumers = row_block(topology.node.size(), groups, stream + 1);
    const bool is_mine = number_ == stream || number_ == stream + 1;
    std::unique_ptr<SlotStream> made;
    if (options_.transport == Transport::slots) {
      made = std::make_unique<SlotRing>(context_->memory(), context_->ring(stream), index(stream),
                                        SlotRing::Options{.producers = static_cast<int>(producers.rows()),
                                                          .consumers = static_cast<int>(consumers.rows())});
    } else if (is_mine) {
      const auto ranks_of = [](RowRange ranks) {
        std::vector<int> all(index(ranks.rows()));
        std::iota(all.begin(), all.end(), static_cast<int>(ranks.begin));
        return all;
      };
      made = std::make_unique<MessageStream>(topology.node, context_->memory().rendezvous().waiter(),
                                             MessageStream::Options{.producers = ranks_of(producers),
                                                                    .consumers = ranks_of(consumers),
                                                                    .slot_bytes = parts_[index(stream)].bytes(),
                                                                    .number = static_cast<int>(stream)});
    }
    if (is_mine) (number_ == stream ? out_ : in_) = std::move(made);
  }
}

std::string SampleLine::stage_text(const SamplePart& part) const {
  const RowRange stages = part.stages;
  if (stages.rows() == 1) return fmt::format("stage {} ({})", stages.end, work_->stages[index(stages.begin)]);
  return fmt::format("stages {} to {}", stages.begin + 1, stages.end);
}

Deadline SampleLine::deadline() const {
  return std::chrono::steady_clock::now() + std::chrono::seconds(options_.patience_s);
}

void SampleLine::give_up(int further, const std::string& what) const {
  throw Error(ExitStatus::internal,
              "{} has waited {} s for {} {}: it hangs, or a sample takes longer than that\n"
              "  try: a larger pipeline.patience",
              stage_text(part()), options_.patience_s, stage_text(parts_[index(number_ + further)]), what);
}

void SampleLine::run(const Results& results) {
  if (goes_on_)
    take_all(results);
  else
    while (draw(results)) {
    }
  if (out_ != nullptr && !out_->close(deadline())) give_up(1, "to ask for more samples");
  if (results.file == nullptr || !part().is_last) return;
  for (const std::optional<Worker>* const worker : {&goes_on_, &begins_}) {
    if (!*worker) continue;
    const kernel::NotFinite found = (*worker)->run.not_finite();
    not_finite_.nan += found.nan;
    not_finite_.infinite += found.infinite;
  }
}

/// What the part before gives. Who would have to wait for it makes samples itself, if there are any left.
void SampleLine::take_all(const Results& results) {
  bool helps = begins_.has_value();
  for (;;) {
    const std::optional<TakenItem> item = in_->take(helps ? Deadline(std::chrono::steady_clock::now()) : deadline());
    if (item) {
      goes_on_->run.bind(0, item->bytes().data());
      process(*goes_on_, item->tag(), results);
    } else if (in_->is_over()) {
      return;
    } else if (helps) {
      helps = draw(results);
    } else {
      give_up(-1, last_ ? fmt::format("to hand on a sample, after sample {}", *last_) : "to hand on a first sample");
    }
  }
}

/// The next samples that nobody has begun with; returns whether there were any.
bool SampleLine::draw(const Results& results) {
  const std::int64_t chunk = std::min(options_.chunk, samples_.rows());
  const std::int64_t first = samples_.begin + counter_.draw() * chunk;
  if (first >= samples_.end) return false;
  for (std::int64_t sample = first; sample < std::min(first + chunk, samples_.end); ++sample) {
    if (work_->dataset != nullptr) {
      try {
        work_->dataset->read(work_->type, {sample, sample + 1}, read_.data());
      } catch (const Error& error) {
        throw Error(error.status(), "sample {}: {}", sample, error.what());
      }
      begins_->run.bind(0, read_.data());
    }
    process(*begins_, sample, results);
    ++begun_;
  }
  return true;
}

void SampleLine::process(Worker& worker, std::int64_t sample, const Results& results) {
  const double begin = context_->run_seconds();
  last_ = sample;
  std::optional<BorrowedSlot> slot;
  if (out_ != nullptr) {
    std::optional<BorrowedSlot> free = out_->borrow(deadline());
    if (!free) give_up(1, fmt::format("to take sample {} or one before", sample));
    slot.emplace(*std::move(free));
  }
  try {
    fault_point("phase.sample");
    compute(worker, sample, slot, results);
  } catch (const Error& error) {
    throw Error(error.status(), "{} failed at sample {}: {}", stage_text(worker.part), sample, error.what());
  }
  if (slot) {
    if (!out_->publish(*std::move(slot), sample, {}, deadline())) give_up(1, fmt::format("to take sample {}", sample));
    return;
  }
  if (results.file == nullptr) store_number(sample, worker.run.numbers().at(0), *results.array);
  if (work_->count <= kMostRecords) context_->record(*results.array, {sample, sample + 1}, begin);
  context_->advance(work_->extents.bytes(work_->type));
  context_->memory().rendezvous().throw_if_failed();
}

void SampleLine::compute(Worker& worker, std::int64_t sample, std::optional<BorrowedSlot>& slot,
                         const Results& results) const {
  if (slot) {
    InSlot store(slot->bytes(), worker.part.type);
    worker.run.run(sample, &store);
  } else if (results.file != nullptr) {
    InFile store(worker.part, sample, results);
    worker.run.run(sample, &store);
  } else {
    worker.run.run(sample, nullptr);
  }
}

void SampleLine::store_number(std::int64_t sample, std::int64_t lane, SharedArray& numbers) {
  Lease lease = numbers.lease({sample, sample + 1});
  std::memcpy(lease.bytes().data(), &lane, sizeof lane);
  if (numbers.type() != ElementType::float64) return;
  const auto value = std::bit_cast<double>(lane);
  not_finite_.nan += std::isnan(value) ? 1 : 0;
  not_finite_.infinite += std::isinf(value) ? 1 : 0;
}

std::vector<std::string> SampleLine::remarks() const {
  // Of each part: its ranks, the samples that they have begun with, the seconds that they have waited for samples, and
  // for free slots.
  struct Told {
    double ranks = 0.0;
    double begun = 0.0;
    double for_samples_s = 0.0;
    double for_slots_s = 0.0;
  };
  std::vector<Told> told(work_->stages.size());
  Told& own = told[index(number_)];
  own.ranks = 1.0;
  own.begun = static_cast<double>(begun_);
  if (in_) own.for_samples_s = in_->statistics().for_items.seconds;
  if (out_) own.for_slots_s = out_->statistics().for_slots.seconds;
  context_->topology().world.sum(std::span(&told[0].ranks, told.size() * 4));
  std::vector<std::string> lines;
  if (parts_.size() == 1) return lines;
  for (std::size_t n = 0; n < parts_.size(); ++n) {
    std::vector<std::string> waits;
    if (n > 0) waits.push_back(fmt::format("{:.3f} s for samples", told[n].for_samples_s));
    if (!parts_[n].is_last) waits.push_back(fmt::format("{:.3f} s to hand them on", told[n].for_slots_s));
    lines.push_back(fmt::format("{}: {:.0f} rank{}, waited {}{}", stage_text(parts_[n]), told[n].ranks,
                                told[n].ranks == 1.0 ? "" : "s", fmt::join(waits, " and "),
                                n > 0 && told[n].begun > 0 ? fmt::format("; made {:.0f} sample{} itself meanwhile",
                                                                         told[n].begun, told[n].begun == 1.0 ? "" : "s")
                                                           : ""));
  }
  return lines;
}

}  // namespace windrow
