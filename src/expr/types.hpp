#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/extents.hpp"

namespace windrow::expr {

/// Types of values, as numpy's; in this order a later one of a kind can hold more.
enum class ValueType : std::uint8_t { boolean, int32, int64, float32, float64 };

[[nodiscard]] constexpr bool is_float(ValueType type) {
  return type >= ValueType::float32;
}

[[nodiscard]] std::string_view name_of(ValueType type);
[[nodiscard]] ValueType value_type(ElementType type);
[[nodiscard]] ElementType element_type(ValueType type);

/// numpy's promote_types: the smallest type that holds the values of both.
[[nodiscard]] ValueType promoted(ValueType a, ValueType b);

/// A shape in numpy's sense: of no, one or two axes. A single axis is that of the columns, as in broadcasting.
struct Shape {
  int axes = 0;
  std::int64_t rows = 1;
  std::int64_t cols = 1;

  [[nodiscard]] static Shape of(const Extents& extents);
  /// Of a shape with axes.
  [[nodiscard]] Extents extents() const;
  [[nodiscard]] std::int64_t elements() const { return checked_multiply(rows, cols); }
  /// "(197, 23)", "(197,)", "()".
  [[nodiscard]] std::string text() const;
  friend bool operator==(const Shape&, const Shape&) = default;
};

/// The shape that numpy broadcasts both to; none if they do not fit.
[[nodiscard]] std::optional<Shape> broadcast(const Shape& a, const Shape& b);

}  // namespace windrow::expr
