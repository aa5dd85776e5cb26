#include "io/slice.hpp"

#include <algorithm>
#include <charconv>

namespace windrow::io {
namespace {

/// A bound as Python takes it: from the end if it is negative, and no further than the axis goes.
std::int64_t bounded(std::int64_t bound, std::int64_t extent) {
  return std::clamp<std::int64_t>(bound < 0 ? bound + extent : bound, 0, extent);
}

class SliceReader {
 public:
  SliceReader(std::string_view text, std::optional<SliceFault>& fault) : text_(text), fault_(fault) {}

  std::vector<AxisSlice> all() {
    std::vector<AxisSlice> axes;
    do {
      axes.push_back(axis());
    } while (!fault_ && takes(','));
    if (!fault_ && at_ < text_.size()) fail("expected start:stop:step, an axis after the other, with commas between");
    return axes;
  }

 private:
  AxisSlice axis() {
    AxisSlice axis;
    axis.start = number();
    if (!takes(':')) {
      fail(axis.start ? "an index alone would drop the axis; write 3:4 for one element" : "expected start:stop:step");
      return axis;
    }
    axis.stop = number();
    if (!takes(':')) return axis;
    skip_blanks();
    const std::size_t here = at_;
    axis.step = number().value_or(1);
    if (axis.step < 1 && !fault_) fault_ = SliceFault{here, "a step must be at least 1"};
    return axis;
  }

  std::optional<std::int64_t> number() {
    skip_blanks();
    std::int64_t value = 0;
    const char* const begin = text_.data() + at_;
    const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), value);
    if (error == std::errc::result_out_of_range) fail("a number of more than 64 bits");
    if (error != std::errc{}) return std::nullopt;
    at_ += static_cast<std::size_t>(end - begin);
    return value;
  }

  bool takes(char c) {
    skip_blanks();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  void skip_blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
  }

  void fail(const char* message) {
    if (!fault_) fault_ = SliceFault{at_, message};
  }

  std::string_view text_;
  std::optional<SliceFault>& fault_;
  std::size_t at_ = 0;
};

}  // namespace

Selection AxisSlice::of(std::int64_t extent) const {
  const std::int64_t first = bounded(start.value_or(0), extent);
  const std::int64_t last = bounded(stop.value_or(extent), extent);
  return {first, first < last ? (last - first - 1) / step + 1 : 0, step};
}

std::vector<AxisSlice> parse_slice(std::string_view text, std::optional<SliceFault>& fault) {
  return SliceReader(text, fault).all();
}

}  // namespace windrow::io
