#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "expr/evaluator.hpp"

namespace windrow::expr {

/// Prime extents, and variables that all differ.
inline Bindings bindings(Extents extents = {.rows = 197, .cols = 23}) {
  return {.extents = extents, .streams = {"array"}, .seed = 42, .rank = 3, .node = 1, .pid = 4242};
}

template <typename T>
constexpr ElementType kTypeOf = ElementType::float64;
template <>
inline constexpr ElementType kTypeOf<float> = ElementType::float32;
template <>
inline constexpr ElementType kTypeOf<std::int64_t> = ElementType::int64;
template <>
inline constexpr ElementType kTypeOf<std::int32_t> = ElementType::int32;

/// The elements of a range as type T.
template <typename T>
std::vector<T> evaluate(Evaluator& evaluator, ElementRange range, std::int64_t offset = 100,
                        Store store = Store::streaming) {
  std::vector<T> elements(static_cast<std::size_t>(range.elements()));
  evaluator.evaluate(range, offset, {.destination = elements.data(), .type = kTypeOf<T>, .store = store});
  return elements;
}

template <typename T>
std::vector<T> evaluate_all(std::string_view text, const Bindings& bound = bindings()) {
  Evaluator evaluator(Program::compile(text), bound);
  return evaluate<T>(evaluator, {0, bound.extents.elements()});
}

/// The element at (12, 7) of the default extents.
template <typename T>
T evaluate_one(std::string_view text, const Bindings& bound = bindings()) {
  Evaluator evaluator(Program::compile(text), bound);
  const std::int64_t element = 12 * bound.extents.cols + 7;
  return evaluate<T>(evaluator, {element, element + 1})[0];
}

}  // namespace windrow::expr
