#pragma once

#include <cstdint>

namespace windrow {

/// The count of an MPI call. Every count handed to MPI passes here, since MPI-3 counts are `int`.
/// *Throws*: Error(internal), on the calling rank, beyond 2^31 - 1; long messages go in pieces of kMessageBytes.
[[nodiscard]] int mpi_count(std::int64_t count);

/// Largest piece of a long message or broadcast, in bytes.
inline constexpr std::int64_t kMessageBytes = std::int64_t{1} << 28;

}  // namespace windrow
