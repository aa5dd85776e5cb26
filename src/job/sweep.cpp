#include "job/sweep.hpp"

#include <algorithm>
#include <cstring>
#include <optional>

#include "base/partition.hpp"
#include "mpi/fault_point.hpp"
#include "mpi/together.hpp"

namespace windrow {
namespace {

/// Elements of a step of a pass that stores nothing.
constexpr std::int64_t kStep = std::int64_t{1} << 18;

std::size_t index(std::int64_t number) {
  return static_cast<std::size_t>(number);
}

}  // namespace

bool lies_alike(const expr::Input& input, const Extents& array, const Extents& domain) {
  return (input.reach == expr::Reach::element || input.reach == expr::Reach::row) && array.rows == domain.rows;
}

Sweep::Sweep(Context& context, const expr::Script& script, const expr::Script::Pass& pass,
             const std::vector<std::int64_t>& parameters, PassingArrays& passing)
    : context_(&context),
      script_(&script),
      pass_(&pass),
      parameters_(&parameters),
      passing_(&passing),
      domain_(pass.domain.extents()),
      rows_(row_block(domain_.rows, context.topology().ranks(), context.topology().row_rank())) {}

PassingArray* Sweep::passing(std::int64_t number) {
  const auto found = passing_->find(number);
  return found == passing_->end() ? nullptr : &found->second;
}

std::vector<kernel::NotFinite> Sweep::run(const std::string& phase, const MakeSinks& make_sinks) {
  replicas_.assign(pass_->program.inputs().size(), {});
  for (std::size_t n = 0; n < replicas_.size(); ++n) {
    const expr::Input& input = pass_->program.inputs()[n];
    if (context_->topology().nodes() > 1 && !lies_alike(input, extents(input.array), domain_))
      replicas_[n] = replica(array(input.array));
  }
  std::vector<kernel::NotFinite> not_finite(pass_->stores.size());
  context_->phase(phase, bytes_moved(), [&] {
    const double begin = context_->run_seconds();
    Passage through = passage();
    std::vector<expr::Sink*> sinks;
    std::optional<expr::Evaluator> evaluator;
    for (std::int64_t step = 0; step < through.steps(); ++step) {
      const PanelRows panel = through.begin_step();
      std::vector<Destination> stored = destinations(panel);
      std::vector<expr::InputMemory> read = inputs(panel, stored);
      if (step == 0) {
        sinks = make_sinks(rows_);
        expr::Bindings bindings = context_->bindings(domain_, script_->streams());
        bindings.parameters = *parameters_;
        bindings.inputs = std::move(read);
        evaluator.emplace(pass_->program, std::move(bindings));
      } else {
        lease_row_results();
        evaluator->rebind(read);
      }
      evaluate(*evaluator, panel.rows, stored, sinks);
    }
    through.finish();
    if (evaluator) std::ranges::copy(evaluator->not_finite(), not_finite.begin());
    fault_point("phase.block");
    for (const std::int64_t number : pass_->stores) context_->record(array(number), rows_, begin);
  });
  return not_finite;
}

std::int64_t Sweep::bytes_moved() const {
  std::int64_t bytes = 0;
  const auto add = [&](std::int64_t number) { bytes += extents(number).bytes(described(number).type); };
  for (const expr::Input& input : pass_->program.inputs()) add(input.array);
  for (const std::int64_t number : pass_->stores) add(number);
  return bytes;
}

Passage Sweep::passage() {
  std::vector<PassingArray*> read;
  std::vector<PassingArray*> stored;
  for (const expr::Input& input : pass_->program.inputs())
    if (PassingArray* const array = passing(input.array); array != nullptr && !std::ranges::count(read, array))
      read.push_back(array);
  for (const std::int64_t number : pass_->stores)
    if (PassingArray* const array = passing(number)) stored.push_back(array);
  return {*context_, rows_, std::move(read), std::move(stored)};
}

std::vector<Sweep::Destination> Sweep::destinations(const PanelRows& panel) {
  const auto& [rows, slot] = panel;
  std::vector<Destination> all;
  for (const std::int64_t number : pass_->stores)
    if (passing(number) != nullptr)
      all.push_back({number, array(number).lease(slot), (slot.begin - rows.begin) * extents(number).cols});
    else
      all.push_back({number, rows == rows_ ? array(number).lease_row_block() : array(number).lease(rows)});
  return all;
}

std::vector<expr::InputMemory> Sweep::inputs(const PanelRows& panel, std::span<Destination> destinations) {
  std::vector<expr::InputMemory> all;
  for (std::size_t n = 0; n < replicas_.size(); ++n) {
    const expr::Input& input = pass_->program.inputs()[n];
    const Extents whole = extents(input.array);
    const bool passes = passing(input.array) != nullptr;
    const RowRange wanted = lies_alike(input, whole, domain_) ? panel.rows : RowRange{0, whole.rows};
    const auto overwritten = std::ranges::find(destinations, input.array, &Destination::array);
    const std::byte* const first = !replicas_[n].empty() ? replicas_[n].data()
                                   : overwritten != destinations.end()
                                       ? overwritten->lease.bytes().data()
                                       : array(input.array).read(passes ? panel.slot : wanted).data();
    all.push_back({first, wanted.begin * whole.cols, wanted.end * whole.cols});
  }
  return all;
}

/// Those that the sinks have got stay theirs in the phases of further steps.
void Sweep::lease_row_results() {
  for (const std::int64_t number : pass_->reductions)
    if (const expr::Reduction& reduction = script_->reductions()[index(number)]; reduction.axis == 1)
      static_cast<void>(array(reduction.array).lease_row_block().bytes());
}

void Sweep::evaluate(expr::Evaluator& evaluator, RowRange rows, std::span<Destination> destinations,
                     std::span<expr::Sink* const> sinks) {
  std::vector<expr::Target> targets;
  for (const Destination& stored : destinations) {
    const auto is_stored = [&](const expr::Input& input) { return input.array == stored.array; };
    targets.push_back(
        {.type = described(stored.array).type, .is_input = std::ranges::any_of(pass_->program.inputs(), is_stored)});
  }
  const double bytes_each = static_cast<double>(bytes_moved()) / static_cast<double>(domain_.elements());
  const std::int64_t end = rows.end * domain_.cols;
  for (std::int64_t element = rows.begin * domain_.cols; element < end;) {
    // What is evaluated together is in an extent of the first array that is stored.
    ElementRange piece{element, std::min(element + kStep, end)};
    for (std::size_t n = 0; n < destinations.size(); ++n) {
      auto& [number, lease, shift] = destinations[n];
      const Piece stored =
          n == 0 ? lease.piece_from(piece.begin + shift) : lease.piece({piece.begin + shift, piece.end + shift});
      piece.end = stored.elements.end - shift;
      targets[n].destination = stored.destination;
      targets[n].store = store_for(stored);
    }
    evaluator.evaluate(piece, 0, targets, sinks);
    for (const Destination& stored : destinations)
      if (passing(stored.array) == nullptr) context_->filled(array(stored.array), piece);
    context_->advance(static_cast<std::int64_t>(bytes_each * static_cast<double>(piece.elements())));
    context_->memory().rendezvous().throw_if_failed();
    element = piece.end;
  }
}

/// All elements of an array, from all nodes.
std::vector<std::byte> Sweep::replica(const SharedArray& source) {
  const Topology& topology = context_->topology();
  const Together run_together = [&](const std::function<void()>& body) { context_->memory().together(body); };
  std::vector<std::byte> own;  // messages are sent after the phase of reading
  context_->memory().together([&] {
    const std::span<const std::byte> rows = source.read(source.row_block());
    own.assign(rows.begin(), rows.end());
  });
  const std::vector<std::int64_t> row_ranks = topology.world.all_gather(std::int64_t{topology.row_rank()});
  const std::vector<std::byte> parts = gather(topology.world, run_together, own);
  std::string whole(topology.world_rank() == 0 ? index(source.extents().bytes(source.type())) : 0, '\0');
  std::size_t at = 0;
  if (topology.world_rank() == 0)
    for (const std::int64_t row_rank : row_ranks) {
      const RowRange rows = row_block(source.extents().rows, topology.ranks(), row_rank);
      const std::size_t size = index(rows.rows() * source.row_bytes());
      if (size > 0) std::memcpy(whole.data() + index(rows.begin * source.row_bytes()), parts.data() + at, size);
      at += size;
    }
  whole = broadcast(topology.world, run_together, whole);
  const auto* const first = reinterpret_cast<const std::byte*>(whole.data());
  return {first, first + whole.size()};
}

}  // namespace windrow
