#include "job/script_run.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <optional>

#include "base/partition.hpp"
#include "job/numpy_text.hpp"
#include "mpi/fault_point.hpp"
#include "mpi/together.hpp"

namespace windrow {
namespace {

/// What the root gathers at a time, along columns.
constexpr std::int64_t kGatheredLanes = std::int64_t{1} << 21;

std::size_t index(std::int64_t number) {
  return static_cast<std::size_t>(number);
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

}  // namespace

ScriptRun::ScriptRun(Context& context, const expr::Script& script, const std::map<std::string, ArraySource>& sources)
    : context_(&context), script_(&script) {
  for (std::int64_t number = 0; number < std::ssize(script.arrays()); ++number) {
    const expr::Script::Array& array = script.arrays()[index(number)];
    if (!array.is_stored) continue;
    const PlannedArray& planned = context.planned(array.name);
    if (!planned.panel_rows) continue;
    const auto source = sources.find(array.name);
    passing_.try_emplace(number, context, planned, source == sources.end() ? ArraySource{} : source->second);
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
  tell_not_finite();
}

/// Of the arrays of floats that statements name.
void ScriptRun::tell_not_finite() {
  const WorldComm& world = context_->topology().world;
  for (const auto& [number, found] : not_finite_) {
    const expr::Script::Array& stored = script_->arrays()[index(number)];
    const bool is_named = std::ranges::find(script_->assigned(), stored.name) != script_->assigned().end();
    if (is_named && is_float(expr::value_type(stored.type)))
      context_->not_finite({stored.name, {world.sum(found.nan), world.sum(found.infinite)}});
  }
}

void ScriptRun::run_pass(const expr::Script::Pass& pass, const std::string& phase) {
  std::vector<std::unique_ptr<expr::Folder>> folders(pass.reductions.size());
  std::vector<std::unique_ptr<expr::Histogram>> histograms(pass.reductions.size());
  Sweep sweep(*context_, *script_, pass, parameters_, passing_);
  const std::vector<kernel::NotFinite> not_finite = sweep.run(phase, [&](RowRange rows) {
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
  for (std::size_t n = 0; n < pass.stores.size(); ++n) not_finite_[pass.stores[n]] = not_finite[n];
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
    Sweep(*context_, *script_, pass, parameters_, passing_).run(phase, [&](RowRange) {
      return std::vector<expr::Sink*>{&found};
    });
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
