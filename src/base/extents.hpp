#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/error.hpp"

namespace windrow {

/// Product and sum of byte counts, offsets and extents. Throws Error(usage) on overflow, on the calling rank.
[[nodiscard]] std::int64_t checked_multiply(std::int64_t a, std::int64_t b);
[[nodiscard]] std::int64_t checked_add(std::int64_t a, std::int64_t b);

/// The smallest multiple of `unit` that is not below `value`. Throws Error(usage) on overflow, on the calling rank.
[[nodiscard]] std::int64_t round_up(std::int64_t value, std::int64_t unit);

/// int8 holds truth values, 0 and 1: results have it, decks cannot ask for it.
enum class ElementType : std::uint8_t { float64, float32, int64, int32, int8 };

inline constexpr std::array kElementTypes{ElementType::float64, ElementType::float32, ElementType::int64,
                                          ElementType::int32, ElementType::int8};
/// Those that a deck can ask for.
inline constexpr std::span kDeckTypes = std::span(kElementTypes).first<4>();

/// numpy's name of the type.
[[nodiscard]] std::string_view name_of(ElementType type);
[[nodiscard]] std::int64_t bytes_of(ElementType type);
[[nodiscard]] std::optional<ElementType> element_type_from(std::string_view name);

/// Calls `function` with a value-initialised element of the C++ type that `type` stands for.
template <typename Function>
decltype(auto) with_element(ElementType type, Function&& function) {
  switch (type) {
    case ElementType::float32:
      return function(float{});
    case ElementType::int64:
      return function(std::int64_t{});
    case ElementType::int32:
      return function(std::int32_t{});
    case ElementType::int8:
      return function(std::int8_t{});
    case ElementType::float64:
      break;
  }
  return function(double{});
}

/// Shape of a global array, row-major. A one-dimensional array is `rows` rows of one column that says so.
struct Extents {
  std::int64_t rows = 0;
  std::int64_t cols = 1;
  bool one_dimensional = false;

  [[nodiscard]] std::int64_t elements() const { return checked_multiply(rows, cols); }
  [[nodiscard]] std::int64_t bytes(ElementType type) const { return checked_multiply(elements(), bytes_of(type)); }
  friend bool operator==(const Extents&, const Extents&) = default;
};

/// A half-open range [begin, end) of global row numbers.
struct RowRange {
  std::int64_t begin = 0;
  std::int64_t end = 0;

  [[nodiscard]] std::int64_t rows() const { return end - begin; }
  [[nodiscard]] bool empty() const { return begin >= end; }
  [[nodiscard]] bool contains(std::int64_t row) const { return begin <= row && row < end; }
  friend bool operator==(const RowRange&, const RowRange&) = default;
};

[[nodiscard]] RowRange intersect(RowRange a, RowRange b);

/// A half-open range [begin, end) of row-major element numbers of a global array.
struct ElementRange {
  std::int64_t begin = 0;
  std::int64_t end = 0;

  [[nodiscard]] std::int64_t elements() const { return end - begin; }
  [[nodiscard]] bool empty() const { return begin >= end; }
  friend bool operator==(const ElementRange&, const ElementRange&) = default;
};

/// A half-open range [begin, end) of bytes, of an array or of a window.
struct ByteRange {
  std::int64_t begin = 0;
  std::int64_t end = 0;

  [[nodiscard]] std::int64_t bytes() const { return end - begin; }
  [[nodiscard]] bool empty() const { return begin >= end; }
  friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

[[nodiscard]] ByteRange intersect(ByteRange a, ByteRange b);

}  // namespace windrow
