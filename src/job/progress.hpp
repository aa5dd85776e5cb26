#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

namespace windrow {

enum class ProgressStyle { automatic, bar, lines, none };

/// Tells on standard output how far a phase is: a bar on a terminal, a line every 30 s elsewhere. World rank 0 has it.
class Progress {
 public:
  /// `style` automatic: a bar if the launcher's standard output is a terminal.
  explicit Progress(ProgressStyle style);

  /// A phase begins, in which `total_bytes` are to be done; `done` tells how many are.
  void begin(std::string phase, std::int64_t total_bytes, std::function<std::int64_t()> done);
  /// Shows the state if it is time to. *Cost*: a look at the clock, mostly.
  void update();
  /// The phase is over: wipes the bar.
  void end();

  /// "  populate   42 %   201.6 MB of 480.0 MB   3.1 GB/s   0.1 s left", as both styles show it.
  [[nodiscard]] static std::string line(const std::string& phase, std::int64_t done, std::int64_t total,
                                        double seconds);

 private:
  using Clock = std::chrono::steady_clock;
  ProgressStyle style_;
  std::size_t columns_;
  std::string phase_;
  std::int64_t total_ = 0;
  std::function<std::int64_t()> done_;
  Clock::time_point begin_;
  Clock::time_point next_;
  bool is_bar_shown_ = false;
};

}  // namespace windrow
