#include "expr/fused.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>

#include "expr/evaluator.hpp"
#include "expr/folder.hpp"
#include "expr/script.hpp"
#include "unit/expr/evaluate.hpp"
#include "unit/kernel/levels.hpp"

namespace windrow::expr {
namespace {

/// Memory that ends where pages end that nobody may read.
class Guarded {
 public:
  explicit Guarded(std::int64_t bytes) : bytes_(static_cast<std::size_t>(bytes)) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    pages_ = (bytes_ + page - 1) / page * page;
    first_ = static_cast<std::byte*>(
        mmap(nullptr, pages_ + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(first_ + pages_, page, PROT_NONE);
    mapped_ = pages_ + page;
  }
  ~Guarded() { munmap(first_, mapped_); }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;

  [[nodiscard]] std::byte* data() const { return first_ + pages_ - bytes_; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  std::size_t bytes_;
  std::size_t pages_ = 0;
  std::size_t mapped_ = 0;
  std::byte* first_ = nullptr;
};

// ---- Random expressions ----

class Writer {
 public:
  explicit Writer(std::uint64_t seed) : random_(seed) {}

  std::string real(int depth) {
    if (depth == 0) return pick({"a", "b", "c", "a", "b", "c", "0.5", "2.0", "-3.25", "(-0.0)", "nan", "inf", "1e300"});
    switch (below(16)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return two(real(depth - 1), {" + ", " - ", "*", "/"}, real(depth - 1));
      case 4:
        return pick({"minimum(", "maximum("}) + real(depth - 1) + ", " + real(depth - 1) + ")";
      case 5:
      case 6:
        return fmt::format("where({}, {}, {})", condition(depth - 1), real(depth - 1), real(depth - 1));
      case 7:
      case 8:
      case 9:
        return pick({"sqrt(", "floor(", "ceil(", "round(", "abs(", "sign("}) + real(depth - 1) + ")";
      case 10:
        return fmt::format("(-{})", real(depth - 1));
      case 11:
        return two(real(depth - 1), {" + ", "*"}, whole(depth - 1));
      case 12:
        return two(whole(depth - 1), {"/"}, whole(depth - 1));
      case 13:
        return pick({"sin(", "exp("}) + real(depth - 1) + ")";
      case 14:
        return two(real(depth - 1), {" % "}, real(depth - 1));
      default:
        return two(real(depth - 1), {" - "}, condition(depth - 1));
    }
  }

  std::string whole(int depth) {
    if (depth == 0) return pick({"m", "n", "k", "m", "n", "k", "j", "1", "3", "(-7)", "64", "9223372036854775807"});
    switch (below(12)) {
      case 0:
      case 1:
      case 2:
        return two(whole(depth - 1), {" + ", " - ", "*"}, whole(depth - 1));
      case 3:
        return pick({"minimum(", "maximum("}) + whole(depth - 1) + ", " + whole(depth - 1) + ")";
      case 4:
        return fmt::format("where({}, {}, {})", pick({condition(depth - 1), whole(depth - 1)}), whole(depth - 1),
                           whole(depth - 1));
      case 5:
      case 6:
        return two(whole(depth - 1), {" & ", " | ", " ^ "}, whole(depth - 1));
      case 7:
        return two(whole(depth - 1), {" << ", " >> "}, whole(depth - 1));
      case 8:
        return pick({"abs(", "sign("}) + whole(depth - 1) + ")";
      case 9:
        return pick({"(-", "(~"}) + whole(depth - 1) + ")";
      case 10:
        return two(whole(depth - 1), {" + ", "*"}, condition(depth - 1));
      default:
        return two(whole(depth - 1), {" % ", " // "}, whole(depth - 1));
    }
  }

  std::string condition(int depth) {
    if (depth == 0) return pick({"p", "q"});
    switch (below(8)) {
      case 0:
      case 1:
        return two(real(depth - 1), {" < ", " <= ", " > ", " >= ", " == ", " != "}, real(depth - 1));
      case 2:
        return two(whole(depth - 1), {" < ", " <= ", " > ", " >= ", " == ", " != "}, whole(depth - 1));
      case 3:
        return pick({"isnan(", "isfinite("}) + real(depth - 1) + ")";
      case 4:
      case 5:
        return two(condition(depth - 1), {" & ", " | ", " ^ "}, condition(depth - 1));
      case 6:
        return fmt::format("(~{})", condition(depth - 1));
      default:
        return fmt::format("where({}, {}, {})", condition(depth - 1), condition(depth - 1), condition(depth - 1));
    }
  }

  std::string any(int depth) { return pick({real(depth), real(depth), whole(depth), condition(depth)}); }

  /// New arrays, arrays in place, sums.
  std::vector<std::string> statements() {
    std::vector<std::string> made;
    const int count = 1 + static_cast<int>(below(3));
    for (int n = 0; n < count; ++n) {
      const int depth = 1 + static_cast<int>(below(4));
      switch (below(6)) {
        case 0:
          made.push_back("a = " + real(depth));
          break;
        case 1:
          made.push_back("m = " + whole(depth));
          break;
        case 2:
          made.push_back(fmt::format("s{} = sum({})", n, any(depth)));
          break;
        default:
          made.push_back(fmt::format("r{} = {}", n, any(depth)));
          break;
      }
    }
    return made;
  }

  std::uint64_t below(std::uint64_t end) { return random_() % end; }

 private:
  std::string pick(std::vector<std::string> words) { return words[below(words.size())]; }
  std::string two(const std::string& a, std::vector<std::string> between, const std::string& b) {
    return fmt::format("({}{}{})", a, pick(std::move(between)), b);
  }

  std::mt19937_64 random_;
};

// ---- What they read ----

template <typename T>
T element(std::mt19937_64& random, std::initializer_list<T> special) {
  if (random() % 4 == 0) return special.begin()[random() % special.size()];
  return static_cast<T>(static_cast<std::int64_t>(random() % 2001) - 1000) / static_cast<T>(random() % 2 == 0 ? 1 : 8);
}

void fill(std::byte* to, ElementType type, std::int64_t count, std::mt19937_64& random) {
  constexpr double inf = std::numeric_limits<double>::infinity();
  constexpr float small = std::numeric_limits<float>::denorm_min();
  // The one NaN that programs have.
  const double nan = std::bit_cast<double>(std::uint64_t{0xfff8000000000000});
  const auto put = [&](auto make) {
    for (std::int64_t n = 0; n < count; ++n) {
      const auto value = make();
      std::memcpy(to + n * static_cast<std::int64_t>(sizeof value), &value, sizeof value);
    }
  };
  switch (type) {
    case ElementType::float64:
      return put([&] {
        return element<double>(random, {0.0, -0.0, inf, -inf, nan, 5e-324, -1e-310, 0.5, -0.5, 2.5, 0x1p52, 0x1.8p52,
                                        1e300, -1e300, 0.49999999999999994, 4503599627370497.5});
      });
    case ElementType::float32:
      return put([&] {
        return element<float>(random, {0.0F, -0.0F, static_cast<float>(inf), static_cast<float>(nan), small, 1e30F});
      });
    case ElementType::int64:
      return put([&] {
        return element<std::int64_t>(random, {INT64_MIN, INT64_MAX, 0, -1, 1, 62, 63, 64, 0x7fffffff, -0x80000000LL,
                                              0x123456789abcdef, (1LL << 53) + 1});
      });
    case ElementType::int32:
      return put([&] { return element<std::int32_t>(random, {INT32_MIN, INT32_MAX, 0, -1, 31, 32, 65}); });
    case ElementType::int8:
      return put([&] { return static_cast<std::int8_t>(random() % 2); });
  }
}

std::vector<Script::Array> arrays(std::int64_t rows, std::int64_t cols) {
  const Shape all{.axes = 2, .rows = rows, .cols = cols};
  const Shape row{.axes = 1, .cols = cols};
  const Shape column{.axes = 2, .rows = rows, .cols = 1};
  return {{.name = "a", .type = ElementType::float64, .shape = all},
          {.name = "b", .type = ElementType::float64, .shape = all},
          {.name = "c", .type = ElementType::float32, .shape = row},
          {.name = "m", .type = ElementType::int64, .shape = all},
          {.name = "n", .type = ElementType::int64, .shape = column},
          {.name = "k", .type = ElementType::int32, .shape = all},
          {.name = "p", .type = ElementType::int8, .shape = all},
          {.name = "q", .type = ElementType::int8, .shape = row}};
}

// ---- Runs ----

class Collector : public Sink {
 public:
  void take(const void* lanes, std::int64_t, std::int64_t count) noexcept override {
    const auto* const first = static_cast<const std::byte*>(lanes);
    bytes.insert(bytes.end(), first, first + count * 8);
  }
  std::vector<std::byte> bytes;
};

template <typename T>
kernel::NotFinite not_finite(const std::byte* from, std::int64_t count) {
  kernel::NotFinite found;
  for (std::int64_t n = 0; n < count; ++n) {
    T x{};
    std::memcpy(&x, from + n * static_cast<std::int64_t>(sizeof x), sizeof x);
    if (std::isnan(x)) ++found.nan;
    if (std::isinf(x)) ++found.infinite;
  }
  return found;
}

kernel::NotFinite not_finite(const std::byte* from, ElementType type, std::int64_t count) {
  if (type == ElementType::float64) return not_finite<double>(from, count);
  return type == ElementType::float32 ? not_finite<float>(from, count) : kernel::NotFinite{};
}

/// All bytes that the passes of a script store and hand to sinks, or what folders make of these. What the evaluator
/// counts must be in memory.
std::vector<std::byte> run(const Script& script, const std::vector<Script::Array>& given, bool may_compile,
                           std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<std::unique_ptr<Guarded>> memory;
  for (std::size_t n = 0; n < script.arrays().size(); ++n) {
    const Script::Array& array = script.arrays()[n];
    memory.push_back(std::make_unique<Guarded>(array.shape.elements() * bytes_of(array.type)));
    if (n < given.size()) fill(memory.back()->data(), array.type, array.shape.elements(), random);
  }
  std::vector<std::byte> found;
  for (const Script::Pass& pass : script.passes()) {
    Bindings bound{.extents = pass.domain.extents(), .streams = script.streams(), .may_compile = may_compile};
    for (const Input& input : pass.program.inputs())
      bound.inputs.push_back({.first = memory[static_cast<std::size_t>(input.array)]->data(),
                              .end = script.arrays()[static_cast<std::size_t>(input.array)].shape.elements()});
    const std::size_t reductions = pass.program.results().size() - pass.program.stores();
    std::vector<Collector> collectors(reductions);
    std::vector<std::unique_ptr<Folder>> folders;
    std::vector<Sink*> sinks;
    const bool folds = random() % 2 == 0;
    for (std::size_t n = 0; n < reductions; ++n) {
      const Reduction& reduction = script.reductions()[static_cast<std::size_t>(pass.reductions[n])];
      folders.push_back(Folder::make(reduction, {0, pass.domain.extents().rows}, nullptr));
      sinks.push_back(folds ? static_cast<Sink*>(folders[n].get()) : &collectors[n]);
    }
    Evaluator evaluator(pass.program, bound);
    // In three parts, so that strips begin anywhere in a cache line.
    const std::int64_t elements = pass.domain.elements();
    std::int64_t begin = 0;
    for (const std::int64_t end : {elements / 7, elements / 2, elements}) {
      std::vector<Target> targets;
      for (std::size_t s = 0; s < pass.stores.size(); ++s) {
        const std::int64_t array = pass.stores[s];
        const ElementType type = script.arrays()[static_cast<std::size_t>(array)].type;
        const bool is_input =
            std::ranges::any_of(pass.program.inputs(), [&](const Input& input) { return input.array == array; });
        targets.push_back({.destination = memory[static_cast<std::size_t>(array)]->data() + begin * bytes_of(type),
                           .type = type,
                           .store = random() % 2 == 0 ? Store::streaming : Store::cached,
                           .is_input = is_input});
      }
      evaluator.evaluate({begin, end}, 0, targets, sinks);
      begin = end;
    }
    for (std::size_t s = 0; s < pass.stores.size(); ++s) {
      const auto array = static_cast<std::size_t>(pass.stores[s]);
      EXPECT_EQ(evaluator.not_finite()[s],
                not_finite(memory[array]->data(), script.arrays()[array].type, pass.domain.elements()));
    }
    for (const Collector& collector : collectors)
      found.insert(found.end(), collector.bytes.begin(), collector.bytes.end());
    for (const auto& folder : folders) {
      const std::vector<std::int64_t> part = folder->part();
      const auto bytes = std::as_bytes(std::span(part));
      found.insert(found.end(), bytes.begin(), bytes.end());
    }
  }
  for (const auto& array : memory) found.insert(found.end(), array->data(), array->data() + array->bytes());
  return found;
}

struct Made {
  int steps = 0;  ///< fused ones
  int codes = 0;  ///< of those that there is code for
};

Made made(const Program& program, const Extents& extents, kernel::Level level) {
  const Layout layout = lay_out(
      program, extents, [&](const Instruction& instruction) { return FusedCode::can_fuse(instruction, level); });
  Made found;
  for (const Step& step : layout.steps) {
    if (!step.is_fused) continue;
    ++found.steps;
    if (FusedCode(program, layout, step, level).is_made()) ++found.codes;
  }
  return found;
}

/// Scripts from seeds [first, last): the bytes of machine code are those of kernels, at each level that has some.
void compare_scripts(std::uint64_t first, std::uint64_t last, std::int64_t rows, std::int64_t (*cols)(std::uint64_t)) {
  int compiled = 0;
  int codes = 0;
  for (std::uint64_t seed = first; seed < last; ++seed) {
    Writer writer(seed);
    const std::vector<Script::Array> given = arrays(rows, cols(seed));
    const std::vector<std::string> statements = writer.statements();
    std::optional<Script> script;
    try {
      script = Script::compile(statements, given);
    } catch (const ExpressionError& error) {
      continue;  // numbers alone, shapes of numbers in place: the generator need not know
    }
    ++compiled;
    for (const kernel::Level level : kernel::levels()) {
      kernel::use_level(level);
      for (const Script::Pass& pass : script->passes()) {
        const Made of_pass = made(pass.program, pass.domain.extents(), level);
        EXPECT_EQ(of_pass.codes, of_pass.steps) << "seed " << seed;
        codes += of_pass.codes;
      }
      const auto expected = run(*script, given, false, seed);
      if (run(*script, given, true, seed) != expected) {
        std::string text;
        for (const std::string& statement : statements) text += statement + "\n";
        ADD_FAILURE() << "seed " << seed << ", " << name_of(level) << ", " << cols(seed) << " columns:\n" << text;
      }
    }
    if (testing::Test::HasFailure()) break;
  }
  kernel::use_level(kernel::best_level());
  EXPECT_GT(compiled, static_cast<int>(last - first) / 2);
  if (kernel::best_level() > kernel::Level::baseline) {
    EXPECT_GT(codes, compiled / 2);
  }
}

TEST(Fused, FewElementsHaveTheBytesOfKernels) {
  compare_scripts(0, 4000, 1, [](std::uint64_t seed) { return static_cast<std::int64_t>(1 + seed % 40); });
}

TEST(Fused, ManyElementsHaveTheBytesOfKernels) {
  compare_scripts(10'000, 10'600, 1,
                  [](std::uint64_t seed) { return static_cast<std::int64_t>(1000 + seed * 37 % 3001); });
}

TEST(Fused, RowsHaveTheBytesOfKernels) {
  compare_scripts(20'000, 20'600, 7,
                  [](std::uint64_t seed) { return static_cast<std::int64_t>(seed % 2 == 0 ? 23 : 509); });
}

// ---- Folds ----

// More of them than registers too.
TEST(Fused, BlocksHaveTheFoldsOfKernels) {
  const std::vector<std::string> all{"r = a*0.5 + b",      "s = sum(r)",         "p = prod(1 + r*1e-4)",
                                     "low = min(r)",       "high = max(a - b)",  "n = sum(m*3)",
                                     "o = prod(m | 1)",    "least = min(m - 7)", "most = max(m ^ 5)",
                                     "count = sum(a < b)", "mean_ = mean(r*r)",  "zero = sum(r*0.0)"};
  for (const std::int64_t cols : {511, 512, 513, 1024, 5003, 70'001}) {
    const Shape shape{.axes = 1, .cols = cols};
    const std::vector<Script::Array> given{{.name = "a", .type = ElementType::float64, .shape = shape},
                                           {.name = "b", .type = ElementType::float64, .shape = shape},
                                           {.name = "m", .type = ElementType::int64, .shape = shape}};
    std::vector<std::vector<std::string>> scripts{all};
    for (std::size_t n = 1; n < all.size(); ++n) scripts.push_back({all[0], all[n]});
    for (const std::vector<std::string>& statements : scripts) {
      const Script script = Script::compile(statements, given);
      for (const kernel::Level level : kernel::levels()) {
        kernel::use_level(level);
        for (std::uint64_t seed = 1; seed < 5; ++seed)
          EXPECT_EQ(run(script, given, true, seed), run(script, given, false, seed))
              << cols << " " << statements.back() << " " << name_of(level) << " " << seed;
      }
      kernel::use_level(kernel::best_level());
    }
  }
}

// ---- Whether code is made ----

/// sqrt(j*0.5 + 1)*j of a line: how many of its fused steps have code.
int codes_of(kernel::Level level) {
  return made(Program::compile("sqrt(j*0.5 + 1)*j"), {.rows = 1, .cols = 1000}, level).codes;
}

TEST(Fused, CodeIsMadeForLevelsWithWideVectors) {
  for (const kernel::Level level : kernel::kLevels)
    EXPECT_EQ(codes_of(level), level == kernel::Level::baseline ? 0 : 1);
}

TEST(FusedDeathTest, TheEnvironmentForbidsCode) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  setenv("WINDROW_JIT", "off", 1);
  EXPECT_EXIT(std::exit(codes_of(kernel::best_level())), testing::ExitedWithCode(0), "");
  unsetenv("WINDROW_JIT");
  if (kernel::best_level() > kernel::Level::baseline) {
    EXPECT_EXIT(std::exit(codes_of(kernel::best_level())), testing::ExitedWithCode(1), "");
  }
}

// As systemd's MemoryDenyWriteExecute: what was writable does not become executable. Linux 6.3 and later.
TEST(FusedDeathTest, WhereMemoryMustNotBeExecutableKernelsWork) {
  constexpr int set_mdwe = 65;
  constexpr unsigned long refuse_exec_gain = 1;
  constexpr int unknown = 77;
  const auto without_executable_memory = [] {
    if (prctl(set_mdwe, refuse_exec_gain, 0L, 0L, 0L) != 0) std::exit(unknown);
    std::exit(codes_of(kernel::best_level()) == 0 && evaluate_one<double>("sqrt(j*0.5 + 2)*j") > 0.0 ? 0 : 1);
  };
  const auto is_good = [](int status) {
    return WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == unknown);
  };
  EXPECT_EXIT(without_executable_memory(), is_good, "");
}

// Hundreds of operands: more than registers, for pointers and for scalars too.
TEST(Fused, ProgramsLargerThanTheRegistersHaveTheBytesOfKernels) {
  for (const int terms : {3, 30, 200}) {
    std::vector<Script::Array> given;
    std::string text = "r = 0.5";
    for (int n = 0; n < terms; ++n) {
      const std::string name = fmt::format("x{}", n);
      given.push_back({.name = name, .type = ElementType::float64, .shape = {.axes = 1, .cols = 1003}});
      text += fmt::format(" + where({0} < {1}.25, {0}*{1}.125, x{2})", name, n, n * 7 % (n + 1));
    }
    const Script script = Script::compile(std::vector{text}, given);
    for (const kernel::Level level : kernel::levels()) {
      kernel::use_level(level);
      EXPECT_EQ(run(script, given, true, 1), run(script, given, false, 1)) << terms << " " << name_of(level);
    }
    kernel::use_level(kernel::best_level());
  }
}

}  // namespace
}  // namespace windrow::expr
