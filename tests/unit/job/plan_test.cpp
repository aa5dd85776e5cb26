#include "job/plan.hpp"

#include <gtest/gtest.h>

#include "small_job.hpp"

namespace windrow {
namespace {

const std::string kHundredMegabytes = "[array]\nrows = 1250000\ncols = 10\nvalue = 'i'\n";

Plan plan_on(Machine machine, const std::string& keys = kHundredMegabytes) {
  return Plan::make(small_deck(keys), std::move(machine));
}

TEST(Plan, EqualNodesTakeTheRanksEvenly) {
  const Machine machine = equal_nodes(7, 3);
  EXPECT_EQ(machine.ranks_per_node, (std::vector<int>{3, 2, 2}));
  EXPECT_EQ(machine.host_of_node, (std::vector<int>{0, 1, 2}));
  EXPECT_EQ(equal_nodes(1, 1).ranks_per_node, std::vector<int>{1});
}

TEST(Plan, EveryNodeHoldsItsRows) {
  const Plan plan = plan_on(equal_nodes(8, 2));
  ASSERT_EQ(plan.hosts.size(), 2U);
  for (const MemoryNeed& host : plan.hosts) {
    EXPECT_GE(host.shared_memory, 50'000'000);
    EXPECT_LT(host.shared_memory, 50'000'000 + 4 * kExtentBytes);
    EXPECT_GE(host.memory, host.shared_memory + 4 * kRankBytes - 4 * kExtentBytes);
  }
}

TEST(Plan, PretendedNodesOfAHostAddUp) {
  const Plan plan = plan_on({{2, 2, 4}, {0, 0, 1}});
  ASSERT_EQ(plan.hosts.size(), 2U);
  EXPECT_GE(plan.need_of(0).shared_memory, 50'000'000);
  EXPECT_GE(plan.need_of(0).shared_memory, plan.windows[0].bytes + plan.windows[1].bytes);
}

TEST(Plan, TheWindowOfASingleRankIsNoSharedMemory) {
  const Plan plan = plan_on(equal_nodes(1, 1));
  EXPECT_EQ(plan.need_of(0).shared_memory, 0);
  EXPECT_GE(plan.need_of(0).memory, 100'000'000);
}

TEST(Plan, NeedsOfMoreThan64BitsAreAnError) {
  EXPECT_THROW((void)plan_on(equal_nodes(2, 1), "[array]\nrows = 1152921504606846975\ncols = 1\nvalue = 0\n"), Error);
}

TEST(Plan, WithoutOutputThereIsNoFile) {
  EXPECT_EQ(plan_on(equal_nodes(2, 1)).file, "");
}

TEST(Plan, CountsTheTextsOfTheFileAsOftenAsTheyAreWritten) {
  const std::string keys = "[array]\nrows = 100\ncols = 10\nvalue = 'i'\n[output]\nfile = 'x.h5'\n";
  const auto planned = [&](const std::vector<std::string>& overrides) {
    return Plan::make(small_deck(keys, overrides), equal_nodes(2, 1)).file_bytes;
  };
  const std::int64_t plain = planned({});
  constexpr std::int64_t length = 60'000;
  constexpr std::int64_t tolerance = 100;  // of what the plain deck has in its place
  for (const std::string& key : {std::string("title=a"), std::string("array.value=i")}) {
    // On the command line, in the effective deck, and as an attribute.
    const std::int64_t more = planned({key + std::string(length, ' ') + "+1"}) - plain;
    EXPECT_GE(more, 3 * length) << key;
    EXPECT_LE(more, 3 * length + tolerance) << key;
  }
  // On the command line alone: what comes later wins.
  const std::int64_t twice = planned({"title=" + std::string(length, 'a'), "title=b"}) - plain;
  EXPECT_GE(twice, length);
  EXPECT_LE(twice, length + tolerance);
}

TEST(Plan, OfCompressedOutputOnlyTheRestIsCertain) {
  const std::string keys = "[array]\nrows = 100_003\ncols = 100\nvalue = 'i'\n[output]\nfile = 'x.h5'\n";
  const auto planned = [&](const std::string& key) { return Plan::make(small_deck(keys, {key}), equal_nodes(4, 2)); };
  const Plan plain = planned("output.compression=0");
  const Plan compressed = planned("output.compression=4");
  constexpr std::int64_t array_bytes = std::int64_t{100'003} * 100 * 8;
  // The array, and what comes after it, may have to begin with a block of a mebibyte instead of a page.
  EXPECT_EQ(plain.file_bytes - plain.certain_file_bytes, 2 * ((std::int64_t{1} << 20) - 4096));
  const Plan of_one_writer = planned("output.writers=1");
  EXPECT_EQ(of_one_writer.file_bytes, of_one_writer.certain_file_bytes);
  EXPECT_GE(compressed.file_bytes, array_bytes);
  EXPECT_LE(compressed.file_bytes, array_bytes + array_bytes / 100 + 300'000);
  EXPECT_LT(compressed.certain_file_bytes, 100'000);
  // Two times 16 chunks of half a mebibyte for each rank, and one more.
  const std::int64_t more = compressed.windows[0].bytes - plain.windows[0].bytes;
  EXPECT_GE(more, 2 * 32 * 524'288);
  EXPECT_LE(more, 2 * 34 * 524'288);
}

TEST(Plan, IsLinearInTheNumberOfNodes) {
  // Quadratic, it would run for minutes here: a test has a time limit.
  const Plan plan = plan_on(equal_nodes(1'000'000, 500'000));
  EXPECT_EQ(plan.hosts.size(), 500'000U);
  EXPECT_EQ(plan.windows.back().arrays[0].rows.end, 1'250'000);
  EXPECT_FALSE(plan_json(plan).empty());
}

}  // namespace
}  // namespace windrow
