#include "io/netcdf.hpp"

#include <hdf5.h>
#include <hdf5_hl.h>
#include <algorithm>

#include <array>
#include <vector>

#include "io/file_layout.hpp"

namespace windrow::io {
namespace {

constexpr unsigned kCreationOrder = H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED;

Hdf5Handle property_list(hid_t of_class) {
  return {H5Pcreate(of_class), H5Pclose, "create a property list"};
}

Hdf5Handle file_access() {
  Hdf5Handle access = property_list(H5P_FILE_ACCESS);
  // Readable by every HDF5 since 1.8; the newer object headers carry checksums and are smaller.
  hdf5_ok(H5Pset_libver_bounds(access.get(), H5F_LIBVER_V18, H5F_LIBVER_V18), "set the HDF5 format version");
  // Elements go to the file at once, so that H5Dwrite tells of a failure: what H5Dclose has still to write, and cannot,
  // would be missing from a file that otherwise is whole.
  hdf5_ok(H5Pset_sieve_buf_size(access.get(), 0), "turn the buffer of elements off");
  never_lock(access.get());
  return access;
}

Hdf5Handle open_file(const std::string& path, const Hdf5Handle& access) {
  return {H5Fopen(path.c_str(), H5F_ACC_RDWR, access.get()), H5Fclose, fmt::format("open the HDF5 file {}", path)};
}

void track_links(const Hdf5Handle& list) {
  hdf5_ok(H5Pset_link_creation_order(list.get(), kCreationOrder), "track the creation order");
}
void track_attributes(const Hdf5Handle& list) {
  hdf5_ok(H5Pset_attr_creation_order(list.get(), kCreationOrder), "track the creation order");
}

Hdf5Handle dataspace(std::span<const std::int64_t> shape) {
  std::vector<hsize_t> extents(shape.begin(), shape.end());
  return {H5Screate_simple(static_cast<int>(extents.size()), extents.data(), nullptr), H5Sclose, "create a dataspace"};
}

Hdf5Handle scalar_dataspace() {
  return {H5Screate(H5S_SCALAR), H5Sclose, "create a dataspace"};
}

/// Without times a file depends on its content alone.
Hdf5Handle dataset_creation() {
  Hdf5Handle list = property_list(H5P_DATASET_CREATE);
  track_attributes(list);
  hdf5_ok(H5Pset_obj_track_times(list.get(), false), "turn object times off");
  hdf5_ok(H5Pset_layout(list.get(), H5D_CONTIGUOUS), "set the layout");
  hdf5_ok(H5Pset_alloc_time(list.get(), H5D_ALLOC_TIME_LATE), "set the allocation time");
  hdf5_ok(H5Pset_fill_time(list.get(), H5D_FILL_TIME_NEVER), "turn filling off");
  return list;
}

Hdf5Handle create(const Hdf5Handle& group, const std::string& name, hid_t type, const Hdf5Handle& space,
                  const Hdf5Handle& list = dataset_creation()) {
  return {H5Dcreate2(group.get(), name.c_str(), type, space.get(), H5P_DEFAULT, list.get(), H5P_DEFAULT), H5Dclose,
          fmt::format("create the dataset '{}'", name)};
}

void write(const Hdf5Handle& dataset, const std::string& name, hid_t memory_type, const void* values) {
  hdf5_ok(H5Dwrite(dataset.get(), memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values),
          fmt::format("write the dataset '{}'", name));
}

/// Octave reads no text that is marked as UTF-8; text that is plain ASCII is marked as such.
Hdf5Handle text_type(std::string_view text) {
  const bool is_ascii = std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  Hdf5Handle type(H5Tcopy(H5T_C_S1), H5Tclose, "create a text type");
  hdf5_ok(H5Tset_size(type.get(), text.size() + 1), "size a text type");
  hdf5_ok(H5Tset_strpad(type.get(), H5T_STR_NULLTERM), "end a text type");
  hdf5_ok(H5Tset_cset(type.get(), is_ascii ? H5T_CSET_ASCII : H5T_CSET_UTF8), "encode a text type");
  return type;
}

void write_attribute(const Hdf5Handle& object, const std::string& name, hid_t file_type, hid_t memory_type,
                     const void* value) {
  const std::string doing = fmt::format("write the attribute '{}'", name);
  const Hdf5Handle space = scalar_dataspace();
  const Hdf5Handle attribute(H5Acreate2(object.get(), name.c_str(), file_type, space.get(), H5P_DEFAULT, H5P_DEFAULT),
                             H5Aclose, doing);
  hdf5_ok(H5Awrite(attribute.get(), memory_type, value), doing);
}

Hdf5Handle write_column(const Hdf5Handle& group, const std::string& name, const Hdf5Handle& dimension,
                        hid_t stored_type, hid_t memory_type, const void* values, std::size_t count) {
  const std::array shape{static_cast<std::int64_t>(count)};
  Hdf5Handle dataset = create_dataset(group, name, stored_type, shape);
  attach_dimension(dataset, dimension, 0);
  write(dataset, name, memory_type, values);
  return dataset;
}

}  // namespace

Hdf5Handle create_file(const std::string& path) {
  const Hdf5Handle access = file_access();
  const Hdf5Handle creation = property_list(H5P_FILE_CREATE);
  track_links(creation);
  track_attributes(creation);
  hdf5_ok(H5Pset_obj_track_times(creation.get(), false), "turn object times off");
  return {H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation.get(), access.get()), H5Fclose,
          fmt::format("create the HDF5 file {}", path)};
}

Hdf5Handle open_file(const std::string& path) {
  return open_file(path, file_access());
}

Hdf5Handle open_to_allocate(const std::string& path, std::int64_t unit) {
  const Hdf5Handle access = file_access();
  hdf5_ok(H5Pset_alignment(access.get(), 1, static_cast<hsize_t>(unit)), "set the alignment");
  hdf5_ok(H5Pset_small_data_block_size(access.get(), 0), "turn the packing of small datasets off");
  return open_file(path, access);
}

void leave_gap(const Hdf5Handle& file, std::int64_t bytes) {
  if (bytes == 0) return;
  hdf5_ok(H5Fincrement_filesize(file.get(), static_cast<hsize_t>(bytes)), "leave a gap in the file");
}

Hdf5Handle create_group(const Hdf5Handle& parent, const std::string& name) {
  const Hdf5Handle list = property_list(H5P_GROUP_CREATE);
  track_links(list);
  track_attributes(list);
  hdf5_ok(H5Pset_obj_track_times(list.get(), false), "turn object times off");
  return {H5Gcreate2(parent.get(), name.c_str(), H5P_DEFAULT, list.get(), H5P_DEFAULT), H5Gclose,
          fmt::format("create the group '{}'", name)};
}

Hdf5Handle create_dimension(const Hdf5Handle& group, const Dimension& dimension) {
  const Hdf5Handle space = dataspace(std::array{dimension.length});
  Hdf5Handle scale = create(group, dimension.name, H5T_IEEE_F32BE, space);
  const std::string note = fmt::format("This is a netCDF dimension but not a netCDF variable.{:>10}", dimension.length);
  hdf5_ok(H5DSset_scale(scale.get(), note.c_str()), fmt::format("make the dimension '{}'", dimension.name));
  return scale;
}

Hid file_type(ElementType type) {
  switch (type) {
    case ElementType::float32:
      return H5T_IEEE_F32LE;
    case ElementType::int64:
      return H5T_STD_I64LE;
    case ElementType::int32:
      return H5T_STD_I32LE;
    case ElementType::int8:
      return H5T_STD_I8LE;
    case ElementType::float64:
      break;
  }
  return H5T_IEEE_F64LE;
}

Hid file_type_uint64() {
  return H5T_STD_U64LE;
}
Hid file_type_uint8() {
  return H5T_STD_U8LE;
}

Hdf5Handle create_dataset(const Hdf5Handle& group, const std::string& name, Hid type,
                          std::span<const std::int64_t> shape) {
  return create(group, name, type, dataspace(shape));
}

Hdf5Handle create_compressed_dataset(const Hdf5Handle& group, const std::string& name, Hid type,
                                     std::span<const std::int64_t> shape, std::span<const std::int64_t> chunk,
                                     std::int64_t level) {
  const Hdf5Handle list = dataset_creation();
  const std::vector<hsize_t> extents(chunk.begin(), chunk.end());
  hdf5_ok(H5Pset_chunk(list.get(), static_cast<int>(extents.size()), extents.data()), "set the chunks");
  hdf5_ok(H5Pset_alloc_time(list.get(), H5D_ALLOC_TIME_INCR), "set the allocation time");
  hdf5_ok(H5Pset_shuffle(list.get()), "set the shuffle filter");
  hdf5_ok(H5Pset_deflate(list.get(), static_cast<unsigned>(level)), "set the deflate filter");
  return create(group, name, type, dataspace(shape), list);
}

void attach_dimension(const Hdf5Handle& dataset, const Hdf5Handle& dimension, unsigned axis) {
  hdf5_ok(H5DSattach_scale(dataset.get(), dimension.get(), axis), "attach a dimension");
}

void write_attribute(const Hdf5Handle& object, const Attribute& attribute) {
  if (const auto* text = std::get_if<std::string>(&attribute.value)) {
    const Hdf5Handle type = text_type(*text);
    write_attribute(object, attribute.name, type.get(), type.get(), text->c_str());
  } else if (const auto* whole = std::get_if<std::int64_t>(&attribute.value)) {
    write_attribute(object, attribute.name, H5T_STD_I64LE, H5T_NATIVE_INT64, whole);
  } else {
    write_attribute(object, attribute.name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, &std::get<double>(attribute.value));
  }
}

Hdf5Handle write_scalar(const Hdf5Handle& group, const std::string& name,
                        const std::variant<std::int64_t, double>& value) {
  if (const auto* whole = std::get_if<std::int64_t>(&value)) {
    Hdf5Handle dataset = create(group, name, H5T_STD_I64LE, scalar_dataspace());
    write(dataset, name, H5T_NATIVE_INT64, whole);
    return dataset;
  }
  Hdf5Handle dataset = create(group, name, H5T_IEEE_F64LE, scalar_dataspace());
  write(dataset, name, H5T_NATIVE_DOUBLE, &std::get<double>(value));
  return dataset;
}

void write_text(const Hdf5Handle& group, const std::string& name, std::string_view text) {
  const std::string terminated(text);
  const Hdf5Handle type = text_type(terminated);
  const Hdf5Handle dataset = create(group, name, type.get(), scalar_dataspace());
  write(dataset, name, type.get(), terminated.c_str());
}

Hdf5Handle write_column(const Hdf5Handle& group, const std::string& name, const Hdf5Handle& dimension,
                        std::span<const std::int64_t> values) {
  return write_column(group, name, dimension, H5T_STD_I64LE, H5T_NATIVE_INT64, values.data(), values.size());
}

Hdf5Handle write_column(const Hdf5Handle& group, const std::string& name, const Hdf5Handle& dimension,
                        std::span<const double> values) {
  return write_column(group, name, dimension, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, values.data(), values.size());
}

std::int64_t allocate(const Hdf5Handle& file, const std::string& dataset_path) {
  const std::string doing = fmt::format("allocate the dataset '{}'", dataset_path);
  const Hdf5Handle dataset(H5Dopen2(file.get(), dataset_path.c_str(), H5P_DEFAULT), H5Dclose, doing);
  const Hdf5Handle space(H5Dget_space(dataset.get()), H5Sclose, doing);
  const int rank = H5Sget_simple_extent_ndims(space.get());
  const std::vector<hsize_t> first(static_cast<std::size_t>(rank), 0);
  const std::vector<hsize_t> one(static_cast<std::size_t>(rank), 1);
  hdf5_ok(H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, first.data(), nullptr, one.data(), nullptr), doing);
  const Hdf5Handle element = scalar_dataspace();
  const std::int64_t zero = 0;  // as wide as the widest element
  const Hdf5Handle type(H5Dget_type(dataset.get()), H5Tclose, doing);
  hdf5_ok(H5Dwrite(dataset.get(), type.get(), element.get(), space.get(), H5P_DEFAULT, &zero), doing);
  const haddr_t offset = H5Dget_offset(dataset.get());
  if (offset == HADDR_UNDEF) hdf5_ok(-1, doing);
  return static_cast<std::int64_t>(offset);
}

}  // namespace windrow::io
