#include "mpi/count.hpp"

#include <limits>

#include "base/error.hpp"

namespace windrow {

int mpi_count(std::int64_t count) {
  if (count < 0 || count > std::numeric_limits<int>::max())
    throw Error(ExitStatus::internal, "a message of {} elements does not fit into one MPI call", count);
  return static_cast<int>(count);
}

}  // namespace windrow
