#include "io/compressor.hpp"

#include <libdeflate.h>

#include <algorithm>
#include <new>

#include "base/error.hpp"

namespace windrow::io {
namespace {

/// Of a piece at a time, which stays in the first cache while its bytes are gone through once a place.
template <std::size_t Width>
void shuffle_elements(const std::byte* __restrict from, std::size_t count, std::byte* __restrict to) {
  constexpr std::size_t piece = 256;
  for (std::size_t begin = 0; begin < count; begin += piece) {
    const std::size_t end = std::min(count, begin + piece);
    for (std::size_t place = 0; place < Width; ++place)
      for (std::size_t n = begin; n < end; ++n) to[place * count + n] = from[n * Width + place];
  }
}

}  // namespace

void shuffle(std::span<const std::byte> elements, std::int64_t element_bytes, std::span<std::byte> out) {
  const std::size_t count = elements.size() / static_cast<std::size_t>(element_bytes);
  switch (element_bytes) {
    case 8:
      return shuffle_elements<8>(elements.data(), count, out.data());
    case 4:
      return shuffle_elements<4>(elements.data(), count, out.data());
    default:
      std::ranges::copy(elements, out.begin());  // single bytes, of which HDF5's filter leaves the order too
  }
}

Compressor::Compressor(std::int64_t level, std::int64_t element_bytes, std::int64_t chunk_bytes)
    : deflate_(libdeflate_alloc_compressor(static_cast<int>(level))),
      element_bytes_(element_bytes),
      shuffled_(static_cast<std::size_t>(chunk_bytes)) {
  if (!deflate_) throw std::bad_alloc();
}

void Compressor::Free::operator()(libdeflate_compressor* deflate) const {
  libdeflate_free_compressor(deflate);
}

std::int64_t Compressor::compress(std::span<const std::byte> chunk, std::span<std::byte> out) {
  shuffle(chunk, element_bytes_, shuffled_);
  // What does not fit is none of its results: then it returns 0.
  const std::size_t bytes =
      libdeflate_zlib_compress(deflate_.get(), shuffled_.data(), shuffled_.size(), out.data(), chunk.size() - 1);
  if (bytes != 0) return static_cast<std::int64_t>(bytes);
  std::ranges::copy(chunk, out.begin());
  return std::ssize(chunk);
}

}  // namespace windrow::io
