#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/extents.hpp"
#include "io/file_reader.hpp"
#include "io/number_format.hpp"
#include "io/slice.hpp"

namespace windrow::io {

/// The numbers of an array as a file holds it, and where. A one-dimensional array is a single row here: its elements
/// are what is dealt out.
struct StoredArray {
  enum class Order : std::uint8_t {
    rows,     ///< row after row from `offset` on
    columns,  ///< column after column
    library,  ///< in chunks, compressed, or not there at all: only the HDF5 library knows
  };
  NumberFormat format;  ///< as it comes from the file, or out of the library
  Order order = Order::rows;
  bool one_dimensional = false;
  std::int64_t extents[2]{1, 0};
  std::int64_t offset = 0;  ///< in bytes, but for Order::library
  /// Of samples, each of which is a row here: what the columns are made of.
  std::int64_t sample[2]{0, 0};  ///< rows and columns; the latter 0 for samples of one dimension
  std::int64_t chunk[2]{0, 0};   ///< extents of a chunk, of Order::library; 0 without chunks
  bool is_compressed = false;

  /// Takes the extents of a file's array, or of one of samples. Returns whether it has as many axes as it can have.
  [[nodiscard]] bool take_extents(std::span<const std::int64_t> axes, bool is_of_samples);

  [[nodiscard]] std::int64_t bytes() const {
    return checked_multiply(checked_multiply(extents[0], extents[1]), format.bytes);
  }
};

/// A rectangle of a stored array: rows and columns of it.
struct Part {
  Selection rows;
  Selection cols;
};

/// Reads a part of an array that lies row after row or column after column, and converts it to elements of `type`, row
/// after row from `destination` on: straight into it where nothing needs to be converted, else by buffers of some
/// megabytes. *Throws* Error(io), on the calling rank.
void read_plain(const FileReader& file, const StoredArray& array, const Part& part, ElementType type,
                std::byte* destination);

}  // namespace windrow::io
