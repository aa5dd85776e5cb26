#pragma once

// XXH3 at the width of a level: see lanes.hpp for who may include this.

#include <cstddef>
#include <cstdint>

// GCC 12 warns of its own header of AVX-512 where an instruction without a mask is used.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#define XXH_INLINE_ALL
#include <xxhash.h>

namespace windrow::kernel {
namespace {

inline std::uint64_t hash(const void* bytes, std::size_t size) {
  return XXH3_64bits(bytes, size);
}

}  // namespace
}  // namespace windrow::kernel

#pragma GCC diagnostic pop
