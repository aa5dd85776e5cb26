#include "io/number_format.hpp"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

namespace windrow::io {
namespace {

static_assert(std::endian::native == std::endian::little, "formats are told apart from little-endian ones");

using Kind = NumberFormat::Kind;

struct Half {
  std::uint16_t bits;
};
struct Extended {
  unsigned char bytes[16];
};
struct Truth {
  std::uint8_t bits;
};

/// IEEE 754 binary16: exact in a float.
float value_of(Half half) {
  const std::uint32_t sign = std::uint32_t{half.bits & 0x8000U} << 16;
  const std::uint32_t exponent = (half.bits >> 10) & 0x1FU;
  const std::uint32_t fraction = half.bits & 0x3FFU;
  if (exponent == 0) {
    const float magnitude = std::ldexp(static_cast<float>(fraction), -24);
    return sign != 0 ? -magnitude : magnitude;
  }
  const std::uint32_t wide = exponent == 0x1F ? 0xFFU : exponent + 112;
  return std::bit_cast<float>(sign | (wide << 23) | (fraction << 13));
}

long double value_of(Extended extended) {
  long double value = 0;
  std::memcpy(&value, extended.bytes, 10);
  return value;
}

std::int8_t value_of(Truth truth) {
  return truth.bits != 0 ? 1 : 0;
}

template <typename Number>
Number value_of(Number number) {
  return number;
}

template <typename Stored, bool kSwapped>
auto load(const std::byte* from) {
  Stored stored;
  if constexpr (kSwapped) {
    std::byte bytes[sizeof stored];
    for (std::size_t i = 0; i < sizeof stored; ++i) bytes[i] = from[sizeof stored - 1 - i];
    std::memcpy(&stored, bytes, sizeof stored);
  } else {
    std::memcpy(&stored, from, sizeof stored);
  }
  return value_of(stored);
}

template <typename Element, typename Number>
Element element_of(Number number) {
  if constexpr (std::is_integral_v<Element> && std::is_floating_point_v<Number>) {
    // The bounds are powers of two, and exact.
    constexpr auto low = static_cast<Number>(std::numeric_limits<Element>::min());
    // Between -2^31 - 1 and -2^31 a number is cut to -2^31.
    const bool fits = number < -low && (number >= low || std::trunc(number) == low);
    return fits ? static_cast<Element>(number) : std::numeric_limits<Element>::min();
  } else {
    return static_cast<Element>(number);
  }
}

template <typename Stored, bool kSwapped, typename Element>
void convert_all(const StoredNumbers& from, std::byte* destination) {
  const auto convert_steps = [&](auto step_bytes) {
    for (std::int64_t i = 0; i < from.count; ++i) {
      const auto element = element_of<Element>(load<Stored, kSwapped>(from.first + i * step_bytes));
      std::memcpy(destination + i * std::int64_t{sizeof(Element)}, &element, sizeof element);
    }
  };
  constexpr std::integral_constant<std::int64_t, std::int64_t{sizeof(Stored)}> adjacent;
  if (from.step_bytes == adjacent)
    convert_steps(adjacent);
  else
    convert_steps(from.step_bytes);
}

template <typename Function>
void with_stored(const NumberFormat& format, Function&& function) {
  const bool is_signed = format.kind == Kind::signed_integer;
  const bool is_floating = format.kind == Kind::floating;
  if (format.kind == Kind::boolean) return function(Truth{});
  switch (format.bytes) {
    case 1:
      return is_signed ? function(std::int8_t{}) : function(std::uint8_t{});
    case 2:
      return is_floating ? function(Half{}) : is_signed ? function(std::int16_t{}) : function(std::uint16_t{});
    case 4:
      return is_floating ? function(float{}) : is_signed ? function(std::int32_t{}) : function(std::uint32_t{});
    case 8:
      return is_floating ? function(double{}) : is_signed ? function(std::int64_t{}) : function(std::uint64_t{});
    default:
      return function(Extended{});
  }
}

/// That bit 63 is set in no number.
void check_fits_int64(const StoredNumbers& from) {
  std::uint8_t seen = 0;
  const std::int64_t highest = from.format.big_endian ? 0 : 7;
  for (std::int64_t i = 0; i < from.count; ++i)
    seen |= std::to_integer<std::uint8_t>(from.first[i * from.step_bytes + highest]);
  if ((seen & 0x80U) != 0) throw UnheldNumber("a uint64 of 2^63 and more as int64");
}

}  // namespace

std::string name_of(const NumberFormat& format) {
  if (format.kind == Kind::boolean) return "bool";
  const char* const kind = format.kind == Kind::floating         ? "float"
                           : format.kind == Kind::signed_integer ? "int"
                                                                 : "uint";
  return fmt::format("{}{}{}", kind, format.bytes * 8, format.big_endian && format.bytes > 1 ? ", big-endian" : "");
}

NumberFormat format_of(ElementType type) {
  if (type == ElementType::int8) return {Kind::boolean, 1, false};
  const bool is_integer = type == ElementType::int64 || type == ElementType::int32;
  return {is_integer ? Kind::signed_integer : Kind::floating, static_cast<std::int8_t>(bytes_of(type)), false};
}

bool are_elements(const NumberFormat& format, ElementType type) {
  return format.kind != Kind::boolean && format == format_of(type);
}

ElementType natural_type(const NumberFormat& format) {
  if (format.kind == Kind::boolean) return ElementType::int8;
  if (format.kind == Kind::floating) return format.bytes <= 4 ? ElementType::float32 : ElementType::float64;
  const bool is_small = format.bytes < 4 || (format.bytes == 4 && format.kind == Kind::signed_integer);
  return is_small ? ElementType::int32 : ElementType::int64;
}

void convert(const StoredNumbers& from, ElementType type, std::byte* destination) {
  if (are_elements(from.format, type) && from.step_bytes == from.format.bytes) {
    std::memcpy(destination, from.first, static_cast<std::size_t>(from.count * from.step_bytes));
    return;
  }
  with_element(type, [&](auto element) {
    with_stored(from.format, [&](auto stored) {
      if (from.format.big_endian)
        convert_all<decltype(stored), true, decltype(element)>(from, destination);
      else
        convert_all<decltype(stored), false, decltype(element)>(from, destination);
    });
  });
  if (from.format.kind == Kind::unsigned_integer && from.format.bytes == 8 && type == ElementType::int64)
    check_fits_int64(from);
}

}  // namespace windrow::io
