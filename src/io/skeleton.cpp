#include "io/skeleton.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "base/partition.hpp"
#include "io/chunk_grid.hpp"
#include "io/file_reader.hpp"
#include "io/netcdf.hpp"
#include "io/seal.hpp"

namespace windrow::io {
namespace {

constexpr std::string_view kProvenance = "provenance";
constexpr std::string_view kChecksums = "checksums";
constexpr std::string_view kSeal = "seal";

void write_attributes(const Hdf5Handle& object, const std::vector<Attribute>& attributes) {
  for (const Attribute& attribute : attributes) write_attribute(object, attribute);
}

/// The arrays, in the root group; their elements are allocated later.
void create_arrays(const Hdf5Handle& file, const FileSpec& spec) {
  const DimensionPlan plan = plan_dimensions(spec);
  std::vector<Hdf5Handle> dimensions;
  for (const Dimension& dimension : plan.dimensions) dimensions.push_back(create_dimension(file, dimension));
  for (std::size_t a = 0; a < spec.arrays.size(); ++a) {
    const ArraySpec& array = spec.arrays[a];
    std::vector<std::int64_t> shape;
    for (const std::size_t d : plan.axes[a]) shape.push_back(plan.dimensions[d].length);
    const Hdf5Handle dataset =
        spec.compression == 0
            ? create_dataset(file, array.name, file_type(array.type), shape)
            : create_compressed_dataset(file, array.name, file_type(array.type), shape,
                                        ChunkGrid(array.extents, array.type).shape(), spec.compression);
    for (unsigned axis = 0; axis < shape.size(); ++axis)
      attach_dimension(dataset, dimensions[plan.axes[a][axis]], axis);
    write_attributes(dataset, array.attributes);
  }
}

void create_scalars(const Hdf5Handle& file, const FileSpec& spec) {
  for (const ScalarSpec& scalar : spec.scalars)
    write_attributes(write_scalar(file, scalar.name, scalar.value), scalar.attributes);
}

/// A dataset of one dimension that is its own, allocated later.
void create_vector(const Hdf5Handle& group, const std::string& name, const std::string& dimension, Hid type,
                   std::int64_t length) {
  const Hdf5Handle scale = create_dimension(group, {dimension, length});
  attach_dimension(create_dataset(group, name, type, std::array{length}), scale, 0);
}

void create_checksums(const Hdf5Handle& provenance, const FileLayout& layout) {
  const Hdf5Handle group = create_group(provenance, std::string(kChecksums));
  const bool is_compressed = !layout.arrays.empty() && layout.arrays.front().is_compressed;
  write_attribute(
      group, {"algorithm", is_compressed ? "XXH3-64 of each group of bytes of the file that hold the array's chunks"
                                         : "XXH3-64 of each group of bytes of the array, row-major, little-endian"});
  write_attribute(group, {"group_bytes", kGroupBytes});
  std::set<std::string> taken;
  for (const ArrayLayout& array : layout.arrays) taken.insert(array.name);
  for (const ArrayLayout& array : layout.arrays) {
    std::string dimension = array.name + "_group";
    while (!taken.insert(dimension).second) dimension += '_';
    create_vector(group, array.name, dimension, file_type_uint64(), group_count(array.data.bytes));
  }
}

template <typename Value>
std::vector<Value> column(const std::vector<BlockRecord>& blocks, Value BlockRecord::*member) {
  std::vector<Value> values(blocks.size());
  std::ranges::transform(blocks, values.begin(), [member](const BlockRecord& block) { return block.*member; });
  return values;
}

void write_blocks(const Hdf5Handle& provenance, const std::vector<ArrayBlocks>& arrays) {
  const Hdf5Handle group = create_group(provenance, "blocks");
  const Attribute seconds{"units", "s"};
  for (const ArrayBlocks& array : arrays) {
    if (array.blocks.empty()) continue;
    const Hdf5Handle of_array = create_group(group, array.array);
    const Hdf5Handle block = create_dimension(of_array, {"block", static_cast<std::int64_t>(array.blocks.size())});
    const auto whole = [&](const char* name, auto member) {
      return write_column(of_array, name, block, std::span<const std::int64_t>(column(array.blocks, member)));
    };
    const auto real = [&](const char* name, auto member) {
      return write_column(of_array, name, block, std::span<const double>(column(array.blocks, member)));
    };
    static_cast<void>(whole("first_row", &BlockRecord::first_row));
    static_cast<void>(whole("rows", &BlockRecord::rows));
    static_cast<void>(whole("world_rank", &BlockRecord::world_rank));
    write_attribute(real("start", &BlockRecord::start_s), seconds);
    write_attribute(real("seconds", &BlockRecord::seconds), seconds);
  }
}

void write_provenance(const Hdf5Handle& file, const FileSpec& spec, const FileLayout& layout) {
  const Provenance& provenance = spec.provenance;
  const Hdf5Handle group = create_group(file, std::string(kProvenance));
  write_attributes(group, provenance.attributes);
  for (const TextEntry& entry : provenance.texts) write_text(group, entry.name, entry.text);
  write_text(group, "hosts", fmt::format("{}", fmt::join(provenance.hosts, "\n")));
  {
    const Hdf5Handle phases = create_group(group, "phases");
    for (const PhaseRecord& phase : provenance.phases)
      write_attribute(write_scalar(phases, phase.name, phase.seconds), {"units", "s"});
  }
  write_blocks(group, provenance.blocks);
  create_checksums(group, layout);
  create_vector(group, std::string(kSeal), "seal_byte", file_type_uint8(), seal_bytes(spec));
}

void close(Hdf5Handle file, const std::string& path) {
  file.close(fmt::format("write the HDF5 file {}", path));
}

void create_root(const std::string& path, const FileSpec& spec) {
  Hdf5Handle file = create_file(path);
  write_attribute(file, {"Conventions", "CF-1.9"});
  write_attribute(file, {"title", spec.title});
  write_attribute(file, {"source", spec.source});
  write_attribute(file, {"windrow_format", kFileFormat});
  create_arrays(file, spec);
  close(std::move(file), path);
}

// What is written without HDF5 is allocated in a session of its own, each on a page of its own, behind all that is
// there already: alignment is a property of the session, and of all that is allocated in it.

/// What comes after the arrays begins at a multiple of `unit`, too: leader 0 alone writes there. Returns where.
std::int64_t allocate_arrays(const std::string& path, FileLayout& layout, std::int64_t unit) {
  Hdf5Handle file = open_to_allocate(path, unit);
  for (ArrayLayout& array : layout.arrays)
    array.data = {allocate(file, fmt::format("/{}", array.name)), array.extents.bytes(array.type)};
  const std::int64_t end = layout.arrays.back().data.end();
  leave_gap(file, round_up(end, unit) - end);
  close(std::move(file), path);
  return round_up(end, unit);
}

void create_rest(const std::string& path, const FileSpec& spec, const FileLayout& layout) {
  Hdf5Handle file = open_file(path);
  create_scalars(file, spec);
  write_provenance(file, spec, layout);
  close(std::move(file), path);
}

/// The seal last: it ends the file.
void allocate_rest(const std::string& path, const FileSpec& spec, FileLayout& layout) {
  Hdf5Handle file = open_to_allocate(path, kPageBytes);
  for (ArrayLayout& array : layout.arrays) {
    const std::string dataset = fmt::format("/{}/{}/{}", kProvenance, kChecksums, array.name);
    const auto item = static_cast<std::int64_t>(sizeof(std::uint64_t));
    array.checksums = {allocate(file, dataset), group_count(array.data.bytes) * item};
  }
  layout.seal = {allocate(file, fmt::format("/{}/{}", kProvenance, kSeal)), seal_bytes(spec)};
  close(std::move(file), path);
}

/// What ends at `end` must be the last of the file, which neither HDF5's documentation nor its format promises.
void check_layout(const std::string& path, const FileLayout& layout, std::int64_t end) {
  const auto by_offset = [](const ArrayLayout& array) { return array.data.offset; };
  const std::int64_t size = FileReader(path).size();
  const bool on_pages = std::ranges::all_of(layout.arrays, [](const ArrayLayout& array) {
    return array.is_compressed || array.data.offset % kPageBytes == 0;
  });
  if (size != end || !on_pages || !std::ranges::is_sorted(layout.arrays, {}, by_offset))
    throw Error(ExitStatus::internal, "this HDF5 library laid out {} in an unforeseen way: {} bytes, not {}", path,
                size, end);
}

}  // namespace

FileLayout create_skeleton(const std::string& path, const FileSpec& spec, std::int64_t unit) {
  check_names(spec);
  prepare_hdf5();
  create_root(path, spec);
  FileLayout layout;
  for (const ArraySpec& array : spec.arrays)
    layout.arrays.push_back({array.name, array.type, array.extents, {}, {}, spec.compression != 0});
  // The chunks of a compressed array get their places one by one, when their sizes are known.
  if (spec.compression != 0 || layout.arrays.empty()) return layout;
  check_layout(path, layout, allocate_arrays(path, layout, unit));
  return layout;
}

void complete_skeleton(const std::string& path, const FileSpec& spec, FileLayout& layout) {
  create_rest(path, spec, layout);
  allocate_rest(path, spec, layout);
  check_layout(path, layout, layout.file_bytes());
}

}  // namespace windrow::io
