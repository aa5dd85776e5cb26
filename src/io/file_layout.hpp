#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/extents.hpp"
#include "base/partition.hpp"

namespace windrow::io {

/// The format that this version writes and reads: the root attribute `windrow_format`, and the seal's.
inline constexpr std::int64_t kFileFormat = 1;

/// Arrays start on a page, so that they can be mapped in place.
inline constexpr std::int64_t kPageBytes = 4096;
/// The largest multiple at which they start, where several nodes write.
inline constexpr std::int64_t kMostUnitBytes = kGroupBytes;

/// A span of bytes of a file.
struct Region {
  std::int64_t offset = 0;
  std::int64_t bytes = 0;

  [[nodiscard]] std::int64_t end() const { return offset + bytes; }
  friend bool operator==(const Region&, const Region&) = default;
};

/// Where an array lies in its file: row-major, native little-endian, without gaps; or, if it is compressed, its chunks
/// with HDF5's index of them, in the order in which they were stored. And where the checksums of that part of the file
/// do, one little-endian 64-bit number for each group.
struct ArrayLayout {
  std::string name;
  ElementType type = ElementType::float64;
  Extents extents;
  Region data;
  Region checksums;
  bool is_compressed = false;

  [[nodiscard]] std::int64_t row_bytes() const { return checked_multiply(extents.cols, bytes_of(type)); }
};

/// Where everything lies that is written after the skeleton. The seal ends the file.
struct FileLayout {
  std::vector<ArrayLayout> arrays;  ///< by ascending offset of their data
  Region seal;

  [[nodiscard]] std::int64_t file_bytes() const { return seal.end(); }
};

}  // namespace windrow::io
