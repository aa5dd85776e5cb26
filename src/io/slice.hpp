#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace windrow::io {

/// Some of the numbers 0, 1, ... along an axis: start, start + step, ..., `count` of them.
struct Selection {
  std::int64_t start = 0;
  std::int64_t count = 0;
  std::int64_t step = 1;

  /// The element behind the last one; the axis has as many at least.
  [[nodiscard]] std::int64_t end() const { return count == 0 ? start : start + (count - 1) * step + 1; }
};

/// start:stop:step along an axis, as Python has it, with steps of at least 1.
struct AxisSlice {
  std::optional<std::int64_t> start;
  std::optional<std::int64_t> stop;
  std::int64_t step = 1;

  /// What it selects of an axis of `extent` elements.
  [[nodiscard]] Selection of(std::int64_t extent) const;
};

/// What is wrong with the text of a slice, and at which of its characters.
struct SliceFault {
  std::size_t offset = 0;
  std::string message;
};

/// "0:1000, ::2", an axis after the other. `fault` is set instead if the text is no slice.
[[nodiscard]] std::vector<AxisSlice> parse_slice(std::string_view text, std::optional<SliceFault>& fault);

}  // namespace windrow::io
