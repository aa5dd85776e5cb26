#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "base/extents.hpp"

// Numbers as files hold them.
namespace windrow::io {

/// How a number is stored: 1, 2, 4 or 8 bytes of an integer; 2, 4, 8 or 16 of an IEEE 754 number (16: the 80 bits of
/// x86's long double); 1 of a truth value, which is false where it is 0.
struct NumberFormat {
  enum class Kind : std::uint8_t { signed_integer, unsigned_integer, floating, boolean };
  Kind kind = Kind::floating;
  std::int8_t bytes = 8;
  bool big_endian = false;
  friend bool operator==(const NumberFormat&, const NumberFormat&) = default;
};

/// "float64", "uint16, big-endian".
[[nodiscard]] std::string name_of(const NumberFormat& format);

/// The format of the elements of an array.
[[nodiscard]] NumberFormat format_of(ElementType type);

/// Whether the bytes of such numbers are elements of `type` as they are. Truth values may be other than 0 and 1.
[[nodiscard]] bool are_elements(const NumberFormat& format, ElementType type);

/// The element type that holds all values of a format: int32 or float32 where it suffices, int8 of truth values. Of
/// unsigned numbers of 64 bits it is int64, and of long double float64.
[[nodiscard]] ElementType natural_type(const NumberFormat& format);

/// Some numbers in memory, a fixed number of bytes from one to the next.
struct StoredNumbers {
  const std::byte* first = nullptr;
  std::int64_t step_bytes = 0;
  std::int64_t count = 0;
  NumberFormat format;
};

struct UnheldNumber : std::range_error {
  using std::range_error::range_error;
};

/// Converts to elements of `type`, one after the other from `destination` on, as numpy's astype does on x86: integers
/// wrap, real numbers are cut to whole ones, and those that an integer cannot hold, NaN among them, become the
/// smallest. *Cost*: memory speed but for half and long double numbers. *Throws* UnheldNumber, on the calling rank,
/// for uint64 numbers that int64 does not hold, once all are converted: int64 is what they are taken as unasked.
void convert(const StoredNumbers& from, ElementType type, std::byte* destination);

}  // namespace windrow::io
