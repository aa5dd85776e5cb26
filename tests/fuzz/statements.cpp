// Any text as the value of an array, and as statements about arrays: compiled, and evaluated both ways.
#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "expr/evaluator.hpp"
#include "expr/script.hpp"
#include "fuzz/fuzz_target.hpp"

namespace {

using windrow::ElementType;
using windrow::expr::Bindings;
using windrow::expr::Evaluator;
using windrow::expr::Program;
using windrow::expr::Script;
using windrow::expr::Sink;
using windrow::expr::Store;
using windrow::expr::Target;
using Bytes = std::vector<std::byte>;

// More than a strip of the evaluator, of lines that begin anywhere in a cache line.
constexpr windrow::expr::Shape kMatrix{.axes = 2, .rows = 29, .cols = 23};
constexpr windrow::expr::Shape kLine{.axes = 1, .rows = 1, .cols = 23};
constexpr windrow::expr::Shape kColumn{.axes = 2, .rows = 29, .cols = 1};
// A text may ask for a histogram of any number of bins.
constexpr std::int64_t kMostElements = 4096;

std::size_t index(std::int64_t number) {
  return static_cast<std::size_t>(number);
}

/// Numbers near which types and functions have their limits.
Bytes elements(ElementType type, std::int64_t count) {
  constexpr double inf = std::numeric_limits<double>::infinity();
  // The one NaN that programs have: of two different ones either may be what their sum is.
  constexpr double nan = -std::numeric_limits<double>::quiet_NaN();
  constexpr std::array reals{0.0, -0.0, 0.5, -1.0, 3.25, inf, -inf, nan, 5e-324, 1e308, -2147483649.0, 9.3e18, 1e-5};
  constexpr std::array<std::int64_t, 11> wholes{0, 1, -1, 2, 31, 63, 64, INT32_MIN, INT32_MAX, INT64_MIN, INT64_MAX};
  Bytes bytes(index(count * bytes_of(type)));
  windrow::with_element(type, [&](auto element) {
    for (std::int64_t n = 0; n < count; ++n) {
      if (std::is_floating_point_v<decltype(element)>)
        element = static_cast<decltype(element)>(reals[index(n) % reals.size()]);
      else
        element = static_cast<decltype(element)>(wholes[index(n) % wholes.size()]);
      std::memcpy(bytes.data() + index(n) * sizeof element, &element, sizeof element);
    }
  });
  return bytes;
}

/// Keeps the lanes that it takes.
class Keeper final : public Sink {
 public:
  void take(const void* lanes, std::int64_t /*element*/, std::int64_t count) noexcept override {
    const auto* const first = static_cast<const std::byte*>(lanes);
    bytes.insert(bytes.end(), first, first + count * 8);
  }
  Bytes bytes;
};

Bytes value_of(const Program& program, bool may_compile) {
  const windrow::Extents extents = kMatrix.extents();
  Evaluator evaluator(program, {.extents = extents, .streams = {"array"}, .may_compile = may_compile});
  Bytes found;
  for (const ElementType type : {ElementType::float64, ElementType::int32}) {
    Bytes array(index(extents.bytes(type)));
    evaluator.evaluate({0, extents.elements()}, 0, {.destination = array.data(), .type = type});
    found.insert(found.end(), array.begin(), array.end());
  }
  return found;
}

/// What the passes store and what they hand to reductions, of which each has the same result here.
class Run {
 public:
  Run(const Script& script, bool may_compile) : script_(script), may_compile_(may_compile) {
    for (const Script::Array& array : script.arrays())
      memory_.push_back(array.is_new ? Bytes(index(array.shape.elements() * bytes_of(array.type)))
                                     : elements(array.type, array.shape.elements()));
    for (const windrow::expr::Reduction& reduction : script.reductions())
      parameters_.push_back(reduction.gives_float() ? std::bit_cast<std::int64_t>(1.5) : 3);
  }

  [[nodiscard]] Bytes bytes() {
    Bytes found;
    for (const Script::Pass& pass : script_.passes())
      for (const Keeper& keeper : evaluate(pass)) found.insert(found.end(), keeper.bytes.begin(), keeper.bytes.end());
    for (const Bytes& array : memory_) found.insert(found.end(), array.begin(), array.end());
    return found;
  }

 private:
  std::vector<Keeper> evaluate(const Script::Pass& pass) {
    Bindings bindings{.extents = pass.domain.extents(),
                      .streams = script_.streams(),
                      .parameters = parameters_,
                      .may_compile = may_compile_};
    for (const windrow::expr::Input& input : pass.program.inputs())
      bindings.inputs.push_back(
          {.first = memory_[index(input.array)].data(), .end = script_.arrays()[index(input.array)].shape.elements()});
    std::vector<Keeper> keepers(pass.reductions.size());
    std::vector<Sink*> sinks;
    for (Keeper& keeper : keepers) sinks.push_back(&keeper);
    Evaluator evaluator(pass.program, std::move(bindings));
    // In two parts, so that strips begin and end where no line does.
    const std::int64_t elements = pass.domain.elements();
    evaluator.evaluate({0, elements / 7}, 0, targets(pass, 0, Store::cached), sinks);
    evaluator.evaluate({elements / 7, elements}, 0, targets(pass, elements / 7, Store::streaming), sinks);
    return keepers;
  }

  std::vector<Target> targets(const Script::Pass& pass, std::int64_t element, Store store) {
    std::vector<Target> all;
    for (const std::int64_t number : pass.stores) {
      const ElementType type = script_.arrays()[index(number)].type;
      const auto is_stored = [&](const windrow::expr::Input& input) { return input.array == number; };
      all.push_back({.destination = memory_[index(number)].data() + element * bytes_of(type),
                     .type = type,
                     .store = store,
                     .is_input = std::ranges::any_of(pass.program.inputs(), is_stored)});
    }
    return all;
  }

  const Script& script_;
  bool may_compile_;
  std::vector<Bytes> memory_;
  std::vector<std::int64_t> parameters_;
};

void check_expression(std::string_view text) {
  try {
    const Program program = Program::compile(text);
    if (value_of(program, true) != value_of(program, false)) __builtin_trap();
  } catch (const windrow::expr::ExpressionError& error) {
    if (error.column() > text.size()) __builtin_trap();
  }
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> statements;
  for (const auto& [statement, offset] : windrow::expr::split_statements(text)) {
    // Character for character that of the text, but for comments, which are blanks.
    const auto stays = [](char of_text, char of_statement) { return of_statement == of_text || of_statement == ' '; };
    if (offset + statement.size() > text.size() ||
        !std::ranges::equal(text.substr(offset, statement.size()), statement, stays))
      __builtin_trap();
    statements.push_back(statement);
  }
  return statements;
}

void check_statements(const std::vector<std::string>& statements) {
  const std::vector<Script::Array> arrays{
      {.name = "u", .type = ElementType::float64, .shape = kMatrix},
      {.name = "n", .type = ElementType::int32, .shape = kMatrix},
      {.name = "r", .type = ElementType::float32, .shape = kColumn},
      {.name = "line", .type = ElementType::int64, .shape = kLine},
  };
  try {
    const Script script = Script::compile(statements, arrays);
    const auto is_large = [](const auto& of) { return of.elements() > kMostElements; };
    if (std::ranges::any_of(script.arrays(), is_large, &Script::Array::shape) ||
        std::ranges::any_of(script.passes(), is_large, &Script::Pass::domain))
      return;
    if (Run(script, true).bytes() != Run(script, false).bytes()) __builtin_trap();
  } catch (const windrow::expr::StatementError& error) {
    if (error.statement() >= statements.size() || error.column() > statements[error.statement()].size())
      __builtin_trap();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_expression(text);
  check_statements(split(text));
  return 0;
}
