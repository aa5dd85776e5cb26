#pragma once

#include <string>
#include <vector>

namespace windrow::io {

/// A mark on an axis: where, and the number beside it.
struct Tick {
  double value = 0.0;
  std::string label;
};

/// The marks of an axis from `low` to `high`, both finite and low < high: at multiples of 1, 2 or 5 times a power of
/// ten, at most `most` of them, all labels with as many decimals as the step needs. With `whole` the step is a whole
/// number.
struct TickOptions {
  int most = 8;
  bool whole = false;
};
[[nodiscard]] std::vector<Tick> linear_ticks(double low, double high, TickOptions options);

/// The marks of a logarithmic axis, 0 < low < high: at powers of ten, and at 2 and 5 times them if the axis is short;
/// at linear marks if it is shorter than that.
[[nodiscard]] std::vector<Tick> logarithmic_ticks(double low, double high, TickOptions options);

}  // namespace windrow::io
