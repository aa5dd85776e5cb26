#pragma once

#include <array>
#include <optional>
#include <string_view>

namespace windrow::kernel {

/// The instruction sets that the vector kernels are compiled for. All levels compute the same bytes, but for
/// functions whose last bits may differ at the baseline, which has no fused multiply-add: see docs/accuracy.md.
enum class Level { baseline, avx2, avx512 };

inline constexpr std::array kLevels{Level::baseline, Level::avx2, Level::avx512};

[[nodiscard]] std::string_view name_of(Level level);
[[nodiscard]] std::optional<Level> level_from(std::string_view name);

/// The best level that this processor and this build have.
[[nodiscard]] Level best_level();

/// The level in use by this process: best_level() until use_level() lowers it.
[[nodiscard]] Level level();

/// Lowers (or restores) the level in use. Throws Error(usage), on the calling rank, where the processor does not have
/// it.
void use_level(Level level);

}  // namespace windrow::kernel
