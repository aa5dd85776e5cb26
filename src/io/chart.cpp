#include "io/chart.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace windrow::io {
namespace {

constexpr double kGap = 12.0;
constexpr double kTickLength = 6.0;
constexpr double kTickSize = 15.0;
constexpr double kLabelSize = 17.0;
constexpr double kTitleSize = 20.0;
constexpr double kBarWidth = 24.0;
constexpr Colour kInk{0x20, 0x20, 0x20};

double widest(const std::vector<Tick>& ticks) {
  Canvas measure(1, 1);
  double width = 0.0;
  for (const Tick& tick : ticks) width = std::max(width, measure.width_of(tick.label, kTickSize));
  return width;
}

double width_of(const std::string& text, double size) {
  return Canvas(1, 1).width_of(text, size);
}

std::vector<Tick> axis_ticks(const ChartAxis& axis, int most) {
  return linear_ticks(std::min(axis.first_edge, axis.last_edge), std::max(axis.first_edge, axis.last_edge),
                      {.most = most, .whole = axis.is_whole});
}

/// As many marks as leave room between their numbers.
std::vector<Tick> level_ticks(const ChartAxis& axis, double width) {
  constexpr int most = 10;
  for (int number = most; number > 1; --number) {
    std::vector<Tick> ticks = axis_ticks(axis, number);
    if (static_cast<double>(ticks.size()) * (widest(ticks) + 2.0 * kGap) <= width) return ticks;
  }
  return axis_ticks(axis, 1);
}

std::vector<Tick> upright_ticks(const ChartAxis& axis, double height) {
  constexpr double each = 80.0;
  constexpr double least_each = kTickSize + kGap / 2.0;
  const double fine =
      axis.is_whole && std::abs(axis.last_edge - axis.first_edge) * least_each <= height ? least_each : each;
  return axis_ticks(axis, std::max(2, static_cast<int>(height / fine)));
}

double share_of(const ChartAxis& axis, double value) {
  return (value - axis.first_edge) / (axis.last_edge - axis.first_edge);
}

}  // namespace

ColourRange::ColourRange(ColourBar bar, std::span<const double> values) : bar_(std::move(bar)) {
  for (const double value : values) {
    if (!has_colour(value)) {
      has_all_ = false;
      continue;
    }
    low_ = std::min(low_, value);
    high_ = std::max(high_, value);
  }
  if (low_ != high_) return;
  // A single value has a bar too, and its mark is in the middle of it.
  const double half = low_ == 0.0 ? 1.0 : std::abs(low_) / 2.0;
  low_ -= half;
  high_ += half;
}

bool ColourRange::has_colour(double value) const {
  return std::isfinite(value) && (bar_.scale == ColourScale::linear || value > 0.0);
}

std::string ColourRange::no_value_label() const {
  if (!bar_.no_value_label.empty()) return bar_.no_value_label;
  return bar_.scale == ColourScale::logarithmic ? "not above 0" : "not finite";
}

double ColourRange::share(double value) const {
  if (bar_.scale == ColourScale::logarithmic)
    return (std::log(value) - std::log(low_)) / (std::log(high_) - std::log(low_));
  // Of halves, since the difference of two float64 may be none.
  return (value / 2.0 - low_ / 2.0) / (high_ / 2.0 - low_ / 2.0);
}

std::vector<Tick> ColourRange::ticks() const {
  if (!has_any()) return {};
  const TickOptions options{.most = 8, .whole = bar_.is_whole};
  return bar_.scale == ColourScale::logarithmic ? logarithmic_ticks(low_, high_, options)
                                                : linear_ticks(low_, high_, options);
}

Chart::Places::Places(const ChartSpec& spec, const ColourRange& colours)
    : x_ticks(level_ticks(spec.x, static_cast<double>(spec.width))),
      y_ticks(upright_ticks(spec.y, static_cast<double>(spec.height))),
      bar_ticks(colours.ticks()) {
  field = {std::ceil(kLabelSize + widest(y_ticks) + kTickLength + 3.5 * kGap), kTitleSize + 2.0 * kGap,
           static_cast<double>(spec.width), static_cast<double>(spec.height)};
  bar = {field.right() + 2.0 * kGap, field.y, kBarWidth, field.height};
  no_value = {bar.x, field.bottom() - kBarWidth, kBarWidth, kBarWidth};
  beside_bar = bar.right() + kTickLength + kGap / 2.0;
  bar_label_x = beside_bar + widest(bar_ticks) + kGap + kLabelSize / 2.0;
  right = bar_label_x + kLabelSize / 2.0 + kGap;
  right = std::max(right, field.x + width_of(spec.title, kTitleSize) + kGap);
  if (colours.has_all()) return;
  bar.height -= kBarWidth + kGap;
  right = std::max(right, beside_bar + width_of(colours.no_value_label(), kTickSize) + kGap);
}

int Chart::Places::width() const {
  return static_cast<int>(std::ceil(right));
}

int Chart::Places::height() const {
  return static_cast<int>(field.bottom() + kTickLength + kTickSize + kLabelSize + 3.0 * kGap);
}

Chart::Chart(ChartSpec spec, const ColourRange& colours)
    : spec_(std::move(spec)), places_(spec_, colours), canvas_(places_.width(), places_.height()) {
  canvas_.text(spec_.title, {field().x, kGap + kTitleSize / 2.0}, {.size = kTitleSize, .colour = kInk});
  draw_bar(colours);
}

double Chart::x_of(double value) const {
  return field().x + share_of(spec_.x, value) * field().width;
}

double Chart::y_of(double value) const {
  return field().y + share_of(spec_.y, value) * field().height;
}

void Chart::draw_axes() {
  canvas_.frame(field(), kInk);
  for (const Tick& tick : places_.x_ticks) {
    const double x = x_of(tick.value);
    canvas_.line({x, field().bottom() + 1.0}, {x, field().bottom() + kTickLength}, kInk);
    canvas_.text(tick.label, {x, field().bottom() + kTickLength + kGap},
                 {.size = kTickSize, .alignment = Alignment::centre, .colour = kInk});
  }
  for (const Tick& tick : places_.y_ticks) {
    const double y = y_of(tick.value);
    canvas_.line({field().x - 1.0 - kTickLength, y}, {field().x - 2.0, y}, kInk);
    canvas_.text(tick.label, {field().x - kTickLength - kGap / 2.0, y},
                 {.size = kTickSize, .alignment = Alignment::right, .colour = kInk});
  }
  const TextStyle style{.size = kLabelSize, .alignment = Alignment::centre, .colour = kInk};
  canvas_.text(spec_.x.label, {field().middle().x, static_cast<double>(places_.height()) - kGap - kLabelSize / 2.0},
               style);
  canvas_.text(spec_.y.label, {kGap + kLabelSize / 2.0, field().middle().y},
               {.size = kLabelSize, .alignment = Alignment::centre, .is_upright = true, .colour = kInk});
}

void Chart::draw_bar(const ColourRange& colours) {
  const Box& bar = places_.bar;
  if (!colours.has_all()) {
    canvas_.fill(places_.no_value, kNoValue);
    canvas_.frame(places_.no_value, kInk);
    canvas_.text(colours.no_value_label(), {places_.beside_bar, places_.no_value.middle().y},
                 {.size = kTickSize, .colour = kInk});
  }
  if (!colours.has_any()) return;
  for (double line = 0.0; line < bar.height; line += 1.0)
    canvas_.fill({bar.x, bar.y + line, bar.width, 1.0}, colour_of(1.0 - (line + 0.5) / bar.height));
  canvas_.frame(bar, kInk);
  for (const Tick& tick : places_.bar_ticks) {
    const double y = bar.y + (1.0 - colours.share(tick.value)) * bar.height;
    canvas_.line({bar.right() + 1.0, y}, {bar.right() + kTickLength, y}, kInk);
    canvas_.text(tick.label, {places_.beside_bar, y}, {.size = kTickSize, .colour = kInk});
  }
  canvas_.text(colours.label(), {places_.bar_label_x, bar.middle().y},
               {.size = kLabelSize, .alignment = Alignment::centre, .is_upright = true, .colour = kInk});
}

std::string Chart::png() {
  draw_axes();
  return canvas_.png();
}

}  // namespace windrow::io
