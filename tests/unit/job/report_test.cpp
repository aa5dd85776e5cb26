#include "job/report.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "unit/io/support.hpp"

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
  report.host_names = {"node1", "node2"};
  report.placement = {{.host = 1, .ranks = 2, .cores = 8}};
  report.phases = {{"start", 0.3, 0.3, 0}, {"populate", 0.02, 0.016, 480'000'000}};
  return report;
}

TEST(Report, HoldsWhatProgramsRelyOn) {
  const nlohmann::json json = nlohmann::json::parse(report_json(example()));
  for (const char* const key : {"schema", "version", "job", "ranks", "nodes", "exit_status", "error", "results",
                                "not_finite", "output", "memory", "placement", "phases"})
    EXPECT_TRUE(json.contains(key)) << key;
  EXPECT_EQ(json["ranks"], 4);
  EXPECT_EQ(json["exit_status"], 0);
  EXPECT_TRUE(json["error"].is_null());
  EXPECT_EQ(json["memory"]["window_bytes"], 482'344'960);
  EXPECT_EQ(json["placement"][0]["host"], "node2");
  EXPECT_EQ(json["placement"][0]["cores"], 8);
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

TEST(Report, TellsWhatIsNotFinite) {
  Report report = example();
  EXPECT_EQ(not_finite_text(report), "");
  report.not_finite = {{"u", {}}, {"v", {.nan = 3, .infinite = 1}}, {"w", {.nan = 5}}, {"x", {.infinite = 7}}};
  report.results = {{"mean", std::nan("")}, {"largest", -HUGE_VAL}, {"total", 1.5}, {"count", std::int64_t{3}}};
  EXPECT_EQ(not_finite_text(report), "v: 3 NaN, 1 infinite\nw: 5 NaN\nx: 7 infinite\n");
  const nlohmann::json found = nlohmann::json::parse(report_json(report))["not_finite"];
  EXPECT_EQ(found, nlohmann::json::parse(R"({"u": {"nan": 0, "infinite": 0}, "v": {"nan": 3, "infinite": 1},
      "w": {"nan": 5, "infinite": 0}, "x": {"nan": 0, "infinite": 7}, "mean": {"nan": 1, "infinite": 0},
      "largest": {"nan": 0, "infinite": 1}, "total": {"nan": 0, "infinite": 0}})"));
}

TEST(Report, TableTellsRatesAndImbalance) {
  std::istringstream table(phase_table(example()));
  std::vector<std::vector<std::string>> rows;
  for (std::string line; std::getline(table, line);) {
    std::istringstream words(line);
    rows.emplace_back();
    for (std::string word; words >> word;) rows.back().push_back(word);
  }
  ASSERT_EQ(rows.size(), 5U);
  EXPECT_EQ(rows[0], (std::vector<std::string>{"phase", "seconds", "GB/s", "imbalance"}));
  EXPECT_EQ(rows[1], (std::vector<std::string>{"start", "0.3000", "0", "%"}));
  EXPECT_EQ(rows[2], (std::vector<std::string>{"populate", "0.0200", "24", "25", "%"}));
  EXPECT_EQ(rows[3], (std::vector<std::string>{"total", "0.3200"}));
  EXPECT_EQ(fmt::format("{}", fmt::join(rows[4], " ")),
            "memory 480.2 MB in 2 MiB pages, 2.1 MB in 4 KiB pages (populated)");
}

nlohmann::json written(const std::string& path) {
  return nlohmann::json::parse(io::test::read_file(path));
}

TEST(WriteReport, ReplacesTheWholeFileInOneStep) {
  const io::test::Scratch scratch;
  const std::string path = scratch / "report.json";
  write_report(path, example());
  std::filesystem::permissions(path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  // Who has opened the old one before keeps it, whole: nobody ever finds a part of either.
  std::ifstream before(path);
  Report failed = example();
  failed.status = ExitStatus::resources;
  write_report(path, failed);
  EXPECT_EQ(nlohmann::json::parse(before)["exit_status"], 0);
  EXPECT_EQ(written(path)["exit_status"], 3);
  EXPECT_EQ(std::filesystem::status(path).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  EXPECT_EQ(scratch.names(), std::vector<std::string>{"report.json"});
}

TEST(WriteReport, LeavesLinksInTheirPlace) {
  const io::test::Scratch scratch;
  std::filesystem::create_directory(scratch / "folder");
  std::filesystem::create_symlink("folder/report.json", scratch / "link");
  for (int time = 0; time < 2; ++time) {
    write_report(scratch / "link", example());
    EXPECT_TRUE(std::filesystem::is_symlink(scratch / "link"));
    EXPECT_EQ(written(scratch / "folder/report.json")["ranks"], 4);
  }
  std::filesystem::create_symlink("/dev/null", scratch / "nothing");
  write_report(scratch / "nothing", example());
  EXPECT_FALSE(std::filesystem::is_regular_file("/dev/null"));
  EXPECT_TRUE(std::filesystem::is_symlink(scratch / "nothing"));
}

TEST(WriteReport, LeavesNothingWhereItCannotWrite) {
  const io::test::Scratch scratch;
  std::filesystem::create_directory(scratch / "folder");
  EXPECT_THROW(write_report(scratch / "folder", example()), Error);
  EXPECT_THROW(write_report(scratch / "missing/report.json", example()), Error);
  EXPECT_EQ(scratch.names(), std::vector<std::string>{"folder"});
}

}  // namespace
}  // namespace windrow
