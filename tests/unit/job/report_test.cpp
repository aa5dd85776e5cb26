#include "job/report.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

namespace windrow {
namespace {

Report example() {
  Report report;
  report.job = "populate";
  report.ranks = 4;
  report.nodes = 2;
  report.status = ExitStatus::done;
  report.output = "out.h5";
  report.window_bytes = 482'344'960;
  report.pages = {.huge = 480'247'808, .populated = 2'097'152, .read = 0};
  report.phases = {{"start", 0.3, 0.3, 0}, {"populate", 0.02, 0.016, 480'000'000}};
  return report;
}

TEST(Report, HoldsWhatProgramsRelyOn) {
  const nlohmann::json json = nlohmann::json::parse(report_json(example()));
  for (const char* const key :
       {"schema", "version", "job", "ranks", "nodes", "exit_status", "error", "results", "output", "memory", "phases"})
    EXPECT_TRUE(json.contains(key)) << key;
  EXPECT_EQ(json["ranks"], 4);
  EXPECT_EQ(json["exit_status"], 0);
  EXPECT_TRUE(json["error"].is_null());
  EXPECT_EQ(json["memory"]["window_bytes"], 482'344'960);
  ASSERT_EQ(json["phases"].size(), 2U);
  EXPECT_EQ(json["phases"][1]["name"], "populate");
  EXPECT_EQ(json["phases"][1]["seconds"], 0.02);
  EXPECT_EQ(json["phases"][1]["bytes"], 480'000'000);
}

TEST(Report, OfARunThatFailedHoldsTheError) {
  Report report;
  report.status = ExitStatus::resources;
  report.error = "too \"large\"\n  try: less of \xff it";
  const nlohmann::json json = nlohmann::json::parse(report_json(report));
  EXPECT_EQ(json["exit_status"], 3);
  EXPECT_EQ(json["error"].get<std::string>().substr(0, 11), "too \"large\"");
  EXPECT_TRUE(json["output"].is_null());
  EXPECT_TRUE(json["phases"].is_array());
}

TEST(Report, TableTellsRatesAndImbalance) {
  std::istringstream table(phase_table(example()));
  std::vector<std::vector<std::string>> rows;
  for (std::string line; std::getline(table, line);) {
    std::istringstream words(line);
    rows.emplace_back();
    for (std::string word; words >> word;) rows.back().push_back(word);
  }
  ASSERT_EQ(rows.size(), 4U);
  EXPECT_EQ(rows[0], (std::vector<std::string>{"phase", "seconds", "GB/s", "imbalance"}));
  EXPECT_EQ(rows[1], (std::vector<std::string>{"start", "0.3000", "0", "%"}));
  EXPECT_EQ(rows[2], (std::vector<std::string>{"populate", "0.0200", "24", "25", "%"}));
  EXPECT_EQ(rows[3], (std::vector<std::string>{"total", "0.3200"}));
}

}  // namespace
}  // namespace windrow
