#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

struct libdeflate_compressor;

namespace windrow::io {

/// Makes of chunks what HDF5's filters shuffle and deflate make of them: the same bytes for the same version of
/// libdeflate, on every processor.
class Compressor {
 public:
  /// For chunks of `chunk_bytes` bytes, and elements of 4 or 8. `level` is 1 to 9. *Throws*: std::bad_alloc, on the
  /// calling rank.
  Compressor(std::int64_t level, std::int64_t element_bytes, std::int64_t chunk_bytes);

  /// Compresses a chunk into `out` and returns how many bytes it takes there; a chunk that would not become smaller is
  /// copied as it is, and takes all of them. *Shape*: both have `chunk_bytes`. *Cost*: some milliseconds a mebibyte.
  [[nodiscard]] std::int64_t compress(std::span<const std::byte> chunk, std::span<std::byte> out);

 private:
  struct Free {
    void operator()(libdeflate_compressor* deflate) const;
  };
  std::unique_ptr<libdeflate_compressor, Free> deflate_;
  std::int64_t element_bytes_;
  std::vector<std::byte> shuffled_;
};

/// Sorts the bytes of elements by their place within the element: all first ones, then all second ones, ... *Shape*:
/// both have the same size, a multiple of `element_bytes`, which is 4 or 8. *Cost*: one copy.
void shuffle(std::span<const std::byte> elements, std::int64_t element_bytes, std::span<std::byte> out);

}  // namespace windrow::io
