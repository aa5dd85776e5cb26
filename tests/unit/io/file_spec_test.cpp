#include "io/file_spec.hpp"
#include "base/units.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "unit/io/support.hpp"

namespace windrow::io::test {
namespace {

ArraySpec array(std::string name, std::int64_t rows, std::int64_t cols) {
  return {std::move(name), ElementType::float64, {rows, cols}, {}};
}

ArraySpec vector(std::string name, std::int64_t rows) {
  return {std::move(name), ElementType::float64, {rows, 1, true}, {}};
}

/// The names of the dimensions of every array, "row,col row".
std::string names_of(const std::vector<ArraySpec>& arrays, const std::vector<ScalarSpec>& scalars = {}) {
  const DimensionPlan plan =
      plan_dimensions({.title = "", .source = "", .arrays = arrays, .scalars = scalars, .provenance = {}});
  std::string names;
  for (const auto& axes : plan.axes) {
    if (!names.empty()) names += ' ';
    for (std::size_t axis = 0; axis < axes.size(); ++axis)
      names += (axis == 0 ? "" : ",") + plan.dimensions[axes[axis]].name;
  }
  return names;
}

TEST(Dimensions, AreRowAndColWhereTheArraysAgree) {
  EXPECT_EQ(names_of({array("u", 197, 23)}), "row,col");
  EXPECT_EQ(names_of({vector("u", 197)}), "row");
  EXPECT_EQ(names_of({array("u", 197, 23), array("v", 197, 23), vector("w", 197)}), "row,col row,col row");
  EXPECT_EQ(names_of({array("square", 23, 23)}), "row,col");
}

TEST(Dimensions, AreNamedAfterTheFirstArrayOfALengthWhereTheyDiffer) {
  EXPECT_EQ(names_of({array("u", 197, 23), array("v", 197, 29)}), "row,u_col row,v_col");
  EXPECT_EQ(names_of({array("u", 7, 23), array("v", 11, 23), array("w", 11, 23)}), "u_row,col v_row,col v_row,col");
}

TEST(Dimensions, OfSamplesComeFirst) {
  ArraySpec all = array("samples", 5, 197 * 23);
  all.sample = Extents{197, 23};
  EXPECT_EQ(names_of({all}), "sample,row,col");
  ArraySpec lines = array("samples", 5, 197);
  lines.sample = Extents{197, 1, true};
  EXPECT_EQ(names_of({lines}), "sample,row");
  ArraySpec sums = vector("sum", 5);
  sums.sample = Extents{197, 23};
  EXPECT_EQ(names_of({sums}), "sample");
  EXPECT_EQ(names_of({sums, all, array("u", 197, 7)}), "sample sample,row,samples_col row,u_col");
}

TEST(Dimensions, GiveWayToArraysAndScalars) {
  EXPECT_EQ(names_of({array("row", 197, 23)}), "row_,col");
  EXPECT_EQ(names_of({array("u", 197, 23)}, {{"col", 1.0, {}}}), "row,col_");
  EXPECT_EQ(names_of({vector("u", 7), vector("u_row", 11)}), "u_row_ u_row_row");
}

TEST(Names, ThatFilesCannotHoldAreRefused) {
  for (const std::string& name : {std::string(), std::string("a/b"), std::string("."), std::string("provenance"),
                                  std::string("a\n"), std::string("a "), std::string(" a"), std::string(300, 'a')}) {
    FileSpec spec;
    spec.arrays = {array(name, 2, 2)};
    EXPECT_EQ(outcome_of([&] { check_names(spec); }).status, ExitStatus::usage) << name;
  }
  FileSpec twice;
  twice.arrays = {array("u", 2, 2)};
  twice.scalars = {{"u", 1.0, {}}};
  EXPECT_NE(outcome_of([&] { check_names(twice); }).message.find("two results are called 'u'"), std::string::npos);
  FileSpec good;
  good.arrays = {array("größe", 2, 2), array("_x1", 2, 2), array("row", 2, 2)};
  EXPECT_EQ(outcome_of([&] { check_names(good); }).status, ExitStatus::done);
}

TEST(EstimatedFileBytes, IsCloseAndNeverTooSmall) {
  constexpr std::int64_t tolerance = 128 * kKiB;  // what the declaration promises, with some room
  std::vector<FileSpec> specs{small_spec(), FileSpec{}};
  specs.push_back(small_spec());
  specs.back().provenance.texts.push_back({"effective_deck", std::string(300'000, '#')});
  specs.back().provenance.blocks[0].blocks.resize(50'000);
  // Up to 64 KiB HDF5 keeps an attribute with its object, longer ones apart.
  for (const std::size_t length :
       {std::size_t{4'000}, std::size_t{60'000}, std::size_t{66'000}, std::size_t{1'000'000}})
    for (const bool is_title : {true, false}) {
      const std::string text(length, 'a');
      specs.push_back(small_spec());
      (is_title ? specs.back().title : specs.back().source) = text;
      specs.push_back(small_spec());
      specs.back().arrays[is_title ? 0 : 1].attributes = {{"expression", text}};
    }
  const Scratch scratch;
  for (const FileSpec& spec : specs) {
    const std::int64_t actual = write_counted(scratch / "a.h5", spec).file_bytes();
    EXPECT_GE(estimated_file_bytes(spec), actual);
    EXPECT_LE(estimated_file_bytes(spec), actual + tolerance);
  }
  FileSpec many;
  for (int a = 0; a < 60; ++a) many.arrays.push_back(array(fmt::format("array_{}", a), a + 1, 60 - a));
  for (int s = 0; s < 60; ++s) many.scalars.push_back({fmt::format("scalar_{}", s), 1.0, {{"expression", "sum(u)"}}});
  EXPECT_GE(estimated_file_bytes(many), write_counted(scratch / "a.h5", many).file_bytes());
}

}  // namespace
}  // namespace windrow::io::test
