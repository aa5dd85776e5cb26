#include "job/script_needs.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <vector>

#include "base/partition.hpp"
#include "expr/counting.hpp"
#include "expr/folder.hpp"
#include "job/sweep.hpp"

namespace windrow {
namespace {

std::size_t index(std::int64_t number) {
  return static_cast<std::size_t>(number);
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

/// Of arrays that pass through the window, a rank's panels are of about this size.
constexpr std::int64_t kPanelBytes = 8 * kMiB;
/// Larger ones are taken where a file's chunks would be read twice otherwise.
constexpr std::int64_t kMostPanelBytes = 64 * kMiB;

/// What no pass needs whole, nor a reduction stores into, can pass through the window.
std::vector<bool> can_pass(const expr::Script& script) {
  std::vector<bool> can(script.arrays().size(), true);
  for (const expr::Script::Pass& pass : script.passes())
    for (const expr::Input& input : pass.program.inputs())
      if (!lies_alike(input, script.arrays()[index(input.array)].shape.extents(), pass.domain.extents()))
        can[index(input.array)] = false;
  for (const expr::Reduction& reduction : script.reductions())
    if (reduction.array >= 0) can[index(reduction.array)] = false;
  return can;
}

}  // namespace

void add_needs(JobNeeds& needs, const expr::Script& script, int ranks) {
  for (const expr::Script::Array& array : script.arrays()) {
    if (!array.is_new || !array.is_stored) continue;
    const bool is_named = std::ranges::find(script.assigned(), array.name) != script.assigned().end();
    needs.arrays.push_back({.shape = {array.name, array.type, array.shape.extents()},
                            .description = is_named ? array.text : fmt::format("for {}", array.text),
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

void stream(JobNeeds& needs, const expr::Script& script, const std::map<std::string, std::int64_t>& chunk_rows) {
  const std::vector<bool> can = can_pass(script);
  // Arrays that are read and stored in one pass have equally many rows, and need panels of equally many.
  std::map<std::int64_t, std::int64_t> row_bytes;
  std::map<std::int64_t, std::int64_t> unit;
  for (std::size_t n = 0; n < can.size(); ++n) {
    const expr::Script::Array& array = script.arrays()[n];
    const Extents extents = array.shape.extents();
    if (!can[n]) continue;
    std::int64_t& most = row_bytes[extents.rows];
    most = std::max(most, checked_multiply(extents.cols, bytes_of(array.type)));
    if (const auto chunk = chunk_rows.find(array.name); chunk != chunk_rows.end())
      unit[extents.rows] = std::max(unit[extents.rows], chunk->second);
  }
  for (PlannedArray& planned : needs.arrays) {
    const auto found = std::ranges::find(script.arrays(), planned.shape.name, &expr::Script::Array::name);
    if (!can[index(found - script.arrays().begin())]) continue;
    const std::int64_t rows = planned.shape.extents.rows;
    const std::int64_t few = std::max<std::int64_t>(kPanelBytes / row_bytes[rows], 1);
    const std::int64_t chunk = unit[rows];
    std::int64_t panel = few;
    if (chunk > 1 && chunk <= std::max(few, kMostPanelBytes / row_bytes[rows]))
      panel = std::max(few / chunk, std::int64_t{1}) * chunk;
    planned.panel_rows = std::min(panel, rows);
  }
}

}  // namespace windrow
