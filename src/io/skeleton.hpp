#pragma once

#include <cstdint>
#include <string>

#include "io/file_layout.hpp"
#include "io/file_spec.hpp"

// A file is made in two steps, since its arrays are written while they are computed, and how it came to be is known
// only then: first the arrays' places, at the end all the rest.
namespace windrow::io {

/// Makes the file at `path`, which must exist and loses its content, with the arrays of `spec`, which read as zeros; of
/// the scalars only the names count, and the provenance not at all. Each array, and what comes after the last, begins
/// at a multiple of `unit` bytes. *Cost*: milliseconds; the arrays take no disk space yet. *Returns* where they are;
/// the checksums and the seal are nowhere yet, nor are arrays that are to be compressed. *Throws*, on the calling rank:
/// Error(usage) for names, Error(resources) for a full disk, else Error(io).
[[nodiscard]] FileLayout create_skeleton(const std::string& path, const FileSpec& spec, std::int64_t unit);

/// Adds all the rest of `spec`, whose arrays are still the same, and in `layout` if they are compressed: a valid
/// netCDF-4 file then lacks only the bytes of the checksums and of the seal, which read as zeros and lie where `layout`
/// says from now on. *Cost*: milliseconds. *Throws*: as create_skeleton().
void complete_skeleton(const std::string& path, const FileSpec& spec, FileLayout& layout);

}  // namespace windrow::io
