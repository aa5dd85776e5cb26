// Expressions against loops written by hand for them, with what vectors the machine has: in the first-level cache, 1024
// elements a rank, over and over, and beyond, 32 MB an array and rank, the result stored past the caches. "kernels"
// rows have expressions interpreted, without machine code. Functions by hand are the C library's vector functions
// (libmvec, also within 4 units in the last place), called in one loop.
#include <immintrin.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <vector>

#include "expr/evaluator.hpp"
#include "expr/folder.hpp"
#include "expr/script.hpp"
#include "harness.hpp"

extern "C" {
__m256d _ZGVdN4v_sin(__m256d);
__m256d _ZGVdN4v_exp(__m256d);
#if defined(__AVX512F__)
__m512d _ZGVeN8v_sin(__m512d);
__m512d _ZGVeN8v_exp(__m512d);
#endif
}

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
Vec sin(Vec x) {
  return _ZGVeN8v_sin(x);
}
Vec exp(Vec x) {
  return _ZGVeN8v_exp(x);
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
Vec sin(Vec x) {
  return _ZGVdN4v_sin(x);
}
Vec exp(Vec x) {
  return _ZGVdN4v_exp(x);
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

/// The sum of `a` by a loop that only reads: four sums side by side.
Program sum_by_hand(const Size& size) {
  return [&size](Clock& clock) {
    const double* const a = arrays(size).a.get();
    clock.begin();
    for (int n = 0; n < times(size); ++n) {
      Vec first{};
      Vec second{};
      Vec third{};
      Vec fourth{};
      for (std::int64_t k = 0; k < size.elements; k += 4 * kWidth) {
        first += load(a + k);
        second += load(a + k + kWidth);
        third += load(a + k + 2 * kWidth);
        fourth += load(a + k + 3 * kWidth);
      }
      benchmark::DoNotOptimize((first + second) + (third + fourth));
    }
    clock.end();
  };
}

/// The first pass of statements about a, b and out, whose elements have that shape; `out` is assigned in place.
Program windrow(const Size& size, const std::vector<std::string>& statements, const expr::Shape& shape,
                bool may_compile) {
  const expr::Script script = expr::Script::compile(
      statements, {{.name = "a", .shape = shape}, {.name = "b", .shape = shape}, {.name = "out", .shape = shape}});
  return [&size, script, may_compile](Clock& clock) {
    Arrays& of = arrays(size);
    const expr::Script::Pass& pass = script.passes()[0];
    const std::array memory{of.a.get(), of.b.get(), of.out.get()};
    expr::Bindings bindings{.extents = pass.domain.extents(), .may_compile = may_compile};
    for (const expr::Input& input : pass.program.inputs())
      bindings.inputs.push_back(
          {.first = reinterpret_cast<const std::byte*>(memory[static_cast<std::size_t>(input.array)]),
           .end = size.elements});
    const std::vector<expr::Target> targets(pass.stores.size(), {.destination = of.out.get(), .store = size.how});
    clock.begin();
    expr::Evaluator evaluator(pass.program, bindings);
    for (int n = 0; n < times(size); ++n) {
      std::vector<std::unique_ptr<expr::Folder>> folders;
      std::vector<expr::Sink*> sinks;
      for (const std::int64_t number : pass.reductions) {
        const expr::Reduction& reduction = script.reductions()[static_cast<std::size_t>(number)];
        folders.push_back(expr::Folder::make(reduction, {0, pass.domain.extents().rows}, nullptr));
        sinks.push_back(folders.back().get());
      }
      evaluator.evaluate({0, size.elements}, 0, targets, sinks);
    }
    clock.end();
  };
}

expr::Shape line_of(const Size& size) {
  return {.axes = 1, .cols = size.elements};
}

Program windrow(const Size& size, const char* expression, bool may_compile) {
  return windrow(size, {fmt::format("out = {}", expression)}, line_of(size), may_compile);
}

/// From the text of a statement to machine code, another one each time: what has been compiled is kept.
Program compiled() {
  return [number = 0U](Clock& clock) mutable {
    std::string statement = "out = sin(a)*exp(-b) + a*b";
    for (unsigned digits = ++number; digits != 0; digits /= 2) statement += digits % 2 == 0 ? " + a" : " - b";
    const expr::Shape shape = line_of(kBeyond);
    clock.begin();
    const expr::Script script =
        expr::Script::compile(std::vector{statement}, {{.name = "a", .shape = shape}, {.name = "b", .shape = shape}});
    const expr::Evaluator evaluator(script.passes()[0].program,
                                    {.extents = shape.extents(), .inputs = std::vector<expr::InputMemory>(2)});
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
    declare("sin", *size, "sin(a)", by_hand(*size, [](Vec a, Vec) { return sin(a); }), 0.9);
    declare("functions", *size, "sin(a)*exp(-b) + a*b",
            by_hand(*size, [](Vec a, Vec b) { return sin(a) * exp(-b) + a * b; }), 0.9);
  }
  const auto row = [](const char* name, const char* what, const char* against) {
    return Comparison{.name = fmt::format("expressions/{}", name),
                      .section = "expressions",
                      .what = what,
                      .against = against,
                      .baseline = {},
                      .candidate = {},
                      .operations = times(kBeyond) * kLarge};
  };
  const expr::Shape square{.axes = 2, .rows = 2048, .cols = kLarge / 2048};
  Comparison sum = row("reduction/alone", "`sum(a)`, beyond caches", "a loop that only reads, written by hand");
  sum.baseline = sum_by_hand(kBeyond);
  sum.candidate = windrow(kBeyond, {"t = sum(a)"}, line_of(kBeyond), true);
  sum.aim = 0.95;
  compare(sum);
  for (const auto& [name, reduction] : {std::pair{"sum", "t = sum(out)"}, {"std", "t = std(out)"}}) {
    Comparison in_pass = row(fmt::format("reduction/pass/{}", name).c_str(), "", "the pass without it");
    in_pass.what = fmt::format("`out = 2*a + 3*b` and `{}` in a pass", reduction);
    in_pass.baseline = windrow(kBeyond, {"out = 2*a + 3*b"}, line_of(kBeyond), true);
    in_pass.candidate = windrow(kBeyond, {"out = 2*a + 3*b", reduction}, line_of(kBeyond), true);
    in_pass.kind = Kind::extra;
    in_pass.aim = 0.05;
    compare(in_pass);
  }
  Comparison line = row("line", "`a**2` of one axis", "of 2048 x 2048");
  line.baseline = windrow(kBeyond, {"out = a**2"}, square, true);
  line.candidate = windrow(kBeyond, {"out = a**2"}, line_of(kBeyond), true);
  line.kind = Kind::extra;
  line.aim = 0.05;
  compare(line);
  Comparison compiling = row("compile", "a statement of functions, from its text to machine code", "nothing");
  compiling.baseline = [](Clock& clock) {
    clock.begin();
    clock.end();
  };
  compiling.candidate = compiled();
  compiling.kind = Kind::above;
  compiling.aim = 0.001;
  compiling.operations = 1;
  compare(compiling);
}

}  // namespace
}  // namespace windrow::bench

int main(int argc, char** argv) {
  return windrow::bench::run(argc, argv, windrow::bench::declare_comparisons);
}
