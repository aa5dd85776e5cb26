#pragma once

#include <cstdint>

namespace windrow::io {

/// A colour of the screen (sRGB), 8 bits a part.
struct Colour {
  std::uint8_t red = 0;
  std::uint8_t green = 0;
  std::uint8_t blue = 0;

  friend bool operator==(const Colour&, const Colour&) = default;
};

/// The colours from dark plum by blue and green to light yellow: of equal steps to the eye, and so to who sees colours
/// differently and on grey paper, because the lightness alone tells the order. A whole turn of a helix in OKLab is cut
/// to what a screen can show: lightness is linear in `share`, and green-red and blue-yellow go round a circle at an
/// even pace. `share` is from 0 to 1; what is outside counts as the nearer end.
/// Source: B. Ottosson, A perceptual color space for image processing (OKLab), 2020; its two matrices.
[[nodiscard]] Colour colour_of(double share);

/// Of what has no value. No colour of the map is grey.
inline constexpr Colour kNoValue{0x80, 0x80, 0x80};

}  // namespace windrow::io
