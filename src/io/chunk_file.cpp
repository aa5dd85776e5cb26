#include "io/chunk_file.hpp"

#include <hdf5.h>

#include <vector>

#include "io/file_reader.hpp"
#include "io/netcdf.hpp"

namespace windrow::io {
namespace {

/// Bits of a chunk's filter mask, in the order of the filters: shuffle and deflate have not been applied.
constexpr std::uint32_t kUnfiltered = 0b11;

std::int64_t size_of(const std::string& path) {
  return FileReader(path).size();
}

}  // namespace

ChunkFile::ChunkFile(const std::string& path, const std::string& dataset)
    : path_(path),
      dataset_name_(dataset),
      begin_(size_of(path)),
      file_(open_file(path)),
      dataset_(H5Dopen2(file_.get(), dataset.c_str(), H5P_DEFAULT), H5Dclose,
               fmt::format("open the dataset '{}'", dataset)) {}

void ChunkFile::store(std::span<const std::int64_t> origin, std::span<const std::byte> bytes, bool is_filtered) {
  const std::vector<hsize_t> place(origin.begin(), origin.end());
  const herr_t result = H5Dwrite_chunk(dataset_.get(), H5P_DEFAULT, is_filtered ? 0 : kUnfiltered, place.data(),
                                       bytes.size(), bytes.data());
  if (result < 0) {
    dataset_.abandon();
    file_.abandon();
  }
  hdf5_written(result, fmt::format("write the dataset '{}'", dataset_name_), path_);
}

Region ChunkFile::close() {
  const std::string doing = fmt::format("write the dataset '{}'", dataset_name_);
  dataset_.close(doing);
  file_.close(doing);
  return {begin_, size_of(path_) - begin_};
}

}  // namespace windrow::io
