#include "io/hdf5_version.hpp"

#include <fmt/format.h>
#include <hdf5.h>

#include "io/hdf5_handles.hpp"

namespace windrow::io {

std::string hdf5_version() {
  prepare_hdf5();  // before the library starts by itself
  unsigned major = 0;
  unsigned minor = 0;
  unsigned release = 0;
  H5get_libversion(&major, &minor, &release);
  return fmt::format("{}.{}.{}", major, minor, release);
}

}  // namespace windrow::io
