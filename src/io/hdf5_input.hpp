#pragma once

#include <cstdint>
#include <string>

#include "io/file_reader.hpp"
#include "io/stored_array.hpp"

// Datasets of HDF5 files that others have written. All of the library runs in a child process (isolated.hpp).
namespace windrow::io {

struct Hdf5Dataset {
  std::string name;  ///< whole: "/group/name"
  StoredArray array;
};

/// Reads the header of a dataset; without a name, that of the only one in the file (scales of dimensions aside).
/// *Cost*: milliseconds. *Throws* Error(io), on the calling rank, for all that cannot be read.
[[nodiscard]] Hdf5Dataset describe_hdf5(const FileReader& input, const std::string& dataset, bool is_of_samples);

/// Reads a part by the library, and converts it to elements of `type`, row after row from `destination` on. *Cost*: a
/// buffer of 16 MiB, or of a row of chunks; the speed of one process's decompression. *Throws* Error(io).
void read_by_library(const FileReader& input, const Hdf5Dataset& dataset, const Part& part, ElementType type,
                     std::byte* destination);

}  // namespace windrow::io
