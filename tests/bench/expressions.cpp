// Expressions against loops written by hand for them, with what vectors the machine has: in the first-level cache, 1024
// elements a rank, over and over, and beyond, 32 MB an array and rank, the result stored past the caches. "kernels"
// rows have expressions interpreted, without machine code.
#include <immintrin.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <vector>

#include "expr/evaluator.hpp"
#include "expr/script.hpp"
#include "harness.hpp"
#include "kernel/kernels.hpp"

namespace windrow::bench {
namespace {

constexpr std::int64_t kSmall = 1024;
constexpr int kSmallTimes = 20'000;
constexpr std::int64_t kLarge = 4'194'304;
constexpr int kLargeTimes = 4;
constexpr std::size_t kAlignment = 2'097'152;

#if defined(__AVX512F__)
using Vec = __m512d;
Vec load(const double* from) {
  return _mm512_load_pd(from);
}
void store(double* to, Vec v) {
  _mm512_store_pd(to, v);
}
void stream(double* to, Vec v) {
  _mm512_stream_pd(to, v);
}
Vec larger(Vec a, Vec b) {
  return _mm512_mask_blend_pd(_mm512_cmp_pd_mask(a, b, _CMP_GT_OQ), b, a);
}
#else
using Vec = __m256d;
Vec load(const double* from) {
  return _mm256_load_pd(from);
}
void store(double* to, Vec v) {
  _mm256_store_pd(to, v);
}
void stream(double* to, Vec v) {
  _mm256_stream_pd(to, v);
}
Vec larger(Vec a, Vec b) {
  return _mm256_blendv_pd(b, a, _mm256_cmp_pd(a, b, _CMP_GT_OQ));
}
#endif
constexpr std::int64_t kWidth = sizeof(Vec) / sizeof(double);

struct FreeMemory {
  void operator()(double* memory) const { std::free(memory); }
};

struct Arrays {
  std::unique_ptr<double, FreeMemory> a, b, out;

  explicit Arrays(std::int64_t elements) : a(memory(elements)), b(memory(elements)), out(memory(elements)) {
    for (std::int64_t n = 0; n < elements; ++n) {
      a.get()[n] = static_cast<double>(n % 1000) * 0.001 + 0.1;
      b.get()[n] = static_cast<double>(n % 777) * 0.002;
      out.get()[n] = 0.0;
    }
  }

  static double* memory(std::int64_t elements) {
    const auto bytes = static_cast<std::size_t>(elements) * sizeof(double);
    return static_cast<double*>(std::aligned_alloc(kAlignment, (bytes + kAlignment - 1) / kAlignment * kAlignment));
  }
};

struct Size {
  const char* name;
  std::int64_t elements;
  int times;
  expr::Store how;
};

constexpr Size kInCache{"cache", kSmall, kSmallTimes, expr::Store::cached};
constexpr Size kBeyond{"memory", kLarge, kLargeTimes, expr::Store::streaming};

Arrays& arrays(const Size& size) {
  static Arrays small(kSmall);
  static Arrays large(kLarge);
  return size.elements == kSmall ? small : large;
}

int times(const Size& size) {
  return is_smoke() ? 1 : size.times;
}

template <typename Body>
Program by_hand(const Size& size, Body body) {
  return [&size, body](Clock& clock) {
    Arrays& of = arrays(size);
    const double* const a = of.a.get();
    const double* const b = of.b.get();
    double* const out = of.out.get();
    clock.begin();
    for (int n = 0; n < times(size); ++n) {
      if (size.how == expr::Store::streaming) {
        for (std::int64_t k = 0; k < size.elements; k += kWidth) stream(out + k, body(load(a + k), load(b + k)));
      } else {
        for (std::int64_t k = 0; k < size.elements; k += kWidth) store(out + k, body(load(a + k), load(b + k)));
      }
      asm volatile("" ::: "memory");
    }
    _mm_sfence();
    clock.end();
  };
}

/// The same by kernels that are called for strips, as one would who has them.
template <typename Body>
Program by_strips(const Size& size, Body body) {
  return [&size, body](Clock& clock) {
    Arrays& of = arrays(size);
    clock.begin();
    for (int n = 0; n < times(size); ++n)
      for (std::int64_t k = 0; k < size.elements; k += kSmall)
        body(of.a.get() + k, of.b.get() + k, of.out.get() + k, size.how);
    _mm_sfence();
    clock.end();
  };
}

Program windrow(const Size& size, const char* expression, bool may_compile) {
  const std::vector<std::string> statements{fmt::format("out = {}", expression)};
  const expr::Shape shape{.axes = 1, .cols = size.elements};
  const expr::Script script =
      expr::Script::compile(statements, {{.name = "a", .shape = shape}, {.name = "b", .shape = shape}});
  return [&size, pass = script.passes()[0], may_compile](Clock& clock) {
    Arrays& of = arrays(size);
    const std::array memory{of.a.get(), of.b.get()};
    expr::Bindings bindings{.extents = pass.domain.extents(), .may_compile = may_compile};
    for (const expr::Input& input : pass.program.inputs())
      bindings.inputs.push_back(
          {.first = reinterpret_cast<const std::byte*>(memory[static_cast<std::size_t>(input.array)]),
           .end = size.elements});
    clock.begin();
    expr::Evaluator evaluator(pass.program, bindings);
    for (int n = 0; n < times(size); ++n)
      evaluator.evaluate({0, size.elements}, 0, {.destination = of.out.get(), .store = size.how});
    clock.end();
  };
}

void declare(const char* name, const Size& size, const char* expression, const Program& baseline, double aim,
             const char* against = "a loop written by hand") {
  for (const bool may_compile : {true, false}) {
    compare({.name = fmt::format("expressions/{}/{}/{}", size.name, name, may_compile ? "code" : "kernels"),
             .section = "expressions",
             .what = fmt::format("`{}`, {}{}", expression, size.elements == kSmall ? "in cache" : "beyond caches",
                                 may_compile ? "" : ", interpreted"),
             .against = against,
             .baseline = baseline,
             .candidate = windrow(size, expression, may_compile),
             .aim = may_compile ? std::optional(aim) : std::nullopt,
             .operations = times(size) * size.elements});
  }
}

using kernel::Function;

void function(Function which, const double* x, double* out, expr::Store how) {
  kernel::kernels().unary[static_cast<std::size_t>(which)](x, out, kSmall, how);
}

/// sin(a)*exp(-b) + a*b with two arrays in the first-level cache between the kernels.
void product_of_functions(const double* a, const double* b, double* out, expr::Store how) {
  alignas(64) static std::array<double, kSmall> sine;
  alignas(64) static std::array<double, kSmall> power;
  function(Function::sin, a, sine.data(), expr::Store::cached);
  for (std::size_t k = 0; k < kSmall; ++k) power[k] = -b[k];
  function(Function::exp, power.data(), power.data(), expr::Store::cached);
  for (std::size_t k = 0; k < kSmall; k += kWidth) {
    const Vec v = load(&sine[k]) * load(&power[k]) + load(a + k) * load(b + k);
    if (how == expr::Store::streaming) {
      stream(out + k, v);
    } else {
      store(out + k, v);
    }
  }
}

constexpr const char* kKernels = "the same kernels, called by hand";

void declare_comparisons() {
  for (const Size* const size : {&kInCache, &kBeyond}) {
    declare("square", *size, "a**2", by_hand(*size, [](Vec a, Vec) { return a * a; }), 0.95);
    declare("sum", *size, "2*a + 3*b", by_hand(*size, [](Vec a, Vec b) { return 2.0 * a + 3.0 * b; }), 0.95);
    declare("where", *size, "where(a > b, a, b)", by_hand(*size, [](Vec a, Vec b) { return larger(a, b); }), 0.95);
    declare("norm", *size, "a*a + b*b", by_hand(*size, [](Vec a, Vec b) { return a * a + b * b; }), 0.95);
    declare(
        "polynomial", *size,
        "(((((((0.001*a + 0.005)*a + 0.01)*a + 0.03)*a + 0.0625)*a + 0.125)*a + 0.25)*a + 0.5)*a + 1",
        by_hand(*size,
                [](Vec a, Vec) {
                  return (((((((0.001 * a + 0.005) * a + 0.01) * a + 0.03) * a + 0.0625) * a + 0.125) * a + 0.25) * a +
                          0.5) *
                             a +
                         1.0;
                }),
        0.9);
    declare("sin", *size, "sin(a)",
            by_strips(*size, [](const double* a, const double*, double* out,
                                expr::Store how) { function(Function::sin, a, out, how); }),
            0.9, kKernels);
    declare("functions", *size, "sin(a)*exp(-b) + a*b", by_strips(*size, product_of_functions), 0.9, kKernels);
  }
}

}  // namespace
}  // namespace windrow::bench

int main(int argc, char** argv) {
  return windrow::bench::run(argc, argv, windrow::bench::declare_comparisons);
}
