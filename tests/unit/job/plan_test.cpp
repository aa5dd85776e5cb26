#include "job/plan.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <limits>

#include "base/units.hpp"
#include "small_job.hpp"

namespace windrow {
namespace {

constexpr std::int64_t kUnlimited = std::numeric_limits<std::int64_t>::max();
const std::string kHundredMegabytes = "[array]\nrows = 1250000\ncols = 10\nvalue = 'i'\n";

Plan plan_on(Machine machine, const std::string& keys = kHundredMegabytes) {
  return Plan::make(small_deck(keys), std::move(machine));
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(Plan, EqualNodesTakeTheRanksEvenly) {
  const Machine machine = equal_nodes(7, 3);
  EXPECT_EQ(machine.ranks_per_node, (std::vector<int>{3, 2, 2}));
  EXPECT_EQ(machine.host_of_node, (std::vector<int>{0, 1, 2}));
  EXPECT_EQ(equal_nodes(1, 1).ranks_per_node, std::vector<int>{1});
}

TEST(Plan, EveryNodeHoldsItsRows) {
  const Plan plan = plan_on(equal_nodes(8, 2));
  EXPECT_EQ(plan.hosts(), 2);
  for (const int host : {0, 1}) {
    EXPECT_GE(plan.shared_memory_bytes(host), 50'000'000);
    EXPECT_LT(plan.shared_memory_bytes(host), 50'000'000 + 4 * kExtentBytes);
    EXPECT_GE(plan.memory_bytes(host), plan.shared_memory_bytes(host) + 4 * kRankBytes - 4 * kExtentBytes);
  }
}

TEST(Plan, PretendedNodesOfAHostAddUp) {
  const Plan plan = plan_on({{2, 2, 4}, {0, 0, 1}});
  EXPECT_EQ(plan.hosts(), 2);
  EXPECT_GE(plan.shared_memory_bytes(0), 50'000'000);
  EXPECT_GE(plan.shared_memory_bytes(0), plan.windows[0].bytes + plan.windows[1].bytes);
}

TEST(Plan, TheWindowOfASingleRankIsNoSharedMemory) {
  const Plan plan = plan_on(equal_nodes(1, 1));
  EXPECT_EQ(plan.shared_memory_bytes(0), 0);
  EXPECT_GE(plan.memory_bytes(0), 100'000'000);
}

TEST(Plan, WhatFitsIsNoShortage) {
  const Plan plan = plan_on(equal_nodes(2, 1));
  EXPECT_FALSE(find_shortage(plan, 0, "here", {kUnlimited, "/dev/shm", kUnlimited, "the memory"}));
  const std::int64_t shared = plan.shared_memory_bytes(0);
  const std::int64_t memory = plan.memory_bytes(0);
  EXPECT_FALSE(find_shortage(plan, 0, "here", {shared, "/dev/shm", memory, "the memory"}));
  EXPECT_TRUE(find_shortage(plan, 0, "here", {shared - 1, "/dev/shm", memory, "the memory"}));
  EXPECT_TRUE(find_shortage(plan, 0, "here", {shared, "/dev/shm", memory - 1, "the memory"}));
}

TEST(Plan, ShortageTellsNeedFreePlaceAndRemedies) {
  const Plan plan = plan_on(equal_nodes(2, 1));
  const std::string shared = find_shortage(plan, 0, "n17", {30'000'000, "/a/shm", kUnlimited, "the memory"}).value();
  for (const std::string& part :
       {format_bytes(plan.shared_memory_bytes(0)), std::string("n17"), std::string("/a/shm"), std::string("30.0 MB"),
        std::string("\n  try: "), std::string("4 nodes"), std::string("float32"), std::string("--shm-dir")})
    EXPECT_TRUE(holds(shared, part)) << part << " in " << shared;
  const std::string memory =
      find_shortage(plan, 0, "n17", {kUnlimited, "/a/shm", 60'000'000, "the control group g"}).value();
  for (const std::string& part :
       {format_bytes(plan.memory_bytes(0)), std::string("the control group g"), std::string("60.0 MB")})
    EXPECT_TRUE(holds(memory, part)) << part << " in " << memory;
  EXPECT_FALSE(holds(memory, "--shm-dir")) << memory;
}

TEST(Plan, ElementsOfFourBytesAreNotAdvisedToBecomeSmaller) {
  const Plan plan = plan_on(equal_nodes(2, 1), kHundredMegabytes + "type = 'int32'\n");
  EXPECT_FALSE(holds(find_shortage(plan, 0, "n17", {1000, "/dev/shm", kUnlimited, ""}).value(), "float32"));
}

TEST(Plan, NeedsOfMoreThan64BitsAreAnError) {
  EXPECT_THROW((void)plan_on(equal_nodes(2, 1), "[array]\nrows = 1152921504606846975\ncols = 1\nvalue = 0\n"), Error);
}

TEST(Plan, WithoutOutputThereIsNoFile) {
  EXPECT_EQ(plan_on(equal_nodes(2, 1)).file, "");
  EXPECT_FALSE(find_disk_shortage(plan_on(equal_nodes(2, 1))));
}

TEST(Plan, AFileThatNoDiskHolds) {
  const std::string path = (std::filesystem::temp_directory_path() / "windrow-plan-test.h5").string();
  const Plan plan = plan_on(equal_nodes(2, 1), "[array]\nrows = 1e17\nvalue = 0\n[output]\nfile = '" + path + "'\n");
  EXPECT_GT(plan.file_bytes, 800'000'000'000'000'000);
  EXPECT_TRUE(holds(find_disk_shortage(plan).value(), path));
}

TEST(HostResources, AreThoseOfTheFolderOfTheWindows) {
  const HostResources resources = find_host_resources();
  EXPECT_TRUE(std::filesystem::is_directory(resources.shared_memory_folder)) << resources.shared_memory_folder;
  EXPECT_GT(resources.shared_memory_free, 0);
  EXPECT_GT(resources.memory_free, 0);
  EXPECT_FALSE(resources.memory_limit.empty());
}

}  // namespace
}  // namespace windrow
