#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "io/number_format.hpp"

namespace windrow::io {

/// What the header of a .npy file tells (numpy.lib.format, versions 1.0, 2.0 and 3.0).
struct NpyHeader {
  NumberFormat format;
  std::vector<std::int64_t> extents;
  bool fortran_order = false;
  std::int64_t header_bytes = 0;  ///< the data follow
};

inline constexpr std::string_view kNpyMagic = "\x93NUMPY";
/// No header is longer; of a file of more, so many bytes are enough to read it.
inline constexpr std::int64_t kMostNpyHeaderBytes = std::int64_t{64} << 10;

/// Reads the header at the beginning of a file, of which `bytes` are the first. Evaluates nothing. *Throws* Error(io),
/// on the calling rank, saying what is wrong with "it".
[[nodiscard]] NpyHeader parse_npy_header(std::string_view bytes);

}  // namespace windrow::io
