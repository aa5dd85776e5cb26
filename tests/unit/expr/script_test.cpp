#include "expr/script.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <map>
#include <numeric>

#include "expr/folder.hpp"

namespace windrow::expr {
namespace {

using Statements = std::vector<std::string>;

Script::Array array(std::string name, Shape shape, ElementType type = ElementType::float64) {
  return {.name = std::move(name), .type = type, .shape = shape};
}

const Shape kShape{2, 197, 23};
constexpr std::size_t kElements = 4531;
const std::vector<Script::Array> kArrays{array("u", kShape),
                                         array("v", kShape),
                                         array("r", {2, 1, 23}),
                                         array("c", {2, 197, 1}),
                                         array("n", kShape, ElementType::int32),
                                         array("line", {1, 1, 1009})};

/// What a script makes of its arrays, all of which hold 0, 1, 2, ... at first; every array as float64.
struct Outcome {
  std::map<std::string, std::vector<double>> arrays;
  std::map<std::string, double> numbers;
};

std::vector<std::byte> counting(const Script::Array& array) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(array.shape.elements() * bytes_of(array.type)));
  with_element(array.type, [&](auto element) {
    auto* const first = reinterpret_cast<decltype(element)*>(bytes.data());
    std::iota(first, first + array.shape.elements(), element);
  });
  return bytes;
}

Outcome run(const Script& script) {
  std::vector<std::vector<std::byte>> memory;
  for (const Script::Array& array : script.arrays()) memory.push_back(counting(array));
  std::vector<std::int64_t> parameters(script.reductions().size());
  for (const Script::Pass& pass : script.passes()) {
    Bindings bindings{
        .extents = pass.domain.extents(), .streams = script.streams(), .seed = 1, .parameters = parameters};
    for (const Input& input : pass.program.inputs())
      bindings.inputs.push_back({memory[static_cast<std::size_t>(input.array)].data(), 0,
                                 script.arrays()[static_cast<std::size_t>(input.array)].shape.elements()});
    std::vector<Target> targets;
    for (const std::int64_t number : pass.stores)
      targets.push_back({.destination = memory[static_cast<std::size_t>(number)].data(),
                         .type = script.arrays()[static_cast<std::size_t>(number)].type,
                         .is_input = true});
    std::vector<std::unique_ptr<Folder>> folders;
    std::vector<Sink*> sinks;
    const RowRange rows{0, pass.domain.extents().rows};
    for (const std::int64_t number : pass.reductions) {
      const Reduction& reduction = script.reductions()[static_cast<std::size_t>(number)];
      auto* const results =
          reduction.array < 0
              ? nullptr
              : reinterpret_cast<std::int64_t*>(memory[static_cast<std::size_t>(reduction.array)].data());
      folders.push_back(Folder::make(reduction, rows, results));
      sinks.push_back(folders.back().get());
    }
    Evaluator evaluator(pass.program, bindings);
    evaluator.evaluate({0, pass.domain.elements()}, 0, targets, sinks);
    for (std::size_t n = 0; n < folders.size(); ++n) {
      const Reduction& reduction = script.reductions()[static_cast<std::size_t>(pass.reductions[n])];
      if (reduction.axis == 1) continue;
      const auto result =
          combine(reduction, std::array{rows}, folders[n]->part(), reduction.axis ? pass.domain.cols : 1);
      if (!reduction.axis) parameters[static_cast<std::size_t>(pass.reductions[n])] = result[0];
      if (reduction.axis)
        std::memcpy(memory[static_cast<std::size_t>(reduction.array)].data(), result.data(), result.size() * 8);
    }
  }
  Outcome outcome;
  for (std::size_t n = 0; n < memory.size(); ++n)
    with_element(script.arrays()[n].type, [&](auto element) {
      const auto* const first = reinterpret_cast<const decltype(element)*>(memory[n].data());
      outcome.arrays[script.arrays()[n].name].assign(first, first + script.arrays()[n].shape.elements());
    });
  const std::vector<std::int64_t> numbers = evaluate_numbers(script.scalar_program(), parameters);
  for (std::size_t n = 0; n < numbers.size(); ++n)
    outcome.numbers[script.scalars()[n].name] =
        is_float(script.scalars()[n].type) ? std::bit_cast<double>(numbers[n]) : static_cast<double>(numbers[n]);
  return outcome;
}

Outcome run(const Statements& statements, const Statements& outputs = {}) {
  return run(Script::compile(statements, kArrays, outputs));
}

std::string failure(const Statements& statements, std::size_t statement, std::size_t column) {
  try {
    (void)Script::compile(statements, kArrays);
  } catch (const StatementError& error) {
    EXPECT_EQ(error.statement(), statement) << error.what();
    EXPECT_EQ(error.column(), column) << error.what();
    return error.what();
  }
  return "";
}

TEST(Script, MapsAndReducesInOnePass) {
  const Script script = Script::compile(Statements{"w = u**2", "total = sum(w)", "largest = max(w)"}, kArrays);
  EXPECT_EQ(script.passes().size(), 1U);
  const Outcome outcome = run(script);
  double total = 0;
  for (std::size_t n = 0; n < kElements; ++n) {
    const auto x = static_cast<double>(n);
    ASSERT_EQ(outcome.arrays.at("w")[n], x * x);
    total += x * x;
  }
  EXPECT_EQ(outcome.numbers.at("total"), total);
  EXPECT_EQ(outcome.numbers.at("largest"), 4530.0 * 4530.0);
}

TEST(Script, WhatIsNotAskedForIsNotStored) {
  const Script script = Script::compile(Statements{"t = sin(u)", "w = t + t**2"}, kArrays, Statements{"w"});
  EXPECT_EQ(script.passes().size(), 1U);
  EXPECT_EQ(script.passes()[0].stores.size(), 1U);
  for (const Script::Array& made : script.arrays())
    EXPECT_EQ(made.is_stored, !made.is_new || made.name == "w") << made.name;
}

TEST(Script, ComputesWhatIsAlikeOnce) {
  const Script script = Script::compile(Statements{"a = sin(u) + 1", "b = sin(u) + 1", "m = mean(sin(u))"}, kArrays);
  ASSERT_EQ(script.passes().size(), 1U);
  const auto instructions = script.passes()[0].program.instructions();
  EXPECT_LE(instructions.size(), 4U);  // load, sin, 1, +
}

TEST(Script, AReductionIsThereInTheNextPass) {
  const Script script = Script::compile(Statements{"w = u - mean(u)", "s = std(w)", "x = w/s"}, kArrays);
  EXPECT_EQ(script.passes().size(), 3U);
  const Outcome outcome = run(script);
  const double mean = 4530.0 / 2;
  const double deviation = std::sqrt((4531.0 * 4531.0 - 1) / 12);
  EXPECT_NEAR(outcome.numbers.at("s"), deviation, 1e-10);
  for (std::size_t n = 0; n < kElements; ++n) {
    ASSERT_EQ(outcome.arrays.at("w")[n], static_cast<double>(n) - mean);
    ASSERT_NEAR(outcome.arrays.at("x")[n], (static_cast<double>(n) - mean) / deviation, 1e-12);
  }
}

TEST(Script, AssignsInPlaceWhenNobodyReadsTheOldValuesAnyMore) {
  const Outcome outcome = run(Statements{"t = u + 1", "u = u*2", "m = mean(u)", "w = t - m + u", "n = n/2"});
  const double mean = 4530.0;
  for (std::size_t k = 0; k < kElements; ++k) {
    const auto x = static_cast<double>(k);
    ASSERT_EQ(outcome.arrays.at("t")[k], x + 1);
    ASSERT_EQ(outcome.arrays.at("u")[k], x * 2);
    ASSERT_EQ(outcome.arrays.at("w")[k], x + 1 - mean + x * 2);
    ASSERT_EQ(outcome.arrays.at("n")[k], std::floor(x / 2));  // truncated into int32
  }
}

TEST(Script, ExchangesTwoArrays) {
  const Outcome outcome = run(Statements{"v = v + 1", "t = u", "u = v", "v = t"});
  for (std::size_t k = 0; k < kElements; ++k) {
    ASSERT_EQ(outcome.arrays.at("u")[k], static_cast<double>(k) + 1);
    ASSERT_EQ(outcome.arrays.at("v")[k], static_cast<double>(k));
  }
}

TEST(Script, BroadcastsRowsAndColumns) {
  const Outcome outcome = run(Statements{"w = u + r*c + i*100 + j"});
  for (std::size_t i = 0; i < 197; ++i)
    for (std::size_t j = 0; j < 23; ++j)
      ASSERT_EQ(outcome.arrays.at("w")[i * 23 + j], static_cast<double>(i * 23 + j + i * j + i * 100 + j));
}

TEST(Script, ReducesAlongAnAxis) {
  const Outcome outcome = run(Statements{"down = sum(u, axis=0)", "right = mean(u, axis=1)", "w = u - min(u, axis=0)",
                                         "where_ = argmax(u, axis=-1)", "kept = u/max(u + 1, axis=1, keepdims=True)"});
  for (std::size_t j = 0; j < 23; ++j)
    ASSERT_EQ(outcome.arrays.at("down")[j], 197.0 * static_cast<double>(j) + 23.0 * 197 * 98);
  for (std::size_t i = 0; i < 197; ++i) {
    ASSERT_EQ(outcome.arrays.at("right")[i], static_cast<double>(i * 23 + 11));
    ASSERT_EQ(outcome.arrays.at("where_")[i], 22.0);
    for (std::size_t j = 0; j < 23; ++j) {
      ASSERT_EQ(outcome.arrays.at("w")[i * 23 + j], static_cast<double>(i * 23));
      ASSERT_EQ(outcome.arrays.at("kept")[i * 23 + j],
                static_cast<double>(i * 23 + j) / static_cast<double>(i * 23 + 23));
    }
  }
}

TEST(Script, KeptAxesMakeAnArrayOfASingleElement) {
  const Script script = Script::compile(Statements{"m = max(u, keepdims=True)", "t = sum(m, axis=0)"}, kArrays);
  EXPECT_TRUE(script.scalars().empty());
  const Outcome outcome = run(script);
  EXPECT_EQ(outcome.arrays.at("m"), std::vector<double>{4530.0});
  EXPECT_EQ(outcome.arrays.at("t"), std::vector<double>{4530.0});
}

TEST(Script, RowsAndColumnsStayThoseOfTheArrayTheyWereTakenFor) {
  const Outcome outcome = run({"x = r*0 + j", "y = c*0 + 10*i + j", "z = u*0 + x + 1000*y", "w = z + j"});
  const Outcome line = run({"x = line*0 + i", "z = line*0 + 2*x", "w = c*0 + z + j"});
  for (std::size_t n = 0; n < kElements; ++n) {
    const std::size_t above = n / 23;
    const auto row = static_cast<double>(above);
    const auto column = static_cast<double>(n % 23);
    ASSERT_EQ(outcome.arrays.at("z")[n], column + 10000 * row);
    ASSERT_EQ(outcome.arrays.at("w")[n], 2 * column + 10000 * row);
  }
  for (std::size_t n = 0; n < std::size_t{197} * 1009; ++n)
    ASSERT_EQ(line.arrays.at("w")[n], 3 * static_cast<double>(n % 1009));
}

TEST(Script, SumsWhatIsTheSameEverywhere) {
  const Outcome outcome = run(Statements{"n_all = sum(u**0)", "same = sum(u)", "both = sum(u) + sum(u*0 + 2)"});
  EXPECT_EQ(outcome.numbers.at("n_all"), 4531.0);
  EXPECT_EQ(outcome.numbers.at("same"), 4530.0 * 4531.0 / 2);
  EXPECT_EQ(outcome.numbers.at("both"), 4530.0 * 4531.0 / 2 + 2 * 4531.0);
}

TEST(Script, NumbersComeFromReductionsAlone) {
  const Outcome outcome =
      run(Statements{"n_all = count_nonzero(u > 10)", "share = n_all/4531", "nothing = any(u < 0)",
                     "last = argmax(line)", "length = norm(line)", "dot = vdot(line, line)", "two = 2"});
  EXPECT_EQ(outcome.numbers.at("n_all"), 4520.0);
  EXPECT_EQ(outcome.numbers.at("share"), 4520.0 / 4531.0);
  EXPECT_EQ(outcome.numbers.at("nothing"), 0.0);
  EXPECT_EQ(outcome.numbers.at("last"), 1008.0);
  const double squares = 1008.0 * 1009.0 * 2017.0 / 6.0;
  EXPECT_EQ(outcome.numbers.at("dot"), squares);
  EXPECT_EQ(outcome.numbers.at("length"), std::sqrt(squares));
  EXPECT_EQ(outcome.numbers.at("two"), 2.0);
}

TEST(Script, TypesAreNumpys) {
  const auto type_of = [](const std::string& expression) {
    const Script script =
        Script::compile(Statements{"w = " + expression},
                        {array("a32", kShape, ElementType::float32), array("i32", kShape, ElementType::int32),
                         array("i64", kShape, ElementType::int64), array("f64", kShape)});
    return script.scalars().empty() ? std::string(name_of(script.arrays().back().type))
                                    : std::string(name_of(script.scalars()[0].type));
  };
  const std::vector<std::pair<std::string, std::string>> expected{{"a32*2", "float32"},
                                                                  {"a32*2.5", "float32"},
                                                                  {"a32 + i32", "float64"},
                                                                  {"a32 + i64", "float64"},
                                                                  {"i32 + 1", "int32"},
                                                                  {"i32 + 2**40", "int64"},
                                                                  {"i32 + 1.5", "float64"},
                                                                  {"i32/i32", "float64"},
                                                                  {"i32 + i64", "int64"},
                                                                  {"i32 < 3", "int8"},
                                                                  {"sin(a32)", "float32"},
                                                                  {"sin(i32)", "float64"},
                                                                  {"a32*1e300", "float64"},
                                                                  {"a32*1000", "float32"},
                                                                  {"a32*100000", "float64"},
                                                                  {"a32*-1e300", "float64"},
                                                                  {"i32*-1", "int32"},
                                                                  {"i32*(2 + 3)", "int32"},
                                                                  {"i32 - 2*2**30", "int64"},
                                                                  {"i32**-2", "float64"},
                                                                  {"-i32", "int32"},
                                                                  {"i32**2", "int32"},
                                                                  {"a32**2", "float32"},
                                                                  {"a32*pi", "float32"},
                                                                  {"a32 - mean(f64)", "float32"},
                                                                  {"sum(i32)", "int64"},
                                                                  {"sum(a32)", "float32"},
                                                                  {"mean(i32)", "float64"},
                                                                  {"max(i32)", "int32"},
                                                                  {"all(i32)", "bool"},
                                                                  {"(i32 < 3)*2.5", "float64"},
                                                                  {"where(i32 < 3, i32, 2)", "int32"},
                                                                  {"minimum(i32, 2.5)", "float64"},
                                                                  {"a32*rows", "float32"},
                                                                  {"i32 & 1", "int32"}};
  for (const auto& [expression, type] : expected) EXPECT_EQ(type_of(expression), type) << expression;
}

TEST(Script, TellsWhatIsWrongAndWhere) {
  EXPECT_EQ(failure({"w = u", "w = "}, 1, 4), "the expression is empty; write a number or a formula");
  EXPECT_NE(failure({"u*2"}, 0, 1).find("a statement is name = expression"), std::string::npos);
  EXPECT_NE(failure({"sin = u"}, 0, 0).find("word of the language"), std::string::npos);
  EXPECT_NE(failure({"w = uu + 1"}, 0, 4).find("did you mean 'u'?"), std::string::npos);
  EXPECT_NE(failure({"w = u + line"}, 0, 6).find("shapes (197, 23) and (1009,) do not fit"), std::string::npos);
  EXPECT_NE(failure({"r = u"}, 0, 0).find("'r' has the shape (1, 23), what is assigned to it has (197, 23)"),
            std::string::npos);
  EXPECT_NE(failure({"w = i + j"}, 0, 0).find("nothing tells the shape of 'w'"), std::string::npos);
  EXPECT_NE(failure({"w = sum(2)"}, 0, 4).find("sum of a number"), std::string::npos);
  EXPECT_NE(failure({"w = sum(u, axis=2)"}, 0, 4).find("axis=2 of an array of 2 axes"), std::string::npos);
  EXPECT_NE(failure({"w = sum(u, axis=(0, 1))"}, 0, 11).find("a single number, 0 or 1"), std::string::npos);
  EXPECT_NE(failure({"w = sum(u, axis=0.5)"}, 0, 11).find("no whole number"), std::string::npos);
  EXPECT_NE(failure({"w = std(u, ddof=[1, 2])"}, 0, 11).find("ddof= is a single number"), std::string::npos);
  EXPECT_NE(failure({"w = sum(u, ddof=1)"}, 0, 11).find("'sum' has no 'ddof'"), std::string::npos);
  EXPECT_NE(failure({"w = u ^ 2"}, 0, 6).find("a power is written **"), std::string::npos);
  EXPECT_NE(failure({"w = u + offset"}, 0, 8).find("here write i"), std::string::npos);
}

TEST(Script, ATextIsDividedIntoStatements) {
  const std::string text = "a = 1  # one\n\n# nothing\n  b = (2 +\n  3); c = 4\nd = sum(u,\n";
  const std::vector<StatementText> found = split_statements(text);
  ASSERT_EQ(found.size(), 4U);
  EXPECT_EQ(found[0].text, "a = 1       ");
  EXPECT_EQ(found[1].text, "  b = (2 +\n  3)");
  EXPECT_EQ(text.substr(found[1].offset, 8), "  b = (2");
  EXPECT_EQ(found[2].text, " c = 4");
  EXPECT_EQ(text.substr(found[2].offset, 6), " c = 4");
  EXPECT_EQ(found[3].text, "d = sum(u,\n");
  EXPECT_TRUE(split_statements(" \n # x").empty());
}

TEST(Script, RandomCallsOfAnArrayAreCountedOn) {
  Outcome outcome =
      run(Statements{"a = u*0 + normal()", "a = a + normal()", "b = u*0 + normal()"}, Statements{"a", "b"});
  EXPECT_NE(outcome.arrays.at("a")[5], 2 * outcome.arrays.at("b")[5]);
}

}  // namespace
}  // namespace windrow::expr
