// The kernels for any processor of the architecture: SSE2 on x86-64, what the compiler makes of them elsewhere.
#define WINDROW_LANE_BYTES 16
#include "kernel/table.hpp"

namespace windrow::kernel {

const Kernels* baseline_kernels() {
  return &kTable;
}

}  // namespace windrow::kernel
