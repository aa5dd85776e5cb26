#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/extents.hpp"

namespace windrow {

/// The rows and columns of an array that numpy shows: all of them up to 1000 elements, else 3 at each edge of an axis
/// longer than 6. The column of a one-dimensional array is 0.
struct ShownPart {
  std::vector<std::int64_t> rows;
  std::vector<std::int64_t> cols;
  bool is_summarised = false;
};

/// Which elements numpy_text() is to be given. Local. *Throws*: Error(usage) if the number of elements overflows.
[[nodiscard]] ShownPart shown_part(const Extents& extents);

/// print(array) of numpy 1.24 with its default options, byte for byte, without the last line's end.
/// *Shape*: `shown` holds the elements of shown_part(extents), shown rows x shown cols, row-major, unpadded.
/// *Throws*: Error(internal) if that is not its size.
[[nodiscard]] std::string numpy_text(ElementType type, const Extents& extents, std::span<const std::byte> shown);

/// print(scalar) of numpy: a float64 as the shortest text that reads back ("0.1", "3.0", "1e+16", "nan", "-inf").
[[nodiscard]] std::string numpy_text(double value);
[[nodiscard]] std::string numpy_text(std::int64_t value);

}  // namespace windrow
