#include "job/progress.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/standard_output.hpp"
#include "base/units.hpp"
#include "mpi/environment.hpp"
#include "mpi/launcher.hpp"

namespace windrow {
namespace {

constexpr std::chrono::milliseconds kBarPeriod{100};
// A short phase shows no bar at all.
constexpr std::chrono::milliseconds kBarFrom{300};
constexpr std::chrono::seconds kLinePeriod{30};
constexpr int kBarWidth = 30;

/// Nobody waits for a tenth of a second.
std::string format_remaining(double seconds) {
  return seconds < 59.5 ? fmt::format("{:.0f} s", seconds) : format_seconds(seconds);
}

std::string bar(std::int64_t done, std::int64_t total) {
  const auto filled = static_cast<std::size_t>(static_cast<double>(done) / static_cast<double>(total) * kBarWidth);
  std::string text = "[";
  text.append(filled, '#');
  text.append(kBarWidth - filled, '.');
  return text + "]";
}

}  // namespace

Progress::Progress(ProgressStyle style) : style_(style) {
  const std::optional<int> columns = terminal_columns();
  columns_ = static_cast<std::size_t>(columns.value_or(80));
  if (style_ == ProgressStyle::automatic) style_ = columns ? ProgressStyle::bar : ProgressStyle::lines;
}

void Progress::begin(std::string phase, std::int64_t total_bytes, std::function<std::int64_t()> done) {
  phase_ = std::move(phase);
  total_ = total_bytes;
  done_ = std::move(done);
  begin_ = Clock::now();
  next_ = begin_ + (style_ == ProgressStyle::bar ? Clock::duration(kBarFrom) : Clock::duration(kLinePeriod));
}

void Progress::update() {
  if (style_ == ProgressStyle::none || total_ <= 0 || !done_) return;
  const auto now = Clock::now();
  if (now < next_ || Environment::is_perhaps_ending()) return;
  const std::int64_t done = std::clamp<std::int64_t>(done_(), 0, total_);
  const std::string text = line(phase_, done, total_, std::chrono::duration<double>(now - begin_).count());
  if (style_ == ProgressStyle::bar) {
    // One line of the terminal: what is longer would scroll at each turn. The bar goes first.
    std::string frame = fmt::format("{} {}", bar(done, total_), text);
    if (frame.size() >= columns_) frame = text;
    show(fmt::format("\r{}\x1b[K", frame.substr(0, columns_ - 1)));
    is_bar_shown_ = true;
    next_ = now + kBarPeriod;
  } else {
    show(text + "\n");
    next_ = now + kLinePeriod;
  }
}

void Progress::end() {
  done_ = nullptr;
  if (!is_bar_shown_) return;
  show("\r\x1b[K");
  is_bar_shown_ = false;
}

std::string Progress::line(const std::string& phase, std::int64_t done, std::int64_t total, double seconds) {
  const double fraction = static_cast<double>(done) / static_cast<double>(total);
  std::string text =
      fmt::format("{:<10} {:>3.0f} %  {} of {}", phase, 100.0 * fraction, format_bytes(done), format_bytes(total));
  if (done > 0 && seconds > 0.0)
    text += fmt::format("  {:.2f} GB/s  {} left", static_cast<double>(done) / seconds * 1e-9,
                        format_remaining(seconds * (1.0 - fraction) / fraction));
  return text;
}

}  // namespace windrow
