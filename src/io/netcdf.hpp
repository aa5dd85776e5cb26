#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/extents.hpp"
#include "io/file_spec.hpp"
#include "io/hdf5_handles.hpp"

// The objects of a netCDF-4 file, made with HDF5: creation order is tracked everywhere, every axis has a dimension
// scale without storage, texts have a fixed length and end with NUL. Source: "NetCDF-4 File Format" of the NetCDF
// User's Guide. All functions throw as hdf5_ok does.
namespace windrow::io {

/// Creates the content of an existing file anew.
[[nodiscard]] Hdf5Handle create_file(const std::string& path);

/// Opens a file to add to it.
[[nodiscard]] Hdf5Handle open_file(const std::string& path);

/// Opens a file such that all space allocated in it starts at a multiple of `unit` bytes and comes after all that is
/// allocated already.
[[nodiscard]] Hdf5Handle open_to_allocate(const std::string& path, std::int64_t unit);

/// Leaves so many bytes unused behind all that is allocated.
void leave_gap(const Hdf5Handle& file, std::int64_t bytes);

[[nodiscard]] Hdf5Handle create_group(const Hdf5Handle& parent, const std::string& name);

/// The length is kept in the name by netCDF's rule; no storage is ever allocated.
[[nodiscard]] Hdf5Handle create_dimension(const Hdf5Handle& group, const Dimension& dimension);

/// HDF5's type of an element in a file, valid as long as the library is open.
[[nodiscard]] Hid file_type(ElementType type);
[[nodiscard]] Hid file_type_uint64();
[[nodiscard]] Hid file_type_uint8();

/// A contiguous dataset without fill value, whose storage is allocated by its first write.
[[nodiscard]] Hdf5Handle create_dataset(const Hdf5Handle& group, const std::string& name, Hid type,
                                        std::span<const std::int64_t> shape);

/// A dataset of chunks that are shuffled and deflated, whose storage is allocated when they are written.
[[nodiscard]] Hdf5Handle create_compressed_dataset(const Hdf5Handle& group, const std::string& name, Hid type,
                                                   std::span<const std::int64_t> shape,
                                                   std::span<const std::int64_t> chunk, std::int64_t level);

void attach_dimension(const Hdf5Handle& dataset, const Hdf5Handle& dimension, unsigned axis);

void write_attribute(const Hdf5Handle& object, const Attribute& attribute);

/// Datasets of rank 0 with their value.
[[nodiscard]] Hdf5Handle write_scalar(const Hdf5Handle& group, const std::string& name,
                                      const std::variant<std::int64_t, double>& value);
void write_text(const Hdf5Handle& group, const std::string& name, std::string_view text);

/// One-dimensional datasets with their values, along `dimension`.
[[nodiscard]] Hdf5Handle write_column(const Hdf5Handle& group, const std::string& name, const Hdf5Handle& dimension,
                                      std::span<const std::int64_t> values);
[[nodiscard]] Hdf5Handle write_column(const Hdf5Handle& group, const std::string& name, const Hdf5Handle& dimension,
                                      std::span<const double> values);

/// Allocates the storage of a dataset and returns its offset in the file. Its first element is written, as zero.
[[nodiscard]] std::int64_t allocate(const Hdf5Handle& file, const std::string& dataset_path);

}  // namespace windrow::io
