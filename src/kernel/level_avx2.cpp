// The kernels for processors with AVX2; compiled with the flags that CMake gives this file.
#include "kernel/kernels.hpp"

#if defined(__AVX2__)
#define WINDROW_LANE_BYTES 32
#include "kernel/table.hpp"

namespace windrow::kernel {

const Kernels* avx2_kernels() {
  return &kTable;
}

}  // namespace windrow::kernel

#else

namespace windrow::kernel {

const Kernels* avx2_kernels() {
  return nullptr;
}

}  // namespace windrow::kernel

#endif
