#include "job/script_run.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <optional>
#include <set>

#include "base/partition.hpp"
#include "job/numpy_text.hpp"
#include "mpi/fault_point.hpp"
#include "mpi/together.hpp"

namespace windrow {
namespace {

/// Elements of a step of a pass that stores nothing.
constexpr std::int64_t kStep = std::int64_t{1} << 18;
/// What the root gathers at a time, along columns.
constexpr std::int64_t kGatheredLanes = std::int64_t{1} << 21;

std::size_t index(std::int64_t number) {
  return static_cast<std::size_t>(number);
}

/// Whether the rows of an input are those of the domain, and so divided in the same way.
bool lies_alike(const expr::Input& input, const Extents& array, const Extents& domain) {
  return (input.reach == expr::Reach::element || input.reach == expr::Reach::row) && array.rows == domain.rows;
}

/// The parts of ranks, each headed by the row rank, in the order of these.
std::vector<std::int64_t> in_row_order(const expr::Reduction& reduction, std::span<const RowRange> blocks,
                                       std::span<const std::byte> bytes, std::int64_t columns) {
  std::vector<std::int64_t> told(bytes.size() / sizeof(std::int64_t));
  if (!bytes.empty()) std::memcpy(told.data(), bytes.data(), bytes.size());
  std::vector<std::span<const std::int64_t>> part_of(blocks.size());
  for (std::size_t at = 0; at < told.size();) {
    const std::size_t rank = index(told[at]);
    const std::size_t lanes = index(part_lanes(reduction, blocks[rank]) * columns);
    part_of[rank] = std::span(told).subspan(at + 1, lanes);
    at += 1 + lanes;
  }
  std::vector<std::int64_t> parts;
  for (const std::span<const std::int64_t> part : part_of) parts.insert(parts.end(), part.begin(), part.end());
  return parts;
}

/// "(1000, 400): reads u, v; stores w; sum".
std::string description(const expr::Script& script, const expr::Script::Pass& pass) {
  std::vector<std::string> parts;
  std::set<std::string> read;
  for (const expr::Input& input : pass.program.inputs()) read.insert(script.arrays()[index(input.array)].name);
  if (!read.empty()) parts.push_back(fmt::format("reads {}", fmt::join(read, ", ")));
  std::vector<std::string> stored;
  for (const std::int64_t number : pass.stores) stored.push_back(script.arrays()[index(number)].name);
  if (!stored.empty()) parts.push_back(fmt::format("stores {}", fmt::join(stored, ", ")));
  std::vector<std::string> folds;
  for (const std::int64_t number : pass.reductions) {
    const expr::Reduction& reduction = script.reductions()[index(number)];
    folds.push_back(reduction.axis ? fmt::format("{} along axis {}", name_of(reduction.fold), *reduction.axis)
                                   : std::string(name_of(reduction.fold)));
  }
  if (!folds.empty()) parts.push_back(fmt::format("finds {}", fmt::join(folds, ", ")));
  return fmt::format("{}: {}", pass.domain.text(), fmt::join(parts, "; "));
}

/// The next elements that are evaluated together: in an extent of the first array that is stored. Opens them in all
/// that are.
ElementRange open_piece(ElementRange left, std::span<Lease> leases, std::span<expr::Target> targets) {
  ElementRange piece{left.begin, std::min(left.begin + kStep, left.end)};
  for (std::size_t n = 0; n < leases.size(); ++n) {
    const Piece stored = n == 0 ? leases[n].piece_from(piece.begin) : leases[n].piece(piece);
    piece = stored.elements;
    targets[n].destination = stored.destination;
    targets[n].store = store_for(stored);
  }
  return piece;
}

}  // namespace

void add_needs(JobNeeds& needs, const expr::Script& script, int ranks) {
  for (const expr::Script::Array& array : script.arrays()) {
    if (!array.is_new || !array.is_stored) continue;
    const bool is_named = std::ranges::find(script.assigned(), array.name) != script.assigned().end();
    needs.arrays.push_back({.shape = {array.name, array.type, array.shape.extents()},
                            .description = is_named ? array.text : "a reduction",
                            .is_final_when_filled = is_named,
                            .is_result = is_named});
  }
  for (const expr::Script::Scalar& scalar : script.scalars())
    needs.scalars.push_back({scalar.name, is_float(scalar.type) ? ElementType::float64 : ElementType::int64});
  for (const expr::Script::Pass& pass : script.passes()) needs.passes.push_back(description(script, pass));
  // On several nodes each rank has a copy of what it reads whole.
  for (const expr::Script::Pass& pass : script.passes())
    for (const expr::Input& input : pass.program.inputs()) {
      const expr::Script::Array& source = script.arrays()[index(input.array)];
      if (!lies_alike(input, source.shape.extents(), pass.domain.extents()))
        needs.rank_bytes = checked_add(needs.rank_bytes, source.shape.extents().bytes(source.type));
    }
  for (const expr::Reduction& reduction : script.reductions()) {
    if (reduction.fold == expr::Fold::quantile || reduction.fold == expr::Fold::histogram) {
      needs.rank_bytes = checked_add(needs.rank_bytes, counting_bytes(reduction));
      continue;
    }
    const std::int64_t rows = reduction.domain.extents().rows;
    needs.rank_bytes = checked_add(needs.rank_bytes, folder_bytes(reduction, row_block(rows, ranks, 0)));
  }
}

std::vector<RowRange> ScriptRun::rows_of_ranks(std::int64_t rows) const {
  const int ranks = context_->topology().ranks();
  std::vector<RowRange> blocks;
  for (int rank = 0; rank < ranks; ++rank) blocks.push_back(row_block(rows, ranks, rank));
  return blocks;
}

void ScriptRun::run() {
  parameters_.resize(script_->reductions().size());
  const std::size_t passes = script_->passes().size();
  for (std::size_t number = 0; number < passes; ++number) {
    const expr::Script::Pass& pass = script_->passes()[number];
    const std::string phase = passes == 1 ? "evaluate" : fmt::format("evaluate {}", number + 1);
    const bool is_search = !pass.reductions.empty() && reduction(pass.reductions[0]).fold == expr::Fold::quantile;
    is_search ? search(pass, phase) : run_pass(pass, phase);
  }
  const std::vector<std::int64_t> numbers = evaluate_numbers(script_->scalar_program(), parameters_);
  for (std::size_t n = 0; n < numbers.size(); ++n) {
    const expr::Script::Scalar& scalar = script_->scalars()[n];
    if (is_float(scalar.type)) {
      context_->result({scalar.name, std::bit_cast<double>(numbers[n])});
    } else {
      context_->result({scalar.name, numbers[n]});
    }
  }
}

void ScriptRun::run_pass(const expr::Script::Pass& pass, const std::string& phase) {
  std::vector<std::unique_ptr<expr::Folder>> folders(pass.reductions.size());
  std::vector<std::unique_ptr<expr::Histogram>> histograms(pass.reductions.size());
  sweep(pass, phase, [&](RowRange rows) {
    std::vector<expr::Sink*> sinks;
    for (std::size_t n = 0; n < pass.reductions.size(); ++n) {
      const expr::Reduction& wanted = reduction(pass.reductions[n]);
      if (wanted.fold == expr::Fold::histogram) {
        const auto [low, high] = range_of(wanted);
        histograms[n] = std::make_unique<expr::Histogram>(low, high, wanted.bins);
        sinks.push_back(histograms[n].get());
        continue;
      }
      std::int64_t* results = nullptr;
      if (wanted.axis == 1)
        results = reinterpret_cast<std::int64_t*>(array(wanted.array).lease_row_block().bytes().data());
      folders[n] = expr::Folder::make(wanted, rows, results);
      sinks.push_back(folders[n].get());
    }
    return sinks;
  });
  for (std::size_t n = 0; n < pass.reductions.size(); ++n) {
    const expr::Reduction& wanted = reduction(pass.reductions[n]);
    if (wanted.fold == expr::Fold::histogram) {
      context_->topology().world.sum(histograms[n]->counts());
      store_results<std::int64_t>(wanted, histograms[n]->counts());
    } else if (wanted.axis == 0) {
      combine_columns(wanted, *folders[n]);
    } else if (!wanted.axis) {
      parameters_[index(pass.reductions[n])] = combined(wanted, folders[n]->part(), 1)[0];
    }
  }
}

std::array<double, 2> ScriptRun::range_of(const expr::Reduction& histogram) const {
  if (histogram.range) return *histogram.range;
  std::array<double, 2> range{};
  for (std::size_t end = 0; end < 2; ++end)
    range[end] = std::bit_cast<double>(parameters_[index(histogram.range_from[end])]);
  if (!std::isfinite(range[0]) || !std::isfinite(range[1]))
    throw Error(ExitStatus::usage, "the values of a histogram are from {} to {}: give it range=(low, high)",
                numpy_text(range[0]), numpy_text(range[1]));
  return range;
}

/// The passes of a quantile.
void ScriptRun::search(const expr::Script::Pass& pass, const std::string& phase) {
  const expr::Reduction& wanted = reduction(pass.reductions[0]);
  expr::QuantileSearch found(pass.domain.elements(), wanted.fractions);
  do {
    sweep(pass, phase, [&](RowRange) { return std::vector<expr::Sink*>{&found}; });
    context_->topology().world.sum(found.counts());
  } while (found.next());
  std::vector<double> results = found.results();
  if (wanted.array < 0) {
    parameters_[index(pass.reductions[0])] = std::bit_cast<std::int64_t>(results[0]);
  } else {
    store_results<double>(wanted, results);
  }
}

/// Results that all ranks have, into the rows of those who own them.
template <typename Element>
void ScriptRun::store_results(const expr::Reduction& wanted, std::span<const double> results) {
  context_->memory().together([&] {
    Lease lease = array(wanted.array).lease_row_block();
    const std::span<std::byte> bytes = lease.bytes();
    for (std::int64_t row = lease.rows().begin; row < lease.rows().end; ++row) {
      const auto element = static_cast<Element>(results[index(row)]);
      std::memcpy(bytes.data() + index(row - lease.rows().begin) * sizeof element, &element, sizeof element);
    }
  });
}

/// A pass over memory, each rank over its own rows: stores, and hands the other results to sinks.
void ScriptRun::sweep(const expr::Script::Pass& pass, const std::string& phase, const MakeSinks& make_sinks) {
  const Extents domain = pass.domain.extents();
  const Topology& topology = context_->topology();
  const RowRange rows = row_block(domain.rows, topology.ranks(), topology.row_rank());
  // What every rank reads whole, but other nodes have rows of.
  std::vector<std::vector<std::byte>> replicas(pass.program.inputs().size());
  for (std::size_t n = 0; n < replicas.size(); ++n) {
    const expr::Input& input = pass.program.inputs()[n];
    const Extents& extents = array(input.array).extents();
    if (topology.nodes() > 1 && !lies_alike(input, extents, domain)) replicas[n] = replica(array(input.array));
  }
  std::int64_t bytes = 0;
  for (const expr::Input& input : pass.program.inputs()) bytes += array(input.array).shape().bytes();
  for (const std::int64_t number : pass.stores) bytes += array(number).shape().bytes();

  context_->phase(phase, bytes, [&] {
    std::vector<Lease> leases;
    std::vector<expr::Target> targets;
    for (const std::int64_t number : pass.stores) {
      const auto is_stored = [&](const expr::Input& input) { return input.array == number; };
      leases.push_back(array(number).lease_row_block());
      targets.push_back(
          {.type = array(number).type(), .is_input = std::ranges::any_of(pass.program.inputs(), is_stored)});
    }
    expr::Bindings bindings = context_->bindings(domain, script_->streams());
    bindings.parameters = parameters_;
    for (std::size_t n = 0; n < replicas.size(); ++n) {
      const expr::Input& input = pass.program.inputs()[n];
      const SharedArray& source = array(input.array);
      const RowRange wanted = lies_alike(input, source.extents(), domain) ? rows : RowRange{0, source.extents().rows};
      const auto store = std::ranges::find(pass.stores, input.array);
      const std::byte* const first = !replicas[n].empty() ? replicas[n].data()
                                     : store != pass.stores.end()
                                         ? leases[index(store - pass.stores.begin())].bytes().data()
                                         : source.read(wanted).data();
      bindings.inputs.push_back({first, wanted.begin * source.extents().cols, wanted.end * source.extents().cols});
    }
    const double begin = context_->run_seconds();
    const std::vector<expr::Sink*> sinks = make_sinks(rows);
    expr::Evaluator evaluator(pass.program, std::move(bindings));
    const ElementRange elements{rows.begin * domain.cols, rows.end * domain.cols};
    const double bytes_each = static_cast<double>(bytes) / static_cast<double>(domain.elements());
    for (std::int64_t element = elements.begin; element < elements.end;) {
      const ElementRange piece = open_piece({element, elements.end}, leases, targets);
      element = piece.end;
      evaluator.evaluate(piece, 0, targets, sinks);
      for (const std::int64_t number : pass.stores) context_->filled(array(number), piece);
      context_->advance(static_cast<std::int64_t>(bytes_each * static_cast<double>(piece.elements())));
      context_->memory().rendezvous().throw_if_failed();
    }
    fault_point("phase.block");
    for (const std::int64_t number : pass.stores) context_->record(array(number), rows, begin);
  });
}

/// All elements of an array, from all nodes.
std::vector<std::byte> ScriptRun::replica(const SharedArray& source) {
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

/// The result of the parts of all ranks, on all ranks.
std::vector<std::int64_t> ScriptRun::combined(const expr::Reduction& reduction, std::vector<std::int64_t> part,
                                              std::int64_t columns) {
  const Topology& topology = context_->topology();
  const Together run_together = [&](const std::function<void()>& body) { context_->memory().together(body); };
  // Ranks own rows in the order of their row ranks, and are heard in that of their world ranks.
  part.insert(part.begin(), topology.row_rank());
  const std::vector<std::byte> bytes = gather(topology.world, run_together, std::as_bytes(std::span(part)));
  std::string told;
  context_->memory().together([&] {
    if (topology.world_rank() != 0) return;
    const std::vector<RowRange> blocks = rows_of_ranks(reduction.domain.extents().rows);
    const std::vector<std::int64_t> result =
        expr::combine(reduction, blocks, in_row_order(reduction, blocks, bytes, columns), columns);
    told.assign(reinterpret_cast<const char*>(result.data()), result.size() * sizeof(std::int64_t));
  });
  told = broadcast(topology.world, run_together, told);
  std::vector<std::int64_t> result(told.size() / sizeof(std::int64_t));
  if (!told.empty()) std::memcpy(result.data(), told.data(), told.size());
  return result;
}

/// Along columns: some of them at a time, the results to those who own them.
void ScriptRun::combine_columns(const expr::Reduction& reduction, const expr::Folder& folder) {
  const std::int64_t cols = reduction.domain.cols;
  std::int64_t lanes = 0;
  for (const RowRange& rows : rows_of_ranks(reduction.domain.rows)) lanes += part_lanes(reduction, rows);
  const std::int64_t step = std::max<std::int64_t>(kGatheredLanes / std::max<std::int64_t>(lanes, 1), 1);
  SharedArray& results = array(reduction.array);
  for (std::int64_t column = 0; column < cols; column += step) {
    const std::int64_t count = std::min(step, cols - column);
    const std::vector<std::int64_t> found = combined(reduction, folder.part(column, count), count);
    context_->memory().together([&] {
      const RowRange mine = intersect(results.row_block(), {column, column + count});
      if (mine.empty()) return;
      const std::span<std::byte> bytes = results.lease(mine).bytes();
      std::memcpy(bytes.data(), found.data() + (mine.begin - column), bytes.size());
    });
  }
}

}  // namespace windrow
