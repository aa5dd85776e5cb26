#include <gtest/gtest.h>

#include "small_job.hpp"

namespace windrow {
namespace {

std::string errors(const std::string& keys, std::vector<std::string> overrides = {}) {
  try {
    (void)small_deck(keys, std::move(overrides));
  } catch (const deck::DeckError& error) {
    EXPECT_EQ(error.status(), ExitStatus::usage);
    return error.what();
  }
  return "";
}

ArrayShape shape_of(const std::string& keys, int ranks) {
  return small_deck("[array]\nvalue = 'i'\n" + keys).job->needs(ranks).arrays.at(0).shape;
}

TEST(DeckLoading, AnArrayHasTheShapeThatItsKeysTell) {
  const ArrayShape two = shape_of("rows = 2000\ncols = 10\nname = 'v'\ntype = 'int32'", 4);
  EXPECT_EQ(two.name, "v");
  EXPECT_EQ(two.type, ElementType::int32);
  EXPECT_EQ(two.extents.rows, 2000);
  EXPECT_EQ(two.extents.cols, 10);
  EXPECT_FALSE(two.extents.one_dimensional);
  const ArrayShape one = shape_of("rows = 6e7", 4);
  EXPECT_EQ(one.name, "array");
  EXPECT_EQ(one.type, ElementType::float64);
  EXPECT_EQ(one.extents.rows, 60'000'000);
  EXPECT_TRUE(one.extents.one_dimensional);
}

TEST(DeckLoading, AsManyRowsAsRanks) {
  for (const int ranks : {1, 2, 7}) EXPECT_EQ(shape_of("rows = 'ranks'\ncols = 3", ranks).extents.rows, ranks);
}

TEST(DeckLoading, ExtentsOfMoreThan2To62BytesAreRejectedAtTheRows) {
  const std::string most = "[array]\nvalue = 0\ncols = 1\nrows = ";
  EXPECT_EQ(errors(most + "576460752303423488"), "");
  EXPECT_EQ(errors(most + "576460752303423489").substr(0, 12), "d.toml:5:8: ");
  EXPECT_EQ(errors("[array]\nvalue = 0\nrows = 'ranks'\ncols = 9e18").substr(0, 12), "d.toml:4:8: ");
  EXPECT_EQ(errors("[array]\nvalue = 0\nrows = 30\ncols = 10", {"array.rows=4e18"}).substr(0, 19),
            "command line:1:12: ");
}

TEST(DeckLoading, NamesThatNoDatasetCanHaveAreRejected) {
  const std::string rest = "[array]\nrows = 3\nvalue = 0\nname = ";
  for (const char* const name : {"'v'", "'_v2'", "'Pressure'"}) EXPECT_EQ(errors(rest + name), "") << name;
  for (const char* const name : {"''", "'2v'", "'a/b'", "'.'", "'a b'", "'caf\xc3\xa9'", "'provenance'"}) {
    const std::string message = errors(rest + name);
    EXPECT_EQ(message.substr(0, 12), "d.toml:5:8: ") << name;
    EXPECT_EQ(message.find('\n'), std::string::npos) << "told twice: " << message;
  }
  EXPECT_EQ(errors(rest + "'" + std::string(64, 'v') + "'"), "");
  EXPECT_NE(errors(rest + "'" + std::string(65, 'v') + "'"), "");
}

TEST(DeckLoading, OutputArraysAreThoseOfTheJob) {
  const std::string rest = "[array]\nrows = 3\nvalue = 0\n[output]\nfile = 'f.h5'\n";
  EXPECT_EQ(small_deck(rest).output_arrays(), std::vector<std::string>{"array"});
  EXPECT_EQ(small_deck(rest + "arrays = ['array']").output_arrays(), std::vector<std::string>{"array"});
  EXPECT_EQ(errors(rest + "arrays = ['array', 'w']").substr(0, 13), "d.toml:7:20: ");
}

TEST(DeckLoading, AJobThatIsNotInTheTableIsToldWithTheNearest) {
  const JobEntry entry{"small", "", make_job<SmallJob>};
  const Registry registry(&entry, 1);
  EXPECT_NE(find_job(registry, "small"), nullptr);
  EXPECT_EQ(find_job(registry, "smal"), nullptr);
  EXPECT_NE(unknown_job(registry, "smal").find("'small'"), std::string::npos);
  try {
    (void)load_deck({"d.toml", "\n job = 'smal'", {}}, registry);
    ADD_FAILURE() << "the job was found";
  } catch (const deck::DeckError& error) {
    EXPECT_EQ(std::string(error.what()).substr(0, 12), "d.toml:2:8: ");
  }
}

}  // namespace
}  // namespace windrow
