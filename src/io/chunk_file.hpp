#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "io/file_layout.hpp"
#include "io/hdf5_handles.hpp"

namespace windrow::io {

/// Stores the chunks of a compressed dataset of an existing file, one dataset at a time. One process, leader 0, has it.
class ChunkFile {
 public:
  /// *Throws*: as hdf5_ok(), on the calling rank.
  ChunkFile(const std::string& path, const std::string& dataset);

  /// Stores the chunk that begins at `origin`: what the filters of the dataset make of it, or, unless `is_filtered`,
  /// its elements. *Cost*: one copy. *Throws*: as hdf5_written(), on the calling rank; then the file is lost.
  void store(std::span<const std::int64_t> origin, std::span<const std::byte> bytes, bool is_filtered);

  /// Ends the dataset, and returns the part of the file that it has got: chunks, and HDF5's index of them.
  /// *Throws*: as store().
  [[nodiscard]] Region close();

 private:
  std::string path_;
  std::string dataset_name_;
  std::int64_t begin_;
  Hdf5Handle file_;
  Hdf5Handle dataset_;
};

}  // namespace windrow::io
