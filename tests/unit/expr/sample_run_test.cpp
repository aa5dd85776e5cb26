#include "expr/sample_run.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <numeric>

namespace windrow::expr {
namespace {

constexpr Shape kSample{.axes = 2, .rows = 197, .cols = 23};
constexpr Shape kLine{.axes = 1, .rows = 1, .cols = 23};
constexpr auto kElements = static_cast<std::size_t>(197 * 23);
using Links = std::vector<Script::Link>;

/// Keeps what is stored.
class Kept final : public SampleStore {
 public:
  explicit Kept(std::size_t bytes) : bytes_(bytes) {}
  std::byte* begin(ElementRange elements) override {
    EXPECT_EQ(elements.begin, next_);
    next_ = elements.end;
    return bytes_.data() + static_cast<std::size_t>(elements.begin) * width_;
  }
  void end(ElementRange elements) override { EXPECT_EQ(elements.end, next_); }
  void width(std::size_t bytes) { width_ = bytes; }
  void restart() { next_ = 0; }
  [[nodiscard]] const std::vector<std::byte>& bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
  std::size_t width_ = 8;
  std::int64_t next_ = 0;
};

Script::Link source(const std::string& text, ElementType type = ElementType::float64) {
  return {.name = "samples", .text = text, .shape = kSample, .type = type};
}
Script::Link stage(int number, const std::string& text) {
  return {.name = "stage " + std::to_string(number), .text = text};
}
Script::Link number(const std::string& text) {
  return {.name = "result", .text = text, .is_number = true};
}

double only_number(const SampleRun& run) {
  return std::bit_cast<double>(run.numbers().at(0));
}

/// The result of a chain for a sample, all of it in one run.
double fused(const Links& links, std::int64_t sample) {
  const Script script = Script::chain(links, {}, {});
  SampleRun run(script, {.extents = {}, .seed = 42});
  run.run(sample - 1, nullptr);  // nothing of another sample stays
  run.run(sample, nullptr);
  return only_number(run);
}

/// The same, each expression by itself, over what the one before it has stored.
double in_stages(const Links& links, std::int64_t sample) {
  std::vector<std::byte> x;
  std::vector<Script::Array> known;
  for (const Script::Link& link : links) {
    const std::vector<std::string> outputs{link.name};
    const Script script =
        Script::chain(std::span(&link, 1), known, link.is_number ? std::span<const std::string>() : outputs);
    SampleRun run(script, {.extents = {}, .seed = 42});
    if (!known.empty()) run.bind(0, x.data());
    Kept kept(kElements * 8);
    for (const Script::Array& array : script.arrays())
      if (array.name == link.name) {
        known = {{.name = "x", .type = array.type, .shape = array.shape}};
        kept.width(static_cast<std::size_t>(bytes_of(array.type)));
      }
    run.run(sample - 1, &kept);
    kept.restart();
    run.run(sample, &kept);
    if (link.is_number) return only_number(run);
    x = kept.bytes();
  }
  return std::nan("");
}

TEST(SampleRun, GivesWhatTheExpressionsSay) {
  const double found =
      fused({source("i*cols + j + 1000*k"), stage(1, "x*x"), stage(2, "x*3"), stage(3, "x + 1"), number("sum(x)")}, 37);
  double expected = 0;
  for (std::size_t n = 0; n < kElements; ++n) {
    const double x = static_cast<double>(n) + 37000.0;
    expected += x * x * 3 + 1;  // all of it exact: below 2^53
  }
  EXPECT_EQ(found, expected);
}

TEST(SampleRun, StagesByThemselvesGiveTheSameBits) {
  const std::vector<Links> chains{
      {source("uniform()"), stage(1, "x*x"), stage(2, "x*3"), stage(3, "x + 1"), number("sum(x)")},
      {source("normal()"), stage(1, "x + uniform()"), stage(2, "normal(x, 2) + uniform()"), number("mean(x)")},
      {source("uniform()", ElementType::float32), stage(1, "sin(x)*k"), stage(2, "x**2"), number("std(x, ddof=1)")},
      {source("uniform()*100", ElementType::int32), stage(1, "x % 7"), stage(2, "x == k"),
       number("count_nonzero(x)/2")},
      {source("uniform()"), stage(1, "x - mean(x)"), stage(2, "x/std(x)"), number("max(x) - min(x)")},
      {source("uniform()"), stage(1, "sum(x, axis=0)"), stage(2, "x - mean(x)"), number("norm(x)")},
      {source("uniform()"), stage(1, "x - mean(x, axis=1, keepdims=True)"), number("quantile(x, 0.25)")},
      {source("uniform() + k"), stage(1, "histogram(x, bins=23) + 0*k"), number("max(x) + 0.5")},
      {source("uniform()"), stage(1, "x*sin(j)*j*k"), stage(2, "uniform()"), number("sum(x)")},
  };
  for (const Links& links : chains)
    for (const std::int64_t sample : {1, 37})
      EXPECT_EQ(std::bit_cast<std::int64_t>(fused(links, sample)),
                std::bit_cast<std::int64_t>(in_stages(links, sample)))
          << links[1].text << ", sample " << sample;
}

TEST(SampleRun, ANumberCanHaveTheSamplesNumberAndExtentsInIt) {
  EXPECT_EQ(fused({source("1"), number("sum(x)*k + 0.5")}, 37), 37.0 * kElements + 0.5);
  EXPECT_EQ(fused({source("1"), number("k/2")}, 37), 18.5);
  EXPECT_EQ(fused({source("i"), number("sum(x)/(rows*cols)")}, 3), 98.0);
  EXPECT_EQ(fused({source("i"), stage(1, "sum(x, axis=0)"), number("sum(x)/rows")}, 3), 196.0 * 197.0 / 2);
}

TEST(SampleRun, SamplesDiffer) {
  const Links links{source("uniform()"), number("sum(x)")};
  EXPECT_NE(fused(links, 1), fused(links, 2));
  EXPECT_EQ(fused(links, 2), fused(links, 2));
}

TEST(SampleRun, ReadsATable) {
  std::vector<double> table(23);
  std::iota(table.begin(), table.end(), 1.0);
  const Links links{source("i"), stage(1, "x + weights*k"), number("sum(x)")};
  const Script script = Script::chain(links, {{.name = "weights", .type = ElementType::float64, .shape = kLine}}, {});
  SampleRun run(script, {});
  run.bind(0, reinterpret_cast<const std::byte*>(table.data()));
  run.run(5, nullptr);
  EXPECT_EQ(only_number(run), 23.0 * (196.0 * 197.0 / 2) + 5 * 197 * (23.0 * 24 / 2));
}

TEST(SampleRun, CountsWhatIsNotFinite) {
  const Links links{source("where(j == 3, nan, where(j == 4, inf, k))")};
  const std::vector<std::string> outputs{"samples"};
  const Script script = Script::chain(links, {}, outputs);
  SampleRun run(script, {});
  for (int sample = 0; sample < 2; ++sample) {
    Kept kept(kElements * 8);
    run.run(sample, &kept);
  }
  EXPECT_EQ(run.not_finite().nan, 2 * 197);
  EXPECT_EQ(run.not_finite().infinite, 2 * 197);
}

void expect_refused(const Links& links, std::size_t link, const std::string& part) {
  try {
    (void)Script::chain(links, {}, {});
    FAIL() << "not refused: " << part;
  } catch (const StatementError& error) {
    EXPECT_EQ(error.statement(), link);
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}

TEST(SampleRun, WrongChainsAreRefused) {
  expect_refused({source("x + 1")}, 0, "unknown name 'x'");
  expect_refused({source("i"), stage(1, "5")}, 1, "one number");
  expect_refused({source("i"), stage(1, "sum(x)")}, 1, "one number");
  expect_refused({source("i"), number("x")}, 1, "the shape (197, 23)");
  expect_refused({source("i"), stage(1, "y + 1")}, 1, "unknown name 'y'");
  expect_refused({source("i"), number("sum(x) + i")}, 1, "differ from element to element");
  expect_refused({source("i"), number("uniform()")}, 1, "differ from element to element");
}

}  // namespace
}  // namespace windrow::expr
