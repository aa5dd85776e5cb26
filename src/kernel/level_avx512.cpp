// The kernels for processors with AVX-512 (F, DQ, VL, BW); compiled with the flags that CMake gives this file.
#include "kernel/kernels.hpp"

#if defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__AVX512VL__) && defined(__AVX512BW__)
#define WINDROW_LANE_BYTES 64
#include "kernel/table.hpp"

namespace windrow::kernel {

const Kernels* avx512_kernels() {
  return &kTable;
}

}  // namespace windrow::kernel

#else

namespace windrow::kernel {

const Kernels* avx512_kernels() {
  return nullptr;
}

}  // namespace windrow::kernel

#endif
