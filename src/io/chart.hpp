#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "io/canvas.hpp"
#include "io/ticks.hpp"

namespace windrow::io {

/// An axis of a chart, and the coordinates at the two edges of its field: the left and the right one, or the upper and
/// the lower one.
struct ChartAxis {
  std::string label;
  double first_edge = 0.0;
  double last_edge = 1.0;
  bool is_whole = false;  ///< there are whole numbers only
};

enum class ColourScale : std::uint8_t { linear, logarithmic };

/// What colours a chart has, and what they mean: the values from the least to the largest, one after the other on the
/// colour bar, or their logarithms. Values that have none are grey: NaN and infinities, and where there are logarithms
/// what is not above 0.
struct ColourBar {
  std::string label;
  ColourScale scale = ColourScale::linear;
  bool is_whole = false;            ///< there are whole numbers only
  std::string no_value_label = {};  ///< what grey means; "" for what it means by itself
};

/// A colour bar with its ends. Local, as all of it. *Throws*: nothing.
class ColourRange {
 public:
  ColourRange(ColourBar bar, std::span<const double> values);

  [[nodiscard]] const std::string& label() const { return bar_.label; }
  /// Whether any value has a colour, and whether all have.
  [[nodiscard]] bool has_any() const { return low_ < high_; }
  [[nodiscard]] bool has_all() const { return has_all_; }
  [[nodiscard]] std::string no_value_label() const;

  [[nodiscard]] Colour colour(double value) const { return has_colour(value) ? colour_of(share(value)) : kNoValue; }
  /// The place of a value that has a colour on the bar: 0 at the least one's, 1 at the largest one's.
  [[nodiscard]] double share(double value) const;
  [[nodiscard]] std::vector<Tick> ticks() const;

 private:
  [[nodiscard]] bool has_colour(double value) const;

  ColourBar bar_;
  bool has_all_ = true;
  double low_ = std::numeric_limits<double>::infinity();
  double high_ = -std::numeric_limits<double>::infinity();
};

struct ChartSpec {
  std::string title;
  ChartAxis x;
  ChartAxis y;
  std::int64_t width = 0;  ///< of the field, in pixels
  std::int64_t height = 0;
};

/// A field to draw in, with a title, two axes and a colour bar around it. *Throws* (all of it): as Canvas.
class Chart {
 public:
  Chart(ChartSpec spec, const ColourRange& colours);

  [[nodiscard]] Canvas& canvas() { return canvas_; }
  [[nodiscard]] const Box& field() const { return places_.field; }
  [[nodiscard]] double x_of(double value) const;
  [[nodiscard]] double y_of(double value) const;

  /// The chart as a PNG file, when the field is drawn.
  [[nodiscard]] std::string png();

 private:
  /// Where everything is; the widths of the numbers decide.
  struct Places {
    Places(const ChartSpec& spec, const ColourRange& colours);
    [[nodiscard]] int width() const;
    [[nodiscard]] int height() const;

    std::vector<Tick> x_ticks;
    std::vector<Tick> y_ticks;
    std::vector<Tick> bar_ticks;
    Box field;
    Box bar;
    Box no_value;
    double beside_bar = 0.0;
    double bar_label_x = 0.0;
    double right = 0.0;
  };
  void draw_axes();
  void draw_bar(const ColourRange& colours);

  ChartSpec spec_;
  Places places_;
  Canvas canvas_;
};

}  // namespace windrow::io
