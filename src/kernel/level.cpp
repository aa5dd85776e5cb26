#include "kernel/level.hpp"

#include <algorithm>
#include <atomic>

#include "base/error.hpp"
#include "kernel/kernels.hpp"

namespace windrow::kernel {
namespace {

bool processor_has(Level level) {
#if defined(__x86_64__)
  switch (level) {
    case Level::avx512:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
             __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
    case Level::avx2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case Level::baseline:
      break;
  }
#endif
  return level == Level::baseline;
}

const Kernels* compiled(Level level) {
  switch (level) {
    case Level::avx512:
      return avx512_kernels();
    case Level::avx2:
      return avx2_kernels();
    case Level::baseline:
      break;
  }
  return baseline_kernels();
}

bool available(Level level) {
  return processor_has(level) && compiled(level) != nullptr;
}

std::atomic<Level>& level_in_use() {
  static std::atomic<Level> in_use{best_level()};
  return in_use;
}

}  // namespace

std::string_view name_of(Level level) {
  switch (level) {
    case Level::avx512:
      return "avx512";
    case Level::avx2:
      return "avx2";
    case Level::baseline:
      break;
  }
  return "baseline";
}

std::optional<Level> level_from(std::string_view name) {
  const auto* const found = std::ranges::find_if(kLevels, [&](Level level) { return name_of(level) == name; });
  if (found == kLevels.end()) return std::nullopt;
  return *found;
}

Level best_level() {
  if (available(Level::avx512)) return Level::avx512;
  if (available(Level::avx2)) return Level::avx2;
  return Level::baseline;
}

Level level() {
  return level_in_use().load(std::memory_order_relaxed);
}

void use_level(Level level) {
  if (!available(level))
    throw Error(ExitStatus::usage, "this processor does not have the level '{}'; the best it has is '{}'",
                name_of(level), name_of(best_level()));
  level_in_use().store(level, std::memory_order_relaxed);
}

const Kernels& kernels() {
  return *compiled(level());
}

void finish_streaming() {
#if defined(__x86_64__)
  __builtin_ia32_sfence();
#endif
}

}  // namespace windrow::kernel
