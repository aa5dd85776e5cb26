#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "base/extents.hpp"
#include "io/file_reader.hpp"
#include "io/stored_array.hpp"

namespace windrow::io {

/// What a deck says of an array that comes from a file.
struct InputSource {
  std::string path;
  std::string dataset{};       ///< of an HDF5 file; "" is its only one. A .npy file has none.
  std::string slice{};         ///< "" is all of it
  bool is_of_samples = false;  ///< the first of two or three dimensions is the sample, of which the slice is
};

/// An array in a file, a dataset of an HDF5 or netCDF-4 file or a .npy file, open to be read by any ranks at once.
class InputDataset {
 public:
  /// Opens the file and reads the array's header. *Cost*: milliseconds. *Throws* Error(io), on the calling rank, for
  /// what cannot be read; never waits, not even for a FIFO, and survives files that crash the HDF5 library.
  explicit InputDataset(InputSource source);

  [[nodiscard]] const FileReader& file() const { return file_; }

  /// What the slice leaves of the array.
  [[nodiscard]] Extents extents() const;
  /// Of a dataset of samples: the extents of one.
  [[nodiscard]] Extents sample() const;
  /// The element type that holds all of its numbers (io::natural_type()).
  [[nodiscard]] ElementType natural_type() const { return io::natural_type(array_.format); }
  /// How many rows of the slice are decompressed together: those of a chunk; 1 where each is read by itself.
  [[nodiscard]] std::int64_t chunk_rows() const;
  /// Bytes of the slice's numbers in the file, before compression.
  [[nodiscard]] std::int64_t bytes() const;
  /// "FILE:/group/name", or "FILE".
  [[nodiscard]] std::string name() const;
  /// "reads 480.0 MB from FILE:/name (float32, contiguous)".
  [[nodiscard]] std::string description() const;

  /// Reads rows of the slice as elements of `type` (io::convert()), row-major from `destination` on. *Cost*: raw
  /// reading straight into the rows where the file has the very elements; else buffers of some megabytes, and
  /// decompression of whole chunks. *Throws* Error(io), on the calling rank.
  void read(ElementType type, RowRange rows, std::byte* destination) const;

 private:
  void describe_npy();
  void describe_dataset();
  void take_slice();
  [[nodiscard]] const Selection& dealt() const { return array_.one_dimensional ? part_.cols : part_.rows; }

  InputSource source_;
  FileReader file_;
  StoredArray array_;
  std::string dataset_;  ///< whole name
  Part part_;
};

}  // namespace windrow::io
