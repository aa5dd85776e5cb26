#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "kernel/random.hpp"
#include "unit/expr/evaluate.hpp"
#include "unit/kernel/levels.hpp"

namespace windrow::expr {
namespace {

// Programs of every shape: scalars, ramps, lanes, chosen operands, draws.
constexpr std::array kTexts{
    "7",
    "0.1",
    "offset",
    "offset + 0.5",
    "i",
    "j",
    "i*cols + j",
    "(i - 5)*3 - j*2",
    "i*j",
    "-j",
    "i < j",
    "3 < i",
    "j*0.1 + i",
    "i % 7",
    "j % 3 - 1.5 % (i + 1)",
    "2**(j/3)",
    "(i - j)**3",
    "(i/7 - j)**2",
    "where(i < j, i, j)",
    "where(i < 50, j, i*j)",
    "where(i < 50, 1, j)",
    "where(i % 2 == 0, i, 0.5)",
    "where(j, i, 2)*where(i, j/2, 3)",
    "0/0*j",
    "j/0 - i/0",
    "1e18*j",
    "uniform()",
    "normal()",
    "uniform(-1, i + 1)",
    "normal(j, 0.5)",
    "uniform() - uniform()",
    "where(i < 20, uniform(), normal())",
    "uniform()**2 + (i - normal())*(j + uniform()*i)",
};

const std::array kExtents{
    Extents{.rows = 197, .cols = 23}, Extents{.rows = 1, .cols = 4099},
    Extents{.rows = 4099, .cols = 1}, Extents{.rows = 4099, .cols = 1, .one_dimensional = true},
    Extents{.rows = 409, .cols = 10}, Extents{.rows = 3, .cols = 5000},
    Extents{.rows = 31, .cols = 127}, Extents{.rows = 31, .cols = 128},
    Extents{.rows = 5, .cols = 1025},
};

template <typename T>
std::vector<T> one_by_one(Evaluator& evaluator, std::int64_t elements, std::int64_t stride) {
  std::vector<T> found;
  for (std::int64_t n = 0; n < elements; n += stride) found.push_back(evaluate<T>(evaluator, {n, n + 1})[0]);
  return found;
}

template <typename T>
bool same_bytes(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

template <typename T>
class Split : public testing::Test {};
using Elements = testing::Types<double, float, std::int64_t, std::int32_t>;
TYPED_TEST_SUITE(Split, Elements);

TYPED_TEST(Split, EveryElementIsTheSameAloneAndInBulkAtEveryLevel) {
  using T = TypeParam;
  constexpr std::int64_t stride = 7;
  for (const Extents& extents : kExtents)
    for (const char* const text : kTexts) {
      Evaluator evaluator(Program::compile(text), bindings(extents));
      kernel::use_level(kernel::Level::baseline);
      const std::vector<T> alone = one_by_one<T>(evaluator, extents.elements(), stride);
      const std::vector<T> reference = evaluate<T>(evaluator, {0, extents.elements()});
      kernel::at_every_level([&](kernel::Level level) {
        const std::vector<T> bulk = evaluate<T>(evaluator, {0, extents.elements()});
        ASSERT_TRUE(same_bytes(bulk, reference)) << text << " " << extents.cols << " " << name_of(level);
        std::vector<T> strided;
        for (std::size_t n = 0; n < bulk.size(); n += stride) strided.push_back(bulk[n]);
        ASSERT_TRUE(same_bytes(strided, alone)) << text << " " << extents.cols << " " << name_of(level);
      });
    }
}

// Any first and last element, any place in a cache line: the same bytes within, and nothing outside.
TYPED_TEST(Split, RangesBeginAndEndAnywhere) {
  using T = TypeParam;
  constexpr T guard{113};
  constexpr std::size_t margin = 32;
  for (const Extents& extents : kExtents)
    for (const char* const text : kTexts) {
      Evaluator evaluator(Program::compile(text), bindings(extents));
      const std::vector<T> whole = evaluate<T>(evaluator, {0, extents.elements()});
      std::int64_t step = 0;
      for (std::int64_t begin = 0; begin < extents.elements(); begin += 997 + step) {
        const std::int64_t end = std::min(extents.elements(), begin + (++step) * 331);
        const auto shift = static_cast<std::size_t>(step * 5 % 17);
        const auto count = static_cast<std::size_t>(end - begin);
        for (const Store store : {Store::streaming, Store::cached}) {
          std::vector<T> memory(margin + shift + count + margin, guard);
          T* const destination = memory.data() + margin + shift;
          evaluator.evaluate({begin, end}, 100, {.destination = destination, .type = kTypeOf<T>, .store = store});
          ASSERT_EQ(std::memcmp(destination, whole.data() + begin, count * sizeof(T)), 0)
              << text << " " << extents.cols << " " << begin << " " << end;
          for (std::size_t n = 0; n < memory.size(); ++n)
            if (n < margin + shift || n >= margin + shift + count) {
              ASSERT_EQ(memory[n], guard) << text << " " << extents.cols << " " << begin << " " << end << " " << n;
            }
        }
      }
    }
}

TEST(Evaluator, EmptyRangesAndEmptyArraysStoreNothing) {
  Evaluator evaluator(Program::compile("i*j + uniform()"), bindings());
  double guard = 5.0;
  evaluator.evaluate({17, 17}, 0, {.destination = &guard});
  Evaluator empty(Program::compile("i % 2 + uniform()"), bindings({.rows = 5, .cols = 0}));
  empty.evaluate({0, 0}, 0, {.destination = &guard});
  EXPECT_EQ(guard, 5.0);
}

TEST(Evaluator, OffsetIsThatOfTheCall) {
  Evaluator evaluator(Program::compile("offset + j*0"), bindings());
  EXPECT_EQ(evaluate<double>(evaluator, {0, 50}, 300), std::vector<double>(50, 300.0));
  EXPECT_EQ(evaluate<double>(evaluator, {0, 50}, 400), std::vector<double>(50, 400.0));
}

// Rows beyond 2^32 and elements beyond 2^53 keep their numbers.
TEST(Evaluator, HugeArraysAreAddressedExactly) {
  const Extents extents{.rows = std::int64_t{1} << 52, .cols = 1023};
  const std::int64_t row = (std::int64_t{1} << 52) - 3;
  Evaluator columns(Program::compile("i*cols + j"), bindings(extents));
  const auto found = evaluate<std::int64_t>(columns, {row * 1023 + 1000, row * 1023 + 1100});
  for (std::size_t n = 0; n < found.size(); ++n) EXPECT_EQ(found[n], row * 1023 + 1000 + static_cast<std::int64_t>(n));
  const Extents narrow{.rows = std::int64_t{1} << 52, .cols = 10};
  Evaluator folded(Program::compile("i*10 + j"), bindings(narrow));
  const auto narrow_found = evaluate<std::int64_t>(folded, {row * 10 + 7, row * 10 + 30});
  for (std::size_t n = 0; n < narrow_found.size(); ++n)
    EXPECT_EQ(narrow_found[n], row * 10 + 7 + static_cast<std::int64_t>(n));
}

// From the definition in kernel/random.hpp, by whole numbers in Python: seed 42, array "array", call 0, sample 0.
TEST(Random, ElementsAreDrawnByRowAndColumn) {
  struct Known {
    std::int64_t row, column;
    double value;
  };
  for (const auto& [row, column, value] : {Known{0, 0, 0x1.7eac164476abap-2}, Known{0, 1, 0x1.c15295184b282p-1},
                                           Known{1, 0, 0x1.1440fbd1d4048p-2}, Known{196, 22, 0x1.2bd6ed70fa55ap-1}}) {
    EXPECT_EQ(evaluate_all<double>("uniform()")[static_cast<std::size_t>(row * 23 + column)], value);
    const auto wide = bindings({.rows = 197, .cols = 1000});
    EXPECT_EQ(evaluate_all<double>("uniform()", wide)[static_cast<std::size_t>(row * 1000 + column)], value);
  }
}

TEST(Random, InOneDimensionTheElementIsTheColumn) {
  const auto line = evaluate_all<double>("uniform()", bindings({.rows = 1000, .cols = 1, .one_dimensional = true}));
  const auto row = evaluate_all<double>("uniform()", bindings({.rows = 1, .cols = 1000}));
  EXPECT_EQ(line, row);
  const auto column = evaluate_all<double>("uniform()", bindings({.rows = 1000, .cols = 1}));
  EXPECT_EQ(column[0], row[0]);
  EXPECT_NE(column[1], row[1]);
}

TEST(Random, EachCallInTheTextIsAStreamOfItsOwn) {
  for (const double x : evaluate_all<double>("uniform() - uniform()")) ASSERT_NE(x, 0.0);
  EXPECT_EQ(evaluate_all<double>("0*uniform() + uniform()"), [] {
    Bindings bound = bindings();
    std::vector<double> second(23);
    const auto key = kernel::key_of({.seed = bound.seed, .array = bound.streams[0], .call = 1});
    std::vector<double> all;
    for (std::int64_t row = 0; row < 197; ++row) {
      kernel::kernels().draws[static_cast<std::size_t>(kernel::Distribution::uniform)](
          key, row, 0, 0, 23, second.data(), kernel::Store::cached);
      all.insert(all.end(), second.begin(), second.begin() + 23);
    }
    return all;
  }());
  // A draw that is used twice is one draw.
  for (const double x : evaluate_all<double>("(uniform() - 0.5)**2")) ASSERT_GE(x, 0.0);
}

TEST(Random, SeedArrayAndSampleNameTheStream) {
  const std::vector<double> reference = evaluate_all<double>("normal()");
  EXPECT_EQ(evaluate_all<double>("normal()"), reference);
  Bindings bound = bindings();
  bound.rank = 7;
  bound.pid = 1;
  EXPECT_EQ(evaluate_all<double>("normal()", bound), reference);
  bound = bindings();
  bound.seed = 43;
  EXPECT_NE(evaluate_all<double>("normal()", bound), reference);
  bound = bindings();
  bound.streams = {"other"};
  EXPECT_NE(evaluate_all<double>("normal()", bound), reference);
  bound = bindings();
  bound.sample = 1;
  EXPECT_NE(evaluate_all<double>("normal()", bound), reference);
}

TEST(Random, ArgumentsShiftAndScale) {
  const std::vector<double> unit = evaluate_all<double>("uniform()");
  const std::vector<double> scaled = evaluate_all<double>("uniform(2, 10)");
  const std::vector<double> normal = evaluate_all<double>("normal()");
  const std::vector<double> wide = evaluate_all<double>("normal(-3, 0.5)");
  for (std::size_t n = 0; n < unit.size(); ++n) {
    ASSERT_EQ(scaled[n], unit[n] * 8.0 + 2.0);
    ASSERT_EQ(wide[n], normal[n] * 0.5 + -3.0);
  }
}

}  // namespace
}  // namespace windrow::expr
