#include "io/chunk_grid.hpp"

#include <algorithm>

#include "base/units.hpp"

namespace windrow::io {
namespace {

constexpr std::int64_t kUsualChunk = 512 * kKiB;
constexpr std::int64_t kLargestChunk = kMiB;

std::int64_t divide_up(std::int64_t a, std::int64_t b) {
  return (a - 1) / b + 1;
}

/// The length of equal parts of `length` that are no longer than `most`, and as few as can be.
std::int64_t equal_parts(std::int64_t length, std::int64_t most) {
  return divide_up(length, divide_up(length, most));
}

}  // namespace

ChunkGrid::ChunkGrid(const Extents& extents, ElementType type)
    : extents_(extents), element_bytes_(bytes_of(type)), chunk_cols_(extents.cols) {
  const std::int64_t row_bytes = checked_multiply(extents.cols, element_bytes_);
  if (row_bytes <= kLargestChunk) {
    chunk_rows_ = equal_parts(extents.rows, std::max<std::int64_t>(kUsualChunk / row_bytes, 1));
  } else {
    chunk_cols_ = equal_parts(extents.cols, kUsualChunk / element_bytes_);
    chunks_across_ = divide_up(extents.cols, chunk_cols_);
  }
}

std::int64_t ChunkGrid::bytes() const {
  return chunk_rows_ * chunk_cols_ * element_bytes_;
}

std::int64_t ChunkGrid::first_from_row(std::int64_t row) const {
  return row == 0 ? 0 : divide_up(row, chunk_rows_) * chunks_across_;
}

std::vector<std::int64_t> ChunkGrid::as_dimensions(std::int64_t row, std::int64_t col) const {
  if (extents_.one_dimensional) return {row};
  return {row, col};
}

std::vector<std::int64_t> ChunkGrid::origin(std::int64_t chunk) const {
  return as_dimensions(chunk / chunks_across_ * chunk_rows_, chunk % chunks_across_ * chunk_cols_);
}

ByteRange ChunkGrid::array_bytes(std::int64_t chunk) const {
  const std::int64_t row = chunk / chunks_across_ * chunk_rows_;
  const std::int64_t col = chunk % chunks_across_ * chunk_cols_;
  const std::int64_t rows = std::min(chunk_rows_, extents_.rows - row);
  const std::int64_t cols = std::min(chunk_cols_, extents_.cols - col);
  const std::int64_t begin = row * extents_.cols + col;
  return {begin * element_bytes_, (begin + rows * cols) * element_bytes_};
}

}  // namespace windrow::io
