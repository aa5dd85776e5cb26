#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "io/colour_map.hpp"

namespace windrow::io {

/// Pixels from the upper left corner.
struct Point {
  double x = 0.0;
  double y = 0.0;
};

struct Box {
  double x = 0.0;
  double y = 0.0;
  double width = 0.0;
  double height = 0.0;

  [[nodiscard]] double right() const { return x + width; }
  [[nodiscard]] double bottom() const { return y + height; }
  [[nodiscard]] Point middle() const { return {x + width / 2.0, y + height / 2.0}; }
};

/// Where a text lies from its point: its height is always centred on it.
enum class Alignment : std::uint8_t { left, centre, right };

struct TextStyle {
  double size = 15.0;  ///< of a line, in pixels
  Alignment alignment = Alignment::left;
  bool is_upright = false;  ///< read from below
  Colour colour = {0x20, 0x20, 0x20};
};

/// A sheet of white pixels to draw on. Letters of ASCII are the library's own, so that they look the same on every
/// machine and are there where no fonts are; other texts take the machine's.
class Canvas {
 public:
  /// Local, as all of it. *Throws*: Error(resources) where memory is short.
  Canvas(int width, int height);
  Canvas(const Canvas&) = delete;
  Canvas& operator=(const Canvas&) = delete;
  ~Canvas();

  void fill(const Box& box, Colour colour);
  void frame(const Box& box, Colour colour);
  /// Lines are a pixel wide, and sharp where they are level or upright.
  void line(Point from, Point to, Colour colour);
  void text(const std::string& text, Point at, const TextStyle& style);
  [[nodiscard]] double width_of(const std::string& text, double size);
  /// Sets the pixels of a box, row by row; its corner and extents are whole numbers.
  void image(const Box& box, std::span<const Colour> pixels);

  /// The sheet as a PNG file. *Throws*: Error(internal) if something could not be drawn.
  [[nodiscard]] std::string png() const;

 private:
  struct Handles;
  std::unique_ptr<Handles> handles_;
};

}  // namespace windrow::io
