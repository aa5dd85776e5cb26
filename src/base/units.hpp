#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace windrow {

inline constexpr std::int64_t kKiB = std::int64_t{1} << 10;
inline constexpr std::int64_t kMiB = std::int64_t{1} << 20;
inline constexpr std::int64_t kGiB = std::int64_t{1} << 30;

/// "480.0 MB" (decimal, as disks and h5py count) for a number of bytes.
[[nodiscard]] std::string format_bytes(std::int64_t bytes);

/// "0.0195 s", "12.3 s", "4 min 05 s", "3 h 12 min".
[[nodiscard]] std::string format_seconds(double seconds);

/// Bytes of "64 GiB", "480MB", "1.5G", "4096". Units: K M G T (powers of 1024, as Slurm and `df -h` have it), KB MB GB
/// TB (powers of 1000), KiB MiB GiB TiB. Throws Error(usage), on the calling rank.
[[nodiscard]] std::int64_t parse_bytes(std::string_view text);

}  // namespace windrow
