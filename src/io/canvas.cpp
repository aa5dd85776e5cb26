#include "io/canvas.hpp"

#include <cairo/cairo.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>

#include "base/error.hpp"

namespace windrow::io {
namespace {

// Documented in cairo_select_font_face().
constexpr const char* kOwnFont = "@cairo:";
constexpr const char* kSystemFont = "sans-serif";

bool is_ascii(const std::string& text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

double part(std::uint8_t value) {
  return value / 255.0;
}

/// The middle of the pixel: a line a pixel wide that runs there is sharp.
Point sharp(Point point) {
  return {std::floor(point.x) + 0.5, std::floor(point.y) + 0.5};
}

void check(cairo_status_t status) {
  if (status == CAIRO_STATUS_SUCCESS) return;
  const ExitStatus kind = status == CAIRO_STATUS_NO_MEMORY ? ExitStatus::resources : ExitStatus::internal;
  throw Error(kind, "cannot draw a picture: {}", cairo_status_to_string(status));
}

cairo_status_t append(void* to, const unsigned char* bytes, unsigned int count) {
  try {
    static_cast<std::string*>(to)->append(reinterpret_cast<const char*>(bytes), count);
  } catch (const std::bad_alloc&) {
    return CAIRO_STATUS_NO_MEMORY;
  }
  return CAIRO_STATUS_SUCCESS;
}

}  // namespace

struct Canvas::Handles {
  Handles(int width, int height)
      : surface(cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height)), context(cairo_create(surface)) {}
  Handles(const Handles&) = delete;
  Handles& operator=(const Handles&) = delete;
  ~Handles() {
    cairo_destroy(context);
    cairo_surface_destroy(surface);
  }

  void use(Colour colour) const {
    cairo_set_source_rgb(context, part(colour.red), part(colour.green), part(colour.blue));
  }
  void use_font(const std::string& text, double size) const {
    cairo_select_font_face(context, is_ascii(text) ? kOwnFont : kSystemFont, CAIRO_FONT_SLANT_NORMAL,
                           CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(context, size);
  }

  cairo_surface_t* surface;
  cairo_t* context;
};

Canvas::Canvas(int width, int height) : handles_(std::make_unique<Handles>(width, height)) {
  check(cairo_status(handles_->context));
  cairo_set_line_width(handles_->context, 1.0);
  handles_->use({0xff, 0xff, 0xff});
  cairo_paint(handles_->context);
}

Canvas::~Canvas() = default;

void Canvas::fill(const Box& box, Colour colour) {
  handles_->use(colour);
  cairo_rectangle(handles_->context, box.x, box.y, box.width, box.height);
  cairo_fill(handles_->context);
}

void Canvas::frame(const Box& box, Colour colour) {
  handles_->use(colour);
  const Point corner = sharp({box.x - 1.0, box.y - 1.0});
  cairo_rectangle(handles_->context, corner.x, corner.y, box.width + 1.0, box.height + 1.0);
  cairo_stroke(handles_->context);
}

void Canvas::line(Point from, Point to, Colour colour) {
  handles_->use(colour);
  const Point begin = sharp(from);
  const Point end = sharp(to);
  cairo_move_to(handles_->context, begin.x, begin.y);
  cairo_line_to(handles_->context, end.x, end.y);
  cairo_stroke(handles_->context);
}

double Canvas::width_of(const std::string& text, double size) {
  handles_->use_font(text, size);
  cairo_text_extents_t extents;
  cairo_text_extents(handles_->context, text.c_str(), &extents);
  return extents.x_advance;
}

void Canvas::text(const std::string& text, Point at, const TextStyle& style) {
  // Capital letters are about 0.7 of the size high.
  constexpr double half_of_capitals = 0.35;
  const double width = width_of(text, style.size);
  const double before = style.alignment == Alignment::left     ? 0.0
                        : style.alignment == Alignment::centre ? width / 2.0
                                                               : width;
  cairo_save(handles_->context);
  handles_->use(style.colour);
  cairo_translate(handles_->context, at.x, at.y);
  if (style.is_upright) cairo_rotate(handles_->context, -std::numbers::pi / 2.0);
  cairo_move_to(handles_->context, -before, half_of_capitals * style.size);
  cairo_show_text(handles_->context, text.c_str());
  cairo_restore(handles_->context);
}

void Canvas::image(const Box& box, std::span<const Colour> pixels) {
  cairo_surface_flush(handles_->surface);
  const auto width = static_cast<std::size_t>(box.width);
  const auto stride = static_cast<std::size_t>(cairo_image_surface_get_stride(handles_->surface));
  unsigned char* to = cairo_image_surface_get_data(handles_->surface) + static_cast<std::size_t>(box.y) * stride +
                      static_cast<std::size_t>(box.x) * sizeof(std::uint32_t);
  for (; pixels.size() >= width && width > 0; pixels = pixels.subspan(width), to += stride)
    for (std::size_t column = 0; column < width; ++column) {
      const Colour& colour = pixels[column];
      const auto word = static_cast<std::uint32_t>((colour.red << 16) | (colour.green << 8) | colour.blue);
      std::memcpy(to + column * sizeof word, &word, sizeof word);
    }
  cairo_surface_mark_dirty(handles_->surface);
}

std::string Canvas::png() const {
  check(cairo_status(handles_->context));
  std::string file;
  check(cairo_surface_write_to_png_stream(handles_->surface, append, &file));
  return file;
}

}  // namespace windrow::io
