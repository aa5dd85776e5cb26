#include "base/extents.hpp"

#include <algorithm>

namespace windrow {
namespace {

[[noreturn]] void throw_overflow(std::int64_t a, char operation, std::int64_t b) {
  throw Error(ExitStatus::usage, "{} {} {} does not fit into 64 bits; make the extents smaller", a, operation, b);
}

}  // namespace

std::int64_t checked_multiply(std::int64_t a, std::int64_t b) {
  std::int64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) throw_overflow(a, '*', b);
  return product;
}

std::int64_t checked_add(std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) throw_overflow(a, '+', b);
  return sum;
}

std::int64_t round_up(std::int64_t value, std::int64_t unit) {
  return checked_multiply(checked_add(value, unit - 1) / unit, unit);
}

std::string_view name_of(ElementType type) {
  switch (type) {
    case ElementType::float32:
      return "float32";
    case ElementType::int64:
      return "int64";
    case ElementType::int32:
      return "int32";
    case ElementType::int8:
      return "int8";
    case ElementType::float64:
      break;
  }
  return "float64";
}

std::int64_t bytes_of(ElementType type) {
  return with_element(type, [](auto element) { return static_cast<std::int64_t>(sizeof element); });
}

std::optional<ElementType> element_type_from(std::string_view name) {
  const auto* const found = std::ranges::find(kElementTypes, name, name_of);
  if (found == kElementTypes.end()) return std::nullopt;
  return *found;
}

RowRange intersect(RowRange a, RowRange b) {
  const RowRange both{std::max(a.begin, b.begin), std::min(a.end, b.end)};
  return both.empty() ? RowRange{} : both;
}

ByteRange intersect(ByteRange a, ByteRange b) {
  const ByteRange both{std::max(a.begin, b.begin), std::min(a.end, b.end)};
  return both.empty() ? ByteRange{} : both;
}

}  // namespace windrow
