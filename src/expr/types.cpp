#include "expr/types.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace windrow::expr {

std::string_view name_of(ValueType type) {
  constexpr std::array<std::string_view, 5> names{"bool", "int32", "int64", "float32", "float64"};
  return names[static_cast<std::size_t>(type)];
}

ValueType value_type(ElementType type) {
  switch (type) {
    case ElementType::int8:
      return ValueType::boolean;
    case ElementType::int32:
      return ValueType::int32;
    case ElementType::int64:
      return ValueType::int64;
    case ElementType::float32:
      return ValueType::float32;
    case ElementType::float64:
      break;
  }
  return ValueType::float64;
}

ElementType element_type(ValueType type) {
  constexpr std::array types{ElementType::int8, ElementType::int32, ElementType::int64, ElementType::float32,
                             ElementType::float64};
  return types[static_cast<std::size_t>(type)];
}

ValueType promoted(ValueType a, ValueType b) {
  const auto [low, high] = std::minmax(a, b);
  const bool is_mixed = low != ValueType::boolean && !is_float(low) && is_float(high);
  return is_mixed ? ValueType::float64 : high;
}

Shape Shape::of(const Extents& extents) {
  if (extents.one_dimensional) return {.axes = 1, .rows = 1, .cols = extents.rows};
  return {.axes = 2, .rows = extents.rows, .cols = extents.cols};
}

Extents Shape::extents() const {
  if (axes == 2) return {.rows = rows, .cols = cols};
  return {.rows = cols, .cols = 1, .one_dimensional = true};
}

std::string Shape::text() const {
  if (axes == 0) return "()";
  return axes == 1 ? fmt::format("({},)", cols) : fmt::format("({}, {})", rows, cols);
}

std::optional<Shape> broadcast(const Shape& a, const Shape& b) {
  const auto fits = [](std::int64_t m, std::int64_t n) { return m == n || m == 1 || n == 1; };
  if (!fits(a.rows, b.rows) || !fits(a.cols, b.cols)) return std::nullopt;
  return Shape{.axes = std::max(a.axes, b.axes), .rows = std::max(a.rows, b.rows), .cols = std::max(a.cols, b.cols)};
}

}  // namespace windrow::expr
