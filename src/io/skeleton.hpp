#pragma once

#include <string>

#include "io/file_layout.hpp"
#include "io/file_spec.hpp"

namespace windrow::io {

/// Makes the whole file at `path`, which must exist and loses its content: a valid netCDF-4 file that lacks only the
/// bytes of the arrays, of their checksums, and of the seal. All of these read as zeros and lie where the result says.
/// *Cost*: milliseconds; the arrays take no disk space yet.
/// *Throws*, on the calling rank: Error(usage) for names, Error(resources) for a full disk, else Error(io).
[[nodiscard]] FileLayout create_skeleton(const std::string& path, const FileSpec& spec);

}  // namespace windrow::io
