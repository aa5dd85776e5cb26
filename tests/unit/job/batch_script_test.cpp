#include "job/batch_script.hpp"

#include <gtest/gtest.h>

#include "small_job.hpp"

namespace windrow {
namespace {

std::string script_for(Machine machine, const BatchCommand& command) {
  const Plan plan = Plan::make(small_deck("[array]\nrows = 1250000\ncols = 10\nvalue = 'i'\n"), std::move(machine));
  return batch_script(plan, command);
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(BatchScript, AsksForWhatWasPlanned) {
  const std::string script =
      script_for(equal_nodes(7, 2), {.windrow = "windrow", .deck = "a/my.toml", .overrides = {}});
  EXPECT_TRUE(script.starts_with("#!/bin/bash\n# Runs my on 7 ranks and 2 nodes"));
  EXPECT_TRUE(holds(script, "\n#SBATCH --nodes=2\n#SBATCH --ntasks=7\n#SBATCH --ntasks-per-node=4\n"));
  EXPECT_FALSE(holds(script, "#SBATCH --mem=0"));
  EXPECT_FALSE(holds(script, "\n#SBATCH --exclusive"));
  EXPECT_TRUE(holds(script, "\nset -- a/my.toml \"$@\"\n"));
  EXPECT_TRUE(holds(script_for(equal_nodes(1, 1), {"windrow", "my.toml", {}}), "on 1 rank and 1 node,"));
}

TEST(BatchScript, QuotesWhatShellsAndSlurmWouldTakeApart) {
  const std::string script = script_for(
      equal_nodes(1, 1), {.windrow = "/a b/windrow", .deck = "it's %j\n.toml", .overrides = {"title=$HOME; rm"}});
  EXPECT_TRUE(holds(script, "\n#SBATCH --job-name=it-s--j-\n"));
  EXPECT_TRUE(holds(script, "\nWINDROW=${WINDROW:-'/a b/windrow'}\n"));
  EXPECT_TRUE(holds(script, "\nset -- 'it'\\''s %j\n.toml' 'title=$HOME; rm' \"$@\"\n"));
  EXPECT_TRUE(holds(script_for(equal_nodes(1, 1), {"windrow", "-my.toml", {}}), "\nset -- ./-my.toml \"$@\"\n"));
}

TEST(BatchScript, TakesAllElseFromTheScriptOfTheFolder) {
  const std::string script = script_for(equal_nodes(1, 1), {"windrow", "my.toml", {}});
  const std::string launch = "\n# The ranks: ";
  const std::string_view original = batch_template();
  EXPECT_EQ(script.substr(script.find(launch)), original.substr(original.find(launch)));
}

}  // namespace
}  // namespace windrow
