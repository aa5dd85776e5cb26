#include "job/numpy_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <concepts>
#include <cstring>
#include <iterator>
#include <numeric>
#include <optional>
#include <string_view>

#include "base/error.hpp"

namespace windrow {
namespace {

// numpy's default print options: threshold, edgeitems, linewidth, precision.
constexpr std::int64_t kMostElementsInFull = 1000;
constexpr std::int64_t kEdgeElements = 3;
constexpr std::size_t kLineWidth = 75;
constexpr std::size_t kMostFractionDigits = 8;

// An array is written with exponents if a magnitude leaves this range or the magnitudes span more than this ratio.
constexpr double kLargestPlain = 1e8;
constexpr double kSmallestPlain = 1e-4;
constexpr int kLargestPlainRatio = 1000;
// A scalar is, if its magnitude leaves a wider range.
constexpr double kLargestPlainScalar = 1e16;

constexpr std::string_view kGap = "...";

template <std::floating_point Float, typename... Precision>
std::string characters_of(Float value, std::chars_format format, Precision... digits) {
  // The plain format is used below 1e16 only, the other is short by nature.
  std::array<char, 64> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value, format, digits...).ptr;
  return {text.data(), end};
}

std::string non_finite_text(double value) {
  return std::isnan(value) ? "nan" : value < 0 ? "-inf" : "inf";
}

// ---- The words of a floating point array ----

/// The text of a finite number, taken apart: "-12" "5" "" or "-1" "25" "+01", the fraction without trailing zeros.
struct NumberParts {
  std::string whole;
  std::string fraction;
  std::string exponent;
};

NumberParts take_apart(const std::string& text) {
  const std::size_t exponent_at = std::min(text.find('e'), text.size());
  const std::size_t point_at = std::min(text.find('.'), exponent_at);
  NumberParts parts;
  parts.whole = text.substr(0, point_at);
  if (point_at < exponent_at) parts.fraction = text.substr(point_at + 1, exponent_at - point_at - 1);
  if (exponent_at < text.size()) parts.exponent = text.substr(exponent_at + 1);
  parts.fraction.erase(parts.fraction.find_last_not_of('0') + 1);
  return parts;
}

/// The number with the fewest digits that read back, but at most `kMostFractionDigits` of them behind the point.
template <std::floating_point Float>
NumberParts shortest_parts(Float value, std::chars_format format) {
  const std::size_t digits = take_apart(characters_of(value, format)).fraction.size();
  // From the number itself and not from its shortest text, which would round twice.
  return take_apart(characters_of(value, format, static_cast<int>(std::min(digits, kMostFractionDigits))));
}

template <std::floating_point Float>
bool is_exponential(std::span<const Float> values) {
  std::optional<Float> smallest;
  Float largest = 0;
  for (const Float value : values) {
    if (!std::isfinite(value) || value == 0) continue;
    const Float magnitude = std::abs(value);
    smallest = std::min(smallest.value_or(magnitude), magnitude);
    largest = std::max(largest, magnitude);
  }
  if (!smallest) return false;
  // The limits are float64, the ratio has the type of the elements.
  return static_cast<double>(largest) >= kLargestPlain || static_cast<double>(*smallest) < kSmallestPlain ||
         largest / *smallest > Float{kLargestPlainRatio};
}

/// All with as many digits of the mantissa, and of the exponent, as the one with most needs.
template <std::floating_point Float>
std::vector<NumberParts> exponential_parts(std::span<const Float> values) {
  std::vector<NumberParts> parts;
  std::size_t fraction_digits = 0;
  std::size_t exponent_width = 0;
  for (const Float value : values) {
    parts.push_back(shortest_parts(value, std::chars_format::scientific));
    fraction_digits = std::max(fraction_digits, parts.back().fraction.size());
    exponent_width = std::max(exponent_width, parts.back().exponent.size());
  }
  for (std::size_t n = 0; n < values.size(); ++n) {
    // The digits that are added are those of the number: 2e-05 as a float32 becomes 1.9999999e-05.
    parts[n] = take_apart(characters_of(values[n], std::chars_format::scientific, static_cast<int>(fraction_digits)));
    parts[n].fraction.resize(fraction_digits, '0');
    parts[n].exponent.insert(1, exponent_width - parts[n].exponent.size(), '0');
  }
  return parts;
}

template <std::floating_point Float>
std::vector<NumberParts> plain_parts(std::span<const Float> values) {
  std::vector<NumberParts> parts;
  for (const Float value : values) parts.push_back(shortest_parts(value, std::chars_format::fixed));
  return parts;
}

/// The elements as words of equal width, their points below each other.
template <std::floating_point Float>
std::vector<std::string> words_of(std::span<const Float> values) {
  std::vector<Float> finite;
  std::ranges::copy_if(values, std::back_inserter(finite), [](Float value) { return std::isfinite(value); });
  const auto parts = is_exponential(values) ? exponential_parts<Float>(finite) : plain_parts<Float>(finite);

  std::size_t left = 0;
  std::size_t right = 0;
  std::vector<std::string> tails;
  for (const NumberParts& number : parts) {
    tails.push_back("." + number.fraction + (number.exponent.empty() ? "" : "e" + number.exponent));
    left = std::max(left, number.whole.size());
    right = std::max(right, tails.back().size());
  }
  std::size_t width = left + right;
  for (const Float value : values)
    if (!std::isfinite(value)) width = std::max(width, non_finite_text(value).size());

  std::vector<std::string> words;
  std::size_t next = 0;
  for (const Float value : values) {
    if (!std::isfinite(value)) {
      words.push_back(fmt::format("{:>{}}", non_finite_text(value), width));
      continue;
    }
    words.push_back(fmt::format("{:>{}}{:<{}}", parts[next].whole, width - right, tails[next], right));
    ++next;
  }
  return words;
}

template <std::integral Integer>
std::vector<std::string> words_of(std::span<const Integer> values) {
  std::vector<std::string> words;
  std::size_t width = 0;
  for (const Integer value : values) {
    words.push_back(fmt::format("{}", value));
    width = std::max(width, words.back().size());
  }
  for (std::string& word : words) word.insert(0, width - word.size(), ' ');
  return words;
}

// ---- Lines and brackets ----

/// "[1 2 3 ... 7 8 9]", broken into lines of at most `line_end` columns; further lines start at column `indent`.
std::string row_text(std::span<const std::string> words, bool has_gap, std::size_t indent, std::size_t line_end) {
  std::string text = "[";
  std::size_t column = indent;
  const auto add = [&](std::string_view word) {
    const bool is_first_of_row = text.size() == 1;
    if (!is_first_of_row && column + 1 + word.size() > line_end) {
      text.erase(text.find_last_not_of(' ') + 1);
      text += '\n';
      text.append(indent, ' ');
      column = indent;
    } else if (!is_first_of_row) {
      text += ' ';
      ++column;
    }
    text += word;
    column += word.size();
  };
  for (std::size_t n = 0; n < words.size(); ++n) {
    if (has_gap && n == static_cast<std::size_t>(kEdgeElements)) add(kGap);
    add(words[n]);
  }
  return text + "]";
}

std::string vector_text(std::span<const std::string> words, bool has_gap) {
  return row_text(words, has_gap, 1, kLineWidth - 1);
}

std::string matrix_text(std::span<const std::string> words, const ShownPart& part, const Extents& extents) {
  std::string text = "[";
  for (std::size_t row = 0; row < part.rows.size(); ++row) {
    if (row > 0) text += "\n ";
    const bool is_after_gap = row > 0 && part.rows[row] != part.rows[row - 1] + 1;
    if (is_after_gap) text += fmt::format("{}\n ", kGap);
    const auto words_of_row = words.subspan(row * part.cols.size(), part.cols.size());
    // One column less than a vector has: two brackets close at the end.
    text += row_text(words_of_row, std::ssize(part.cols) < extents.cols, 2, kLineWidth - 2);
  }
  return text + "]";
}

std::vector<std::int64_t> shown_indices(std::int64_t length, bool is_summarised) {
  const bool has_gap = is_summarised && length > 2 * kEdgeElements;
  std::vector<std::int64_t> indices(static_cast<std::size_t>(has_gap ? 2 * kEdgeElements : length));
  std::iota(indices.begin(), indices.end(), std::int64_t{0});
  if (has_gap) std::iota(indices.begin() + kEdgeElements, indices.end(), length - kEdgeElements);
  return indices;
}

}  // namespace

ShownPart shown_part(const Extents& extents) {
  const bool is_summarised = extents.elements() > kMostElementsInFull;
  // Without elements there may still be rows, any number of them.
  if (extents.elements() == 0) return {};
  return {shown_indices(extents.rows, is_summarised), shown_indices(extents.cols, is_summarised), is_summarised};
}

std::string numpy_text(ElementType type, const Extents& extents, std::span<const std::byte> shown) {
  const ShownPart part = shown_part(extents);
  const std::size_t elements = part.rows.size() * part.cols.size();
  if (std::ssize(shown) != checked_multiply(static_cast<std::int64_t>(elements), bytes_of(type)))
    throw Error(ExitStatus::internal, "{} bytes for the {} elements of type {} that are shown", shown.size(), elements,
                name_of(type));
  if (elements == 0) return "[]";
  const std::vector<std::string> words = with_element(type, [&](auto element) {
    std::vector<decltype(element)> values(elements);
    std::memcpy(values.data(), shown.data(), shown.size());
    return words_of(std::span<const decltype(element)>(values));
  });
  return extents.one_dimensional ? vector_text(words, std::ssize(part.rows) < extents.rows)
                                 : matrix_text(words, part, extents);
}

std::string numpy_text(double value) {
  if (!std::isfinite(value)) return non_finite_text(value);
  const double magnitude = std::abs(value);
  if (magnitude != 0 && (magnitude < kSmallestPlain || magnitude >= kLargestPlainScalar))
    return characters_of(value, std::chars_format::scientific);
  const std::string text = characters_of(value, std::chars_format::fixed);
  return text.find('.') == std::string::npos ? text + ".0" : text;
}

std::string numpy_text(std::int64_t value) {
  return fmt::format("{}", value);
}

}  // namespace windrow
