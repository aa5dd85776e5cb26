#include "io/stored_array.hpp"

#include <algorithm>
#include <limits>
#include <span>
#include <vector>

namespace windrow::io {
namespace {

// Large enough for a disk and a system call, small enough for a cache.
constexpr std::int64_t kBufferBytes = std::int64_t{1} << 20;

std::span<std::byte> bytes_at(std::byte* first, std::int64_t bytes) {
  return {first, static_cast<std::size_t>(bytes)};
}

/// Some of the numbers of a line of the file, which is a row or a column.
class LineReader {
 public:
  LineReader(const FileReader& file, const StoredArray& array, ElementType type)
      : file_(file), array_(array), type_(type), stored_bytes_(array.format.bytes) {}

  /// Reads the selected numbers of a line that begins at `offset` and has them converted one after the other.
  void read(std::int64_t offset, const Selection& selected, std::byte* destination) {
    if (selected.step == 1 && are_elements(array_.format, type_)) {
      file_.read(offset + selected.start * stored_bytes_, bytes_at(destination, selected.count * stored_bytes_));
      return;
    }
    const std::int64_t step_bytes = selected.step * stored_bytes_;
    // Further apart than a buffer is long, each number is read by itself.
    const std::int64_t most = std::max<std::int64_t>(1, kBufferBytes / step_bytes);
    for (std::int64_t done = 0; done < selected.count;) {
      const std::int64_t count = std::min(most, selected.count - done);
      buffer_.resize(static_cast<std::size_t>((count - 1) * step_bytes + stored_bytes_));
      file_.read(offset + selected.start * stored_bytes_ + done * step_bytes, buffer_);
      convert({buffer_.data(), step_bytes, count, array_.format}, type_, destination + done * bytes_of(type_));
      done += count;
    }
  }

 private:
  const FileReader& file_;
  const StoredArray& array_;
  ElementType type_;
  std::int64_t stored_bytes_;
  std::vector<std::byte> buffer_;
};

/// Short rows: a buffer of many of them at once.
void read_short_rows(const FileReader& file, const StoredArray& array, const Part& part, ElementType type,
                     std::byte* destination) {
  const std::int64_t row_bytes = array.extents[1] * array.format.bytes;
  const std::int64_t step_bytes = part.rows.step * row_bytes;
  const std::int64_t most = kBufferBytes / step_bytes;
  const std::int64_t out_bytes = part.cols.count * bytes_of(type);
  std::vector<std::byte> buffer;
  for (std::int64_t done = 0; done < part.rows.count;) {
    const std::int64_t rows = std::min(most, part.rows.count - done);
    const std::int64_t first = part.rows.start + done * part.rows.step;
    buffer.resize(static_cast<std::size_t>((rows - 1) * step_bytes + row_bytes));
    file.read(array.offset + first * row_bytes, buffer);
    for (std::int64_t row = 0; row < rows; ++row)
      convert({buffer.data() + row * step_bytes + part.cols.start * array.format.bytes,
               part.cols.step * array.format.bytes, part.cols.count, array.format},
              type, destination + (done + row) * out_bytes);
    done += rows;
  }
}

void read_rows(const FileReader& file, const StoredArray& array, const Part& part, ElementType type,
               std::byte* destination) {
  const std::int64_t row_bytes = array.extents[1] * array.format.bytes;
  const bool whole_rows = part.cols.step == 1 && part.cols.count == array.extents[1] && part.rows.step == 1;
  LineReader line(file, array, type);
  if (whole_rows) {
    const std::int64_t first = part.rows.start * array.extents[1];
    line.read(array.offset, {first, part.rows.count * array.extents[1], 1}, destination);
  } else if (part.rows.step <= kBufferBytes / row_bytes) {
    read_short_rows(file, array, part, type, destination);
  } else {
    for (std::int64_t i = 0; i < part.rows.count; ++i)
      line.read(array.offset + (part.rows.start + i * part.rows.step) * row_bytes, part.cols,
                destination + i * part.cols.count * bytes_of(type));
  }
}

/// A band of rows at a time, each of its columns in turn.
void read_columns(const FileReader& file, const StoredArray& array, const Part& part, ElementType type,
                  std::byte* destination) {
  const std::int64_t element_bytes = bytes_of(type);
  const std::int64_t column_bytes = array.extents[0] * array.format.bytes;
  const std::int64_t band = std::max<std::int64_t>(1024, 4 * kBufferBytes / (part.cols.count * element_bytes));
  LineReader line(file, array, type);
  std::vector<std::byte> column;
  for (std::int64_t done = 0; done < part.rows.count; done += band) {
    const Selection rows{part.rows.start + done * part.rows.step, std::min(band, part.rows.count - done),
                         part.rows.step};
    column.resize(static_cast<std::size_t>(rows.count * element_bytes));
    for (std::int64_t j = 0; j < part.cols.count; ++j) {
      line.read(array.offset + (part.cols.start + j * part.cols.step) * column_bytes, rows, column.data());
      for (std::int64_t i = 0; i < rows.count; ++i)
        std::copy_n(column.data() + i * element_bytes, element_bytes,
                    destination + ((done + i) * part.cols.count + j) * element_bytes);
    }
  }
}

}  // namespace

bool StoredArray::take_extents(std::span<const std::int64_t> axes, bool is_of_samples) {
  const std::size_t least = is_of_samples ? 2 : 1;
  if (axes.size() < least || axes.size() > least + 1) return false;
  one_dimensional = axes.size() == 1;
  extents[0] = one_dimensional ? 1 : axes[0];
  extents[1] = axes[one_dimensional ? 0 : 1];
  if (!is_of_samples) return true;
  sample[0] = axes[1];
  sample[1] = axes.size() == 3 ? axes[2] : 0;
  // More than can be is for the caller to refuse.
  if (axes.size() == 3 && __builtin_mul_overflow(axes[1], axes[2], &extents[1]))
    extents[1] = std::numeric_limits<std::int64_t>::max();
  return true;
}

void read_plain(const FileReader& file, const StoredArray& array, const Part& part, ElementType type,
                std::byte* destination) {
  if (part.rows.count == 0 || part.cols.count == 0) return;
  if (array.order == StoredArray::Order::columns)
    read_columns(file, array, part, type, destination);
  else
    read_rows(file, array, part, type, destination);
}

}  // namespace windrow::io
