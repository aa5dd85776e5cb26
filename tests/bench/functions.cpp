// Functions of a few thousand numbers that are in the first-level cache, one core, at each vector level. Where the C
// library has a vector function (libmvec, also within 4 units in the last place) that is the loop written by hand.
// Rank 0 alone works.
#if defined(__AVX512F__)
#include <immintrin.h>
#endif

#include <cmath>
#include <random>
#include <vector>

#include "harness.hpp"
#include "kernel/kernels.hpp"
#include "kernel/level.hpp"

#if defined(__AVX512F__)
extern "C" {
__m512d _ZGVeN8v_exp(__m512d);
__m512d _ZGVeN8v_log(__m512d);
__m512d _ZGVeN8v_sin(__m512d);
__m512d _ZGVeN8v_cos(__m512d);
}
#endif

namespace windrow::bench {
namespace {

constexpr std::int64_t kCount = 1024;
constexpr int kTimes = 1000;

struct Arrays {
  std::vector<double> in = std::vector<double>(kCount + kernel::kLanePadding);
  std::vector<double> out = std::vector<double>(kCount);
  Arrays(double low, double high) {
    std::mt19937_64 generator(7);
    for (double& x : in) x = std::uniform_real_distribution<>(low, high)(generator);
  }
};

template <typename Body>
Program timed(Body body) {
  return [body](Clock& clock) {
    if (topology().world_rank() != 0) return;
    const double begin = MPI_Wtime();
    for (int n = 0; n < kTimes; ++n) body();
    clock.record(MPI_Wtime() - begin);
  };
}

using Scalar = double (*)(double);

Program by_library(Scalar function, const std::shared_ptr<Arrays>& arrays) {
  return timed([=] {
    for (std::size_t n = 0; n < kCount; ++n) arrays->out[n] = function(arrays->in[n]);
    benchmark::ClobberMemory();
  });
}

Program by_windrow(kernel::Function function, kernel::Level level, const std::shared_ptr<Arrays>& arrays) {
  return [=, work = timed([=] {
               kernel::kernels().unary[static_cast<std::size_t>(function)](arrays->in.data(), arrays->out.data(),
                                                                           kCount, kernel::Store::cached);
             })](Clock& clock) {
    const kernel::Level before = kernel::level();
    kernel::use_level(level);
    work(clock);
    kernel::use_level(before);
  };
}

void declare(const char* name, kernel::Function function, const std::shared_ptr<Arrays>& arrays, const char* against,
             const Program& baseline) {
  for (const kernel::Level level : kernel::kLevels) {
    if (level > kernel::best_level()) continue;
    compare({.name = fmt::format("functions/{}/{}/{}", name, against, name_of(level)),
             .section = "functions",
             .what = fmt::format("`{}`, in cache, one core, {}", name, name_of(level)),
             .against = against,
             .baseline = baseline,
             .candidate = by_windrow(function, level, arrays),
             .operations = kTimes * kCount});
  }
}

void declare_comparisons() {
  using kernel::Function;
  struct {
    const char* name;
    Function function;
    Scalar scalar;
    double low;
    double high;
  } const rows[] = {{"exp", Function::exp, std::exp, -5, 5},           {"expm1", Function::expm1, std::expm1, -5, 5},
                    {"log", Function::log, std::log, 0.1, 100},        {"log10", Function::log10, std::log10, 0.1, 100},
                    {"log1p", Function::log1p, std::log1p, 0, 10},     {"sin", Function::sin, std::sin, -5, 5},
                    {"cos", Function::cos, std::cos, -5, 5},           {"tan", Function::tan, std::tan, -5, 5},
                    {"arcsin", Function::arcsin, std::asin, -1, 1},    {"arccos", Function::arccos, std::acos, -1, 1},
                    {"arctan", Function::arctan, std::atan, -5, 5},    {"sinh", Function::sinh, std::sinh, -5, 5},
                    {"cosh", Function::cosh, std::cosh, -5, 5},        {"tanh", Function::tanh, std::tanh, -5, 5},
                    {"arcsinh", Function::arcsinh, std::asinh, -5, 5}, {"arccosh", Function::arccosh, std::acosh, 1, 5},
                    {"arctanh", Function::arctanh, std::atanh, -1, 1}, {"sqrt", Function::sqrt, std::sqrt, 0, 5}};
  for (const auto& row : rows) {
    const auto arrays = std::make_shared<Arrays>(row.low, row.high);
    declare(row.name, row.function, arrays, "the C library's function, one number at a time",
            by_library(row.scalar, arrays));
  }
#if defined(__AVX512F__)
  struct {
    const char* name;
    Function function;
    __m512d (*vector)(__m512d);
    double low;
    double high;
  } const by_hand[] = {{"exp", Function::exp, _ZGVeN8v_exp, -5, 5},
                       {"log", Function::log, _ZGVeN8v_log, 0.1, 100},
                       {"sin", Function::sin, _ZGVeN8v_sin, -5, 5},
                       {"cos", Function::cos, _ZGVeN8v_cos, -5, 5}};
  for (const auto& row : by_hand) {
    const auto arrays = std::make_shared<Arrays>(row.low, row.high);
    declare(row.name, row.function, arrays, "a loop by hand over libmvec's vectors, AVX-512", timed([=] {
              for (std::size_t n = 0; n < kCount; n += 8)
                _mm512_storeu_pd(arrays->out.data() + n, row.vector(_mm512_loadu_pd(arrays->in.data() + n)));
              benchmark::ClobberMemory();
            }));
  }
#endif
}

}  // namespace
}  // namespace windrow::bench

int main(int argc, char** argv) {
  return windrow::bench::run(argc, argv, windrow::bench::declare_comparisons);
}
