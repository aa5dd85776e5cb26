#include "io/picture.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace windrow::io {
namespace {

constexpr std::int64_t kLongestSide = 1000;
constexpr std::int64_t kShortestSide = 250;

GridSide side(std::int64_t elements, double pixels_each) {
  const double wanted = static_cast<double>(elements) * pixels_each;
  auto pixels = static_cast<std::int64_t>(
      std::clamp(wanted, static_cast<double>(kShortestSide), static_cast<double>(kLongestSide)));
  if (elements < pixels) pixels = pixels / elements * elements;
  GridSide side;
  for (std::int64_t pixel = 0; pixel < pixels; ++pixel) {
    const double middle = (static_cast<double>(pixel) + 0.5) / static_cast<double>(pixels);
    const auto element = std::min(static_cast<std::int64_t>(middle * static_cast<double>(elements)), elements - 1);
    if (side.shown.empty() || side.shown.back() != element) side.shown.push_back(element);
    side.shown_from.push_back(std::ssize(side.shown) - 1);
  }
  return side;
}

std::vector<Colour> pixels_of(const PictureGrid& grid, std::span<const double> values, const ColourRange& colours) {
  std::vector<Colour> shown;
  shown.reserve(values.size());
  for (const double value : values) shown.push_back(colours.colour(value));
  std::vector<Colour> pixels;
  pixels.reserve(static_cast<std::size_t>(grid.rows.pixels() * grid.cols.pixels()));
  for (const std::int64_t row : grid.rows.shown_from)
    for (const std::int64_t col : grid.cols.shown_from)
      pixels.push_back(shown[static_cast<std::size_t>(row * std::ssize(grid.cols.shown) + col)]);
  return pixels;
}

/// When the first block began and the last one ended, and how long ranks were at work on blocks.
struct Span {
  double begin_s = 0.0;
  double end_s = 0.0;
  double busy_s = 0.0;
};

Span span_of(const std::vector<BlockRecord>& blocks) {
  if (blocks.empty()) return {0.0, 1.0, 0.0};
  Span all{blocks.front().start_s, blocks.front().start_s, 0.0};
  for (const BlockRecord& block : blocks) {
    all.begin_s = std::min(all.begin_s, block.start_s);
    all.end_s = std::max(all.end_s, block.start_s + block.seconds);
    all.busy_s += block.seconds;
  }
  if (all.end_s <= all.begin_s) all.end_s = all.begin_s + 1e-6;
  return all;
}

}  // namespace

PictureGrid picture_grid(const Extents& extents) {
  const double pixels_each =
      static_cast<double>(kLongestSide) / static_cast<double>(std::max(extents.rows, extents.cols));
  return {side(extents.rows, pixels_each), side(extents.cols, pixels_each)};
}

std::string draw(const PictureGrid& grid, const Picture& picture) {
  const ColourRange colours(picture.colours, picture.values);
  Chart chart({picture.title, picture.x, picture.y, grid.cols.pixels(), grid.rows.pixels()}, colours);
  chart.canvas().image(chart.field(), pixels_of(grid, picture.values, colours));
  return chart.png();
}

std::string draw(const Timeline& timeline) {
  constexpr Colour idle{0xee, 0xee, 0xee};
  constexpr double highest_lane = 40.0;
  constexpr double least_gap_width = 4.0;  // narrower bars have no gap between them
  std::vector<double> first_rows;
  for (const BlockRecord& block : timeline.blocks) first_rows.push_back(static_cast<double>(block.first_row));
  const ColourRange colours({.label = "first row of the block", .is_whole = true}, first_rows);
  const Span all = span_of(timeline.blocks);
  const auto ranks = static_cast<double>(timeline.ranks);
  const double height =
      std::clamp(ranks * highest_lane, static_cast<double>(kShortestSide), static_cast<double>(kLongestSide));
  const std::string busy = fmt::format("seconds since the first block began; ranks busy for {:.1f} % of them",
                                       100.0 * all.busy_s / (ranks * (all.end_s - all.begin_s)));
  Chart chart({timeline.title,
               {.label = busy, .first_edge = 0.0, .last_edge = all.end_s - all.begin_s},
               {.label = "rank", .first_edge = -0.5, .last_edge = ranks - 0.5, .is_whole = true},
               kLongestSide,
               static_cast<std::int64_t>(height)},
              colours);
  chart.canvas().fill(chart.field(), idle);
  const double lane = chart.field().height / ranks;
  for (const BlockRecord& block : timeline.blocks) {
    const double left = chart.x_of(block.start_s - all.begin_s);
    const double width = chart.x_of(block.start_s - all.begin_s + block.seconds) - left;
    chart.canvas().fill({left, chart.y_of(static_cast<double>(block.world_rank) - 0.5) + 0.1 * lane,
                         width < least_gap_width ? width : width - 1.0, 0.8 * lane},
                        colours.colour(static_cast<double>(block.first_row)));
  }
  return chart.png();
}

std::string draw(const Bars& bars) {
  constexpr double margin = 20.0;
  constexpr double line = 24.0;
  constexpr double head = 56.0;
  constexpr double longest = 560.0;
  constexpr double behind = 110.0;  // for the texts behind the bars
  double most = 0.0;
  std::int64_t groups = 1;
  for (const Bars::Bar& bar : bars.bars) {
    if (std::isfinite(bar.value)) most = std::max(most, bar.value);
    groups = std::max(groups, bar.group + 1);
  }
  Canvas measure(1, 1);
  double labels = 0.0;
  for (const Bars::Bar& bar : bars.bars) labels = std::max(labels, measure.width_of(bar.label, TextStyle{}.size));
  const double left = margin + labels + 10.0;
  const double height =
      head + line * static_cast<double>(std::ssize(bars.bars)) + 0.5 * line * static_cast<double>(groups) + 2 * margin;
  Canvas canvas(static_cast<int>(left + longest + behind), static_cast<int>(height));
  canvas.text(bars.title, {margin, margin + 4.0}, {.size = 18.0});
  canvas.text(bars.label, {left, margin + 28.0}, {});
  double y = head + margin / 2.0;
  std::int64_t group = bars.bars.empty() ? 0 : bars.bars.front().group;
  for (const Bars::Bar& bar : bars.bars) {
    if (std::exchange(group, bar.group) != bar.group) y += 0.5 * line;
    canvas.text(bar.label, {left - 10.0, y + line / 2.0}, {.alignment = Alignment::right});
    const double length = std::isfinite(bar.value) && most > 0.0 ? longest * bar.value / most : 0.0;
    canvas.fill({left, y + 0.15 * line, length, 0.7 * line},
                colour_of((static_cast<double>(bar.group) + 0.5) / static_cast<double>(groups)));
    canvas.text(bar.text, {left + length + 6.0, y + line / 2.0}, {});
    y += line;
  }
  return canvas.png();
}

}  // namespace windrow::io
