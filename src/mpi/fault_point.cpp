#include "mpi/fault_point.hpp"

#include <fmt/ranges.h>
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <cstdlib>
#include <new>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "mpi/launcher.hpp"

namespace windrow {
namespace {

constexpr std::array<std::string_view, 6> kActions{"throw", "bad_alloc", "kill", "stop", "exit", "hang"};

std::string_view action;
std::int64_t times_left = 1;

/// One of the list.
struct Fault {
  int step = 0;
  std::int64_t time = 1;             ///< the how manieth time
  std::optional<std::int64_t> rank;  ///< none: all
  std::string_view action;
};

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || rest != text.data() + text.size()) return std::nullopt;
  return number;
}

Fault parse(std::string_view text) {
  const std::size_t first = text.find(':');
  const std::size_t last = text.rfind(':');
  const std::string_view place = text.substr(0, first);
  const std::size_t at = place.find('@');
  const auto* const step = std::ranges::find(kFaultPoints, place.substr(0, at));
  const std::optional<std::int64_t> time = at == std::string_view::npos ? 1 : whole_number(place.substr(at + 1));
  const std::string_view rank = first < last ? text.substr(first + 1, last - first - 1) : "";
  const auto* const wanted = std::ranges::find(kActions, first < last ? text.substr(last + 1) : "");
  const std::optional<std::int64_t> number = whole_number(rank);
  if (step == kFaultPoints.end() || wanted == kActions.end() || (rank != "*" && !number) || time.value_or(0) < 1)
    throw Error(ExitStatus::usage,
                "WINDROW_FAULT={}: it must be STEP:RANK:ACTION, or several with commas between\n  steps: {}\n"
                "  and @N behind one for the N-th time that a rank comes there\n"
                "  rank: a number, or * for all\n  actions: {}",
                text, fmt::join(kFaultPoints, " "), fmt::join(kActions, " "));
  return {static_cast<int>(step - kFaultPoints.begin()), *time, number, *wanted};
}

}  // namespace

void arm_fault() {
  const char* const variable = std::getenv("WINDROW_FAULT");
  if (variable == nullptr) return;
  const std::string_view all(variable);
  for (std::size_t begin = 0; begin <= all.size();) {
    const std::size_t end = std::min(all.find(',', begin), all.size());
    const Fault fault = parse(all.substr(begin, end - begin));
    begin = end + 1;
    if (detail::armed_fault >= 0 || fault.rank.value_or(launched_number()) != launched_number()) continue;
    action = fault.action;
    times_left = fault.time;
    detail::armed_fault = fault.step;
  }
}

void detail::act() {
  if (--times_left > 0) return;
  const std::string_view step = kFaultPoints[static_cast<std::size_t>(armed_fault)];
  armed_fault = -1;
  if (action == "throw") throw Error(ExitStatus::internal, "a fault was asked for at {}", step);
  if (action == "bad_alloc") throw std::bad_alloc();
  if (action == "kill") raise(SIGKILL);
  if (action == "stop") raise(SIGSTOP);
  if (action == "exit") _exit(EXIT_FAILURE);
  while (action == "hang") pause();
}

}  // namespace windrow
