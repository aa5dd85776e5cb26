#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "io/file_layout.hpp"

namespace windrow::io {

struct VerifyOptions {
  int threads = 1;
  /// Called by the calling thread now and then with the bytes that are checked.
  std::function<void(std::int64_t bytes_done, std::int64_t bytes_total)> progress;
};

struct VerifyReport {
  std::vector<ArrayLayout> arrays;
  std::int64_t file_bytes = 0;
  double seconds = 0.0;
};

/// Checks that a file is whole and every byte of it is what it was when it was sealed. Needs no HDF5 and survives any
/// file. *Cost*: reads the file once, more than 2 GB/s a thread from the page cache.
/// *Throws*, on the calling rank: Error(io) for what cannot be opened or read; Error(verification) for a file that is
/// not one of Windrow's, was never completed, is cut off, or has changed, with the datasets and rows that did.
[[nodiscard]] VerifyReport verify(const std::string& path, const VerifyOptions& options = {});

}  // namespace windrow::io
