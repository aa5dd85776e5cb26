// sharing: ways to fill, share or move an array between the ranks of a node, timed side by side.
#include <fmt/ranges.h>
#include <malloc.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <fstream>

#include "job/job.hpp"
#include "jobs/sharing/way.hpp"

namespace windrow::jobs {
namespace {

using sharing::Entry;
using sharing::Setting;
using sharing::Shape;
using sharing::Way;

/// What was measured of a way, over all ranks of all nodes.
struct Measured {
  const Entry* entry = nullptr;
  double seconds = 0.0;       ///< of the slowest rank, for all fills
  double rate = 0.0;          ///< bytes a second
  double cpu_s = 0.0;         ///< of a rank, the server aside; the mean
  double server_cpu_s = 0.0;  ///< of a server
  double memory = 0.0;        ///< bytes: what the ranks have of their own, shared, or in files in memory
  std::string missing = {};   ///< why it was not run
};

double processor_seconds() {
  timespec used{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9;
}

/// This process's part of the memory that it has mapped: pages that several have are divided among them. Files aside,
/// such as the program's own: how many run it at the moment is of no interest.
double own_memory() {
  std::ifstream rollup("/proc/self/smaps_rollup");
  double kilobytes = 0.0;
  for (std::string word; rollup >> word;) {
    if (word != "Pss_Anon:" && word != "Pss_Shmem:") continue;
    double of_kind = 0.0;
    rollup >> of_kind;
    kilobytes += of_kind;
  }
  return kilobytes * 1024;
}

class Sharing final : public Job {
 public:
  void declare(deck::Keys& keys) override {
    keys.section("sharing", "which ways are tried, and with how much");
    keys.integer("numbers", numbers_,
                 {.default_value = 1'000'000,
                  .minimum = 1,
                  .maximum = std::int64_t{1} << 32,
                  .unit = "numbers",
                  .help = "float64 numbers of each rank's part"});
    keys.integer(
        "fills", fills_,
        {.default_value = 20, .minimum = 1, .maximum = 1'000'000'000, .help = "how many times each part is filled"});
    keys.list("ways", names_,
              {.default_text = "all of them", .example = "window", .help = "ways by their names: " + all_names()});
    keys.text("folder", folder_, {.default_value = ".", .help = "folder on a disk, for the ways that use a file"});
  }

  [[nodiscard]] bool draws_bars() const override { return true; }

  void check(deck::Keys& keys) const override {
    for (std::size_t item = 0; item < names_.size(); ++item) {
      if (find(names_[item]) == nullptr)
        keys.reject("sharing.ways", fmt::format("there is no way '{}'; the ways are: {}", names_[item], all_names()),
                    {}, item);
      const auto here = names_.begin() + static_cast<std::ptrdiff_t>(item);
      if (std::find(names_.begin(), here, *here) != here)
        keys.reject("sharing.ways", fmt::format("'{}' is named twice", *here), {}, item);
    }
    std::error_code ignored;
    if (!std::filesystem::is_directory(folder_, ignored))
      keys.reject("sharing.folder", fmt::format("there is no folder {}", folder_));
  }

  JobNeeds needs(int ranks) const override {
    const std::int64_t part = checked_multiply(numbers_, 8);
    JobNeeds needs;
    needs.tickets = 1;
    const ArrayShape numbers{"numbers", ElementType::float64, {ranks, numbers_}};
    needs.arrays.push_back({numbers, "a part of each rank"});
    needs.arrays.back().is_result = false;
    for (const auto& [name, description] : kColumns) {
      const ArrayShape shape{name, ElementType::float64, {std::ssize(wanted()), 1, true}};
      needs.arrays.push_back({shape, fmt::format("{}, of the ways: {}", description, wanted_names())});
    }
    // The largest needs of a rank: a copy of all parts; or of a server, those of all others; and what is serialised.
    needs.rank_bytes = checked_multiply(part, std::max(ranks, 3));
    return needs;
  }

  void run(Context& context) override {
    std::vector<Measured> table;
    for (const Entry* const entry : wanted()) table.push_back(measure(context, *entry));
    context.phase("table", 0, [&] { store(context, table); });
    for (std::string& line : lines(context, table)) context.remark(std::move(line));
    draw(context, table);
  }

 private:
  static constexpr std::array<std::pair<const char*, const char*>, 5> kColumns{
      {{"seconds", "seconds of the slowest rank, for all fills"},
       {"rate", "bytes a second"},
       {"cpu_seconds", "processor seconds of a rank, the server aside"},
       {"server_cpu_seconds", "processor seconds of the server"},
       {"memory", "bytes of all ranks: their own, shared, and in files in memory"}}};

  static const Entry* find(std::string_view name) {
    const auto all = sharing::ways();
    const auto found = std::ranges::find(all, name, &Entry::name);
    return found == all.end() ? nullptr : &*found;
  }
  static std::string all_names() {
    std::vector<std::string_view> names;
    for (const Entry& entry : sharing::ways()) names.push_back(entry.name);
    return fmt::format("{}", fmt::join(names, ", "));
  }
  /// In the order of the table of all.
  [[nodiscard]] std::vector<const Entry*> wanted() const {
    std::vector<const Entry*> all;
    for (const Entry& entry : sharing::ways())
      if (names_.empty() || std::ranges::find(names_, entry.name) != names_.end()) all.push_back(&entry);
    return all;
  }
  [[nodiscard]] std::string wanted_names() const {
    std::vector<std::string_view> names;
    for (const Entry* const entry : wanted()) names.push_back(entry->name);
    return fmt::format("{}", fmt::join(names, ", "));
  }

  Measured measure(Context& context, const Entry& entry) {
    const WorldComm& world = context.topology().world;
    const Setting setting{&context, numbers_, fills_, folder_};
    Measured result{.entry = &entry};
    const std::int64_t parts = sharing::parts(entry.shape, context.topology().node.size());
    if (world.minimum(parts) == 0) {
      result.missing = "needs two ranks a node";
      return result;
    }
    malloc_trim(0);  // what the way before has freed
    const double memory_before = own_memory();
    std::unique_ptr<Way> way;
    std::string missing;
    context.memory().together([&] {
      try {
        way = entry.make(setting);
      } catch (const sharing::Unavailable& error) {
        missing = error.what();
      }
    });
    for (const std::string& reason : world.all_gather(missing))
      if (!reason.empty()) result.missing = reason;
    if (!result.missing.empty()) return result;
    const std::int64_t bytes = world.sum(context.topology().is_leader() ? parts : 0) * setting.bytes() * fills_;
    double seconds = 0.0;
    double processor = 0.0;
    double memory = 0.0;
    context.phase(std::string(entry.name), bytes, [&] {
      context.memory().publish();
      const double begin = steady_seconds();
      const double processor_before = processor_seconds();
      for (std::int64_t time = 0; time < fills_; ++time) {
        way->run(time);
        context.advance(bytes / fills_ / context.topology().ranks());
        setting.throw_if_failed();
      }
      seconds = steady_seconds() - begin;
      processor = processor_seconds() - processor_before;
      context.memory().publish();
      memory = own_memory() - memory_before + static_cast<double>(way->file_bytes());
      context.memory().publish();  // who verifies maps pages of others
      way->verify(fills_ - 1);
    });
    if (entry.uses_window) {
      // Its pages stay with the run: for the ways that come later they are no news.
      if (window_memory_ == 0.0)
        window_memory_ = memory;
      else
        memory += window_memory_;
    }
    const bool is_server = way->is_server();
    const double servers = world.sum(is_server ? 1.0 : 0.0);
    result.seconds = world.maximum(seconds);
    result.rate = static_cast<double>(bytes) / result.seconds;
    result.cpu_s = world.sum(is_server ? 0.0 : processor) / (context.topology().ranks() - servers);
    result.server_cpu_s = servers > 0 ? world.sum(is_server ? processor : 0.0) / servers : 0.0;
    result.memory = std::max(world.sum(memory), 0.0);
    way->close();
    return result;
  }

  /// Into the datasets, each rank what it owns of them.
  static void store(Context& context, const std::vector<Measured>& table) {
    const std::array<double Measured::*, 5> columns{&Measured::seconds, &Measured::rate, &Measured::cpu_s,
                                                    &Measured::server_cpu_s, &Measured::memory};
    for (std::size_t column = 0; column < columns.size(); ++column) {
      Lease lease = context.array(kColumns[column].first).lease_row_block();
      auto* const values = reinterpret_cast<double*>(lease.bytes().data());
      const RowRange rows = lease.rows();
      for (std::int64_t row = rows.begin; row < rows.end; ++row) {
        const Measured& measured = table[static_cast<std::size_t>(row)];
        values[row - rows.begin] = measured.missing.empty() ? measured.*columns[column] : std::nan("");
      }
    }
  }

  static void draw(Context& context, const std::vector<Measured>& table) {
    io::Bars& bars = context.bars();
    bars.label = "GB/s: how fast numbers are filled, handed over, or read";
    for (const Measured& measured : table) {
      const bool is_there = measured.missing.empty();
      bars.bars.push_back({.label = std::string(measured.entry->what),
                           .value = is_there ? measured.rate * 1e-9 : std::nan(""),
                           .text = is_there ? fmt::format("{:.3g}", measured.rate * 1e-9) : "not here",
                           .group = group_of(measured.entry->shape)});
    }
  }

  static std::int64_t group_of(Shape shape) {
    constexpr std::array groups{Shape::fill, Shape::move, Shape::serve_all, Shape::load};
    if (shape == Shape::serve_one) shape = Shape::serve_all;
    return std::ranges::find(groups, shape) - groups.begin();
  }

  [[nodiscard]] std::vector<std::string> lines(const Context& context, const std::vector<Measured>& table) const {
    std::vector<std::string> text{
        fmt::format("{} numbers a rank, filled {} times, {} rank{}; each way's numbers were added up and found right",
                    numbers_, fills_, context.topology().ranks(), context.topology().ranks() == 1 ? "" : "s"),
        fmt::format("{:<36} {:>8} {:>6} {:>7} {:>7} {:>7}  {}", "way", "seconds", "GB/s", "cpu s", "server", "memory",
                    "in Python")};
    std::int64_t group = group_of(table.front().entry->shape);
    for (const Measured& measured : table) {
      const Entry& entry = *measured.entry;
      if (group_of(entry.shape) != group) text.emplace_back();
      group = group_of(entry.shape);
      if (!measured.missing.empty()) {
        text.push_back(fmt::format("{:<36} not here: {}", entry.what, measured.missing));
        continue;
      }
      text.push_back(fmt::format("{:<36} {:>8.4f} {:>6.3g} {:>7.4f} {:>7} {:>4.0f} MB  {}", entry.what,
                                 measured.seconds, measured.rate * 1e-9, measured.cpu_s,
                                 measured.server_cpu_s > 0 ? fmt::format("{:.4f}", measured.server_cpu_s) : "",
                                 measured.memory * 1e-6, entry.python));
      if (!entry.note.empty()) text.push_back(fmt::format("    {}", entry.note));
    }
    return text;
  }

  std::int64_t numbers_ = 0;
  std::int64_t fills_ = 0;
  std::vector<std::string> names_;
  std::string folder_;
  double window_memory_ = 0.0;
};

}  // namespace

std::unique_ptr<Job> make_sharing() {
  return make_job<Sharing>();
}

}  // namespace windrow::jobs
