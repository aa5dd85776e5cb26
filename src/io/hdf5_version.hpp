#pragma once

#include <string>

namespace windrow::io {

/// "1.10.8": of the HDF5 library that is loaded.
[[nodiscard]] std::string hdf5_version();

}  // namespace windrow::io
