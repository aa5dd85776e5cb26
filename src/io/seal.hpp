#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "io/checksums.hpp"
#include "io/file_layout.hpp"
#include "io/file_reader.hpp"
#include "io/file_spec.hpp"

// The seal is the completeness mark: the last bytes of a file, zero until all others are written. Its reader needs no
// HDF5, so that a damaged file is refused before any library parses it. All numbers are little-endian, 64 bits wide:
//
//   "WNDRSEAL"  format  bytes of the file  fingerprint of the metadata (2 numbers)  number of arrays
//   for each array:  data offset, bytes  checksums offset, bytes  bytes of a group  rows  columns  dimensions (1 or 2)
//                    element type  0, or 1 if it is compressed
//                    bytes of its name  its name, filled up with zeros to a multiple of 8
//   bytes of the seal  XXH3-64 of the seal up to here  "windrow\n"
//
// Metadata is every byte of the file that is neither in an array's data nor in the seal, the checksums included.
namespace windrow::io {

struct Seal {
  std::int64_t format = kFileFormat;
  FileLayout layout;
  Fingerprint::Value metadata{};
};

/// What ends a sealed file: its size, and the number of bytes that are read to find the seal.
inline constexpr std::int64_t kTrailerBytes = 24;

/// How many bytes the seal of a file has.
[[nodiscard]] std::int64_t seal_bytes(const FileSpec& spec);

[[nodiscard]] std::vector<std::byte> encode(const Seal& seal);

/// The size of the seal that ends with `trailer`, or 0 if no seal does. *Shape*: `trailer` has kTrailerBytes.
[[nodiscard]] std::int64_t sealed_bytes(std::span<const std::byte> trailer);

/// The seal of a file of `file_bytes` bytes that ends with `bytes`. Every number is checked: whatever the bytes are,
/// the regions of the result lie in the file and do not overlap. *Throws* Error(verification), on the calling rank.
[[nodiscard]] Seal decode(std::span<const std::byte> bytes, std::int64_t file_bytes);

/// Fingerprint of the metadata of a file. *Cost*: reads the metadata. *Throws* as FileReader::read.
[[nodiscard]] Fingerprint::Value fingerprint_metadata(const FileReader& file, const FileLayout& layout);

/// Seals the file at `path`, of which all other bytes have been written. *Cost*: reads the metadata, writes the seal.
/// *Throws* as FileReader and FileWriter do, on the calling rank.
void write_seal(const std::string& path, const FileLayout& layout);

}  // namespace windrow::io
