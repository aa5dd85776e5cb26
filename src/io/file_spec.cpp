#include "io/file_spec.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "base/partition.hpp"
#include "base/units.hpp"
#include "io/chunk_grid.hpp"
#include "io/file_layout.hpp"

namespace windrow::io {
namespace {

/// The group at the root that an array cannot be called.
constexpr std::string_view kReserved = "provenance";
/// netCDF's NC_MAX_NAME, which `_row` and `_group` must fit into as well.
constexpr std::size_t kLongestName = 240;

void check_name(std::string_view name) {
  const auto bad = [](char c) {
    const auto code = static_cast<unsigned char>(c);
    return code < 0x20 || code == 0x7f || c == '/';
  };
  const auto starts_well = [](char c) {
    const auto code = static_cast<unsigned char>(c);
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || code >= 0x80;
  };
  if (name.empty() || !starts_well(name.front()) || std::ranges::any_of(name, bad) || name.back() == ' ')
    throw Error(ExitStatus::usage, "'{}' cannot be the name of a dataset; begin with a letter, leave out '/'", name);
  if (name.size() > kLongestName)
    throw Error(ExitStatus::usage, "the name of a dataset has {} bytes, {} are allowed: '{}'", name.size(),
                kLongestName, name);
  if (name == kReserved) throw Error(ExitStatus::usage, "'{}' is the name of a group in every output file", name);
}

std::set<std::string> root_names(const FileSpec& spec) {
  std::set<std::string> names{std::string(kReserved)};
  for (const ArraySpec& array : spec.arrays) names.insert(array.name);
  for (const ScalarSpec& scalar : spec.scalars) names.insert(scalar.name);
  return names;
}

std::int64_t text_bytes(const std::vector<Attribute>& attributes) {
  // The header of an attribute and its name, and what it costs in the index of a group with many.
  constexpr std::int64_t header = 400;
  std::int64_t bytes = 0;
  for (const Attribute& attribute : attributes) {
    bytes += header + static_cast<std::int64_t>(attribute.name.size());
    if (const auto* text = std::get_if<std::string>(&attribute.value)) bytes += static_cast<std::int64_t>(text->size());
  }
  return bytes;
}

/// How long an array is along an axis, if it has that.
std::optional<std::int64_t> length_of(const ArraySpec& array, std::string_view axis) {
  const bool is_number_each = array.sample && array.extents.one_dimensional;
  const Extents& shape = array.sample.value_or(array.extents);
  if (axis == "sample") return array.sample ? std::optional(array.extents.rows) : std::nullopt;
  if (is_number_each) return std::nullopt;
  if (axis == "row") return shape.rows;
  return shape.one_dimensional ? std::nullopt : std::optional(shape.cols);
}

/// Of a compressed array whose chunks all stay as large as they are: with HDF5's index of them, a B-tree whose nodes
/// may be half empty, and the zeros that fill them up.
std::int64_t most_compressed_bytes(const ArraySpec& array) {
  constexpr std::int64_t per_chunk = 160;
  constexpr std::int64_t smallest_index = 16 * kKiB;
  const ChunkGrid grid(array.extents, array.type);
  return checked_add(checked_multiply(grid.count(), grid.bytes() + per_chunk), smallest_index);
}

}  // namespace

void check_names(const FileSpec& spec) {
  std::set<std::string_view> seen;
  const auto check = [&](std::string_view name) {
    check_name(name);
    if (!seen.insert(name).second) throw Error(ExitStatus::usage, "two results are called '{}'", name);
  };
  for (const ArraySpec& array : spec.arrays) check(array.name);
  for (const ScalarSpec& scalar : spec.scalars) check(scalar.name);
}

std::int64_t estimated_file_bytes(const FileSpec& spec) {
  // Headers, dimensions and heaps of the groups; of an array with its checksums, dimensions and block record; of a
  // scalar. Measured, and rounded up.
  constexpr std::int64_t base = 64 * kKiB;
  constexpr std::int64_t per_array = 16 * kKiB;
  constexpr std::int64_t per_scalar = 2 * kKiB;
  std::int64_t bytes = base;
  const auto add = [&](std::int64_t more) { bytes = checked_add(bytes, more); };
  for (const ArraySpec& array : spec.arrays) {
    const std::int64_t data = spec.compression == 0 ? array.extents.bytes(array.type) : most_compressed_bytes(array);
    const std::int64_t sums = checked_multiply(group_count(data), sizeof(std::uint64_t));
    add(checked_add(round_up(data, kPageBytes), round_up(sums, kPageBytes)));
    add(per_array + text_bytes(array.attributes));
  }
  for (const ScalarSpec& scalar : spec.scalars) add(per_scalar + text_bytes(scalar.attributes));
  add(text_bytes({{"title", spec.title}, {"source", spec.source}}));
  add(text_bytes(spec.provenance.attributes));
  for (const TextEntry& entry : spec.provenance.texts) add(per_scalar + static_cast<std::int64_t>(entry.text.size()));
  for (const std::string& host : spec.provenance.hosts) add(static_cast<std::int64_t>(host.size()) + 1);
  add(checked_multiply(static_cast<std::int64_t>(spec.provenance.phases.size()), per_scalar));
  for (const ArrayBlocks& array : spec.provenance.blocks)
    add(checked_multiply(static_cast<std::int64_t>(array.blocks.size()), sizeof(BlockRecord)));
  return bytes;
}

std::int64_t certain_file_bytes(FileSpec spec) {
  if (spec.compression != 0) spec.arrays.clear();
  return estimated_file_bytes(spec);
}

DimensionPlan plan_dimensions(const FileSpec& spec) {
  constexpr std::array<std::string_view, 3> axis_names{"sample", "row", "col"};
  DimensionPlan plan;
  plan.axes.resize(spec.arrays.size());
  std::set<std::string> taken = root_names(spec);
  for (const std::string_view axis : axis_names) {
    std::vector<std::optional<std::int64_t>> length;  // of each array
    for (const ArraySpec& array : spec.arrays) length.push_back(length_of(array, axis));
    std::set<std::int64_t> lengths;
    for (const auto& of_array : length)
      if (of_array) lengths.insert(*of_array);
    const std::size_t first_of_axis = plan.dimensions.size();
    for (std::size_t a = 0; a < spec.arrays.size(); ++a) {
      if (!length[a]) continue;
      std::size_t found = first_of_axis;
      while (found < plan.dimensions.size() && plan.dimensions[found].length != *length[a]) ++found;
      if (found == plan.dimensions.size()) {
        std::string name = lengths.size() == 1 ? std::string(axis) : fmt::format("{}_{}", spec.arrays[a].name, axis);
        while (!taken.insert(name).second) name += '_';
        plan.dimensions.push_back({name, *length[a]});
      }
      plan.axes[a].push_back(found);
    }
  }
  return plan;
}

}  // namespace windrow::io
