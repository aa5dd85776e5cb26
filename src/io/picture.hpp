#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/extents.hpp"
#include "io/chart.hpp"
#include "io/file_spec.hpp"

namespace windrow::io {

/// The elements that the pixels of a side show: each pixel the one in the middle of what it stands for.
struct GridSide {
  std::vector<std::int64_t> shown;       ///< rows or columns, each once, ascending
  std::vector<std::int64_t> shown_from;  ///< for each pixel a place in `shown`

  [[nodiscard]] std::int64_t pixels() const { return std::ssize(shown_from); }
};

/// The pixels that an array is drawn with. Each shows one element and none a mean of several: so every colour is a
/// value of the array, a NaN hides nothing but itself, what is drawn does not depend on who has which rows, and an
/// array of any size costs the same.
struct PictureGrid {
  GridSide rows;
  GridSide cols;
};

/// As many pixels of a side for each element as fit into a picture of 1000 x 1000, or one for several elements; a side
/// is not shorter than a quarter of that. Needs a row and a column at least. Local. *Throws*: nothing.
[[nodiscard]] PictureGrid picture_grid(const Extents& extents);

/// A 2-D array to be drawn, row 0 at the top as it is printed.
struct Picture {
  std::string title;
  ChartAxis x;  ///< along the columns
  ChartAxis y;  ///< down the rows
  ColourBar colours;
  std::vector<double> values;  ///< the shown rows x the shown columns
};

/// The PNG file of a picture. Local. *Cost*: 0.1 s. *Throws*: as Canvas.
[[nodiscard]] std::string draw(const PictureGrid& grid, const Picture& picture);

/// Which rank filled which block of rows when: a lane for each rank, a bar for each block, coloured by its first row.
struct Timeline {
  std::string title;
  std::int64_t ranks = 0;
  std::vector<BlockRecord> blocks;
};

/// Amounts that are compared, a level bar for each; those of a group have a colour, and a space before them.
struct Bars {
  struct Bar {
    std::string label;
    double value = 0.0;     ///< 0 and above; NaN if there is none
    std::string text = {};  ///< behind the bar
    std::int64_t group = 0;
  };
  std::string title;
  std::string label;  ///< what the lengths mean
  std::vector<Bar> bars;
};

/// The PNG file of bars. Local. *Throws*: as Canvas.
[[nodiscard]] std::string draw(const Bars& bars);

/// The PNG file of a timeline. Local. *Cost*: microseconds for each block. *Throws*: as Canvas.
[[nodiscard]] std::string draw(const Timeline& timeline);

}  // namespace windrow::io
