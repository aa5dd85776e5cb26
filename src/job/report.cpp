#include "job/report.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>

#include "base/units.hpp"
#include "io/output_target.hpp"
#include "io/temporary.hpp"

namespace windrow {

namespace fs = std::filesystem;

namespace {

// Of a few bytes a rate tells nothing but what a phase costs at least; the same holds for imbalance and short phases.
constexpr std::int64_t kLeastBytesForRate = 10'000'000;
constexpr double kLeastSecondsForImbalance = 0.001;

/// Whether a file begins as report_json() does, or is empty: of a report that was cut off, no more may be there.
bool may_be_replaced(const std::string& path) {
  std::string beginning(512, '\0');
  std::ifstream file(path);
  file.read(beginning.data(), std::ssize(beginning));
  beginning.resize(static_cast<std::size_t>(file.gcount()));
  static const std::regex report(R"(\{\s*"schema":\s*\d+,\s*"version":\s*"[^"]*",\s*"job":)");
  return beginning.empty() || std::regex_search(beginning, report, std::regex_constants::match_continuous);
}

/// Writes a file from its begin; an errno, or 0.
int write_text(const std::string& path, const std::string& text) {
  errno = 0;
  std::ofstream file(path, std::ios::trunc);
  file << text;
  file.close();
  if (file) return 0;
  return errno != 0 ? errno : EIO;
}

/// Writes a file under another name and then gives it its own, so that who is killed while writing leaves the old one;
/// an errno, or 0.
int replace_whole(const fs::path& path, const std::string& text) {
  const std::string name = io::file_name(io::temporary_of_this_process(path.filename().string(), NAME_MAX));
  const std::string temporary = (path.parent_path() / name).string();
  int error_number = write_text(temporary, text);
  std::error_code ignored;
  const fs::file_status replaced = fs::status(path, ignored);
  if (fs::exists(replaced)) fs::permissions(temporary, replaced.permissions(), ignored);
  if (error_number == 0 && std::rename(temporary.c_str(), path.c_str()) != 0) error_number = errno;
  if (error_number != 0) fs::remove(temporary, ignored);
  return error_number;
}

/// Whether a file can perhaps be written, although no other can take its name: the folder is not ours to change, there
/// is no room for two, or the file is mounted by itself.
bool keeps_its_place(int error_number) {
  constexpr std::array reasons{EACCES, EPERM, EROFS, ENOSPC, EDQUOT, ENAMETOOLONG, EBUSY};
  return std::ranges::find(reasons, error_number) != reasons.end();
}

}  // namespace

std::string report_json(const Report& report) {
  nlohmann::ordered_json json;
  json["schema"] = 1;
  json["version"] = WINDROW_VERSION;
  json["job"] = report.job;
  json["ranks"] = report.ranks;
  json["nodes"] = report.nodes;
  json["exit_status"] = static_cast<int>(report.status);
  json["error"] = report.error.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(report.error);
  json["results"] = nlohmann::ordered_json::object();
  for (const ScalarResult& result : report.results)
    std::visit([&](auto value) { json["results"][result.name] = value; }, result.value);
  json["not_finite"] = nlohmann::ordered_json::object();
  const auto tell = [&](const std::string& name, const kernel::NotFinite& count) {
    json["not_finite"][name] = {{"nan", count.nan}, {"infinite", count.infinite}};
  };
  for (const NotFiniteElements& found : report.not_finite) tell(found.array, found.count);
  for (const ScalarResult& result : report.results)
    if (const double* const value = std::get_if<double>(&result.value))
      tell(result.name, {std::isnan(*value) ? 1 : 0, std::isinf(*value) ? 1 : 0});
  if (!report.remarks.empty()) json["remarks"] = report.remarks;
  json["output"] = report.output.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(report.output);
  json["level"] = report.level;
  json["memory"] = {{"window_bytes", report.window_bytes},
                    {"pages", describe(report.pages)},
                    {"huge_bytes", report.pages.huge},
                    {"populated_bytes", report.pages.populated},
                    {"read_bytes", report.pages.read}};
  json["placement"] = nlohmann::ordered_json::array();
  for (const HostPlacement& host : report.placement)
    json["placement"].push_back({{"host", report.host_names[static_cast<std::size_t>(host.host)]},
                                 {"ranks", host.ranks},
                                 {"processors", host.processors},
                                 {"cores", host.cores},
                                 {"numa_domains", host.domains},
                                 {"ranks_bound", host.bound},
                                 {"ranks_in_one_domain", host.in_one_domain},
                                 {"ranks_at_once", host.at_once},
                                 {"pages", host.pages},
                                 {"pages_in_another_domain", host.pages_apart}});
  json["phases"] = nlohmann::ordered_json::array();
  for (const PhaseReport& phase : report.phases)
    json["phases"].push_back(
        {{"name", phase.name}, {"seconds", phase.seconds}, {"mean_seconds", phase.mean_s}, {"bytes", phase.bytes}});
  // File names and messages may hold bytes that are no UTF-8.
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

void write_report(const std::string& path, const Report& report) {
  // What is no file, a pipe say, could keep this rank waiting for a reader.
  std::error_code ignored;
  const bool is_file = fs::is_regular_file(path, ignored);
  const bool is_other = !is_file && fs::exists(path, ignored);
  const bool is_writable = !is_file || access(path.c_str(), W_OK) == 0;
  if (is_other && fs::canonical(path, ignored) != "/dev/null")
    throw Error(ExitStatus::io, "{} exists and is no file; choose another file for --report", path);
  if (is_file && !may_be_replaced(path))
    throw Error(ExitStatus::io,
                "{} exists and is no report of a run; choose another file for --report, or remove this one", path);
  const std::string text = report_json(report);
  int error_number = is_other || !is_writable ? EBUSY : replace_whole(io::follow_links(path), text);
  if (keeps_its_place(error_number)) error_number = write_text(path, text);
  if (error_number != 0) throw Error(ExitStatus::io, "cannot write the report {}: {}", path, errno_text(error_number));
}

std::string not_finite_text(const Report& report) {
  std::string text;
  for (const auto& [array, count] : report.not_finite) {
    if (count == kernel::NotFinite{}) continue;
    text += array + ":";
    if (count.nan > 0) text += fmt::format(" {} NaN", count.nan);
    if (count.nan > 0 && count.infinite > 0) text += ",";
    if (count.infinite > 0) text += fmt::format(" {} infinite", count.infinite);
    text += "\n";
  }
  return text;
}

std::string phase_table(const Report& report) {
  std::string text = fmt::format("{:<12} {:>10} {:>8} {:>10}\n", "phase", "seconds", "GB/s", "imbalance");
  double total = 0.0;
  for (const PhaseReport& phase : report.phases) {
    const std::string rate = phase.bytes >= kLeastBytesForRate && phase.seconds > 0.0
                                 ? fmt::format("{:.3g}", static_cast<double>(phase.bytes) / phase.seconds * 1e-9)
                                 : "";
    // How much longer the slowest rank was at work than the mean: what a better distribution could gain.
    const std::string imbalance = report.ranks > 1 && phase.seconds >= kLeastSecondsForImbalance
                                      ? fmt::format("{:.0f} %", 100.0 * (phase.seconds / phase.mean_s - 1.0))
                                      : "";
    text += fmt::format("{:<12} {:>10.4f} {:>8} {:>10}\n", phase.name, phase.seconds, rate, imbalance);
    total += phase.seconds;
  }
  text += fmt::format("{:<12} {:>10.4f}\n", "total", total);
  return text + fmt::format("{:<12} {}\n", "memory", describe(report.pages));
}

}  // namespace windrow
