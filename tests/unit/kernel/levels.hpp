#pragma once

#include <vector>

#include "kernel/kernels.hpp"
#include "kernel/level.hpp"

namespace windrow::kernel {

/// The levels that this processor has.
inline std::vector<Level> levels() {
  std::vector<Level> found;
  for (const Level level : kLevels)
    if (level <= best_level()) found.push_back(level);
  return found;
}

/// Runs `body` at every level that this processor has.
template <typename Body>
void at_every_level(Body body) {
  for (const Level level : levels()) {
    use_level(level);
    body(level);
  }
  use_level(best_level());
}

}  // namespace windrow::kernel
