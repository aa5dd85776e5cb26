#pragma once

#include <cstdint>
#include <vector>

#include "base/extents.hpp"

namespace windrow::io {

/// How a compressed array is divided into chunks, a function of its extents and type alone: as many whole rows as have
/// about half a mebibyte; or, of rows that have more than a mebibyte, pieces of one. So a chunk is a run of consecutive
/// elements, but for the zeros that fill up the last ones. Readers keep a mebibyte of a dataset's chunks in memory
/// unless told otherwise: larger chunks would be decompressed anew for each row that is read.
class ChunkGrid {
 public:
  ChunkGrid(const Extents& extents, ElementType type);

  /// As HDF5 has it: the extents of a chunk.
  [[nodiscard]] std::vector<std::int64_t> shape() const { return as_dimensions(chunk_rows_, chunk_cols_); }
  [[nodiscard]] std::int64_t rows() const { return chunk_rows_; }
  [[nodiscard]] std::int64_t bytes() const;
  /// How many chunks there are; they are numbered along the rows.
  [[nodiscard]] std::int64_t count() const { return first_from_row(extents_.rows); }
  /// The number of the first chunk that begins in this row or in a later one.
  [[nodiscard]] std::int64_t first_from_row(std::int64_t row) const;
  /// The place of a chunk's first element in the dataset.
  [[nodiscard]] std::vector<std::int64_t> origin(std::int64_t chunk) const;
  /// The bytes of the array that a chunk holds.
  [[nodiscard]] ByteRange array_bytes(std::int64_t chunk) const;

 private:
  [[nodiscard]] std::vector<std::int64_t> as_dimensions(std::int64_t row, std::int64_t col) const;

  Extents extents_;
  std::int64_t element_bytes_;
  std::int64_t chunk_rows_ = 1;
  std::int64_t chunk_cols_;
  std::int64_t chunks_across_ = 1;
};

}  // namespace windrow::io
