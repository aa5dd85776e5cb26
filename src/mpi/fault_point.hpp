#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace windrow {

/// The steps at which a test can have a rank fail: WINDROW_FAULT=STEP:RANK:ACTION, see CONTRIBUTING.md.
inline constexpr std::array<std::string_view, 40> kFaultPoints{
    "start.load",      "start.inputs",     "start.plan",      "start.report",   "start.reserve", "start.created",
    "start.reserved",  "start.resources",  "start.placement", "start.skeleton", "start.open",    "allocate.before",
    "allocate.window", "allocate.touch",   "allocate.after",  "phase.before",   "phase.block",   "phase.lent",
    "phase.sample",    "phase.after",      "publish",         "stream.read",    "stream.write",  "write.rows",
    "write.store",     "write.gather",     "write.checksums", "write.exchange", "write.move",    "write.moved",
    "write.collect",   "write.provenance", "write.seal",      "write.sync",     "write.rename",  "write.renamed",
    "draw.gather",     "draw.write",       "end.preview",     "end.report"};

/// A step, by its name; a name that is not in the table does not compile.
class FaultPoint {
 public:
  template <std::size_t Size>
  consteval FaultPoint(const char (&name)[Size])
      : number_(static_cast<int>(std::ranges::find(kFaultPoints, std::string_view(name)) - kFaultPoints.begin())) {
    if (number_ == static_cast<int>(kFaultPoints.size())) throw "no such step";
  }
  [[nodiscard]] constexpr int number() const { return number_; }

 private:
  int number_;
};

/// Reads WINDROW_FAULT; of several faults for this rank the first counts. *Throws*: Error(usage), on the calling rank,
/// if it is not understood.
void arm_fault();

namespace detail {
inline int armed_fault = -1;  ///< number of a step; none by default
void act();
}  // namespace detail

/// Fails here if a test asks for it, the first time that this rank comes by, or the time that it says. *Cost*: a
/// comparison. *Throws*: what WINDROW_FAULT says.
inline void fault_point(FaultPoint point) {
  if (point.number() == detail::armed_fault) [[unlikely]]
    detail::act();
}

}  // namespace windrow
