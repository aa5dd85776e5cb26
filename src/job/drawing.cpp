#include "job/drawing.hpp"

#include <cstring>

#include "io/picture.hpp"
#include "mpi/together.hpp"

namespace windrow {
namespace {

/// The elements of this node that a picture shows, as float64, row by row.
std::vector<double> shown_values(const SharedArray& array, const io::PictureGrid& grid) {
  std::vector<double> values;
  for (const std::int64_t row : grid.rows.shown) {
    if (!array.node_rows().contains(row)) continue;
    const std::span<const std::byte> bytes = array.read({row, row + 1});
    with_element(array.type(), [&](auto element) {
      for (const std::int64_t col : grid.cols.shown) {
        std::memcpy(&element, &bytes[static_cast<std::size_t>(col) * sizeof element], sizeof element);
        values.push_back(static_cast<double>(element));
      }
    });
  }
  return values;
}

bool is_whole(ElementType type) {
  return type != ElementType::float64 && type != ElementType::float32;
}

/// Rows, columns and the name, unless the job has said what they mean.
Drawing drawing_of(const PlannedArray& planned) {
  if (planned.drawing) return *planned.drawing;
  const auto along = [](std::string label, std::int64_t elements) {
    return io::ChartAxis{.label = std::move(label),
                         .first_edge = -0.5,
                         .last_edge = static_cast<double>(elements) - 0.5,
                         .is_whole = true};
  };
  return {.x = along("column", planned.shape.extents.cols),
          .y = along("row", planned.shape.extents.rows),
          .colours = {.label = planned.shape.name}};
}

}  // namespace

std::string picture_of(Context& context, const std::string& array, const std::string& title) {
  NodeMemory& memory = context.memory();
  const Topology& topology = memory.topology();
  const Together run_together = [&](const std::function<void()>& body) { memory.together(body); };
  const SharedArray& drawn = context.array(array);
  io::PictureGrid grid;
  std::vector<double> own;
  run_together([&] {
    grid = io::picture_grid(drawn.extents());
    if (topology.is_leader()) own = shown_values(drawn, grid);
  });
  // Leaders are in the order of their nodes' rows, and so is what they send.
  const std::vector<std::byte> gathered = gather(topology.world, run_together, std::as_bytes(std::span(own)));
  std::string png;
  run_together([&] {
    if (topology.world_rank() != 0) return;
    const Drawing drawing = drawing_of(context.planned(array));
    io::Picture picture{.title = title, .x = drawing.x, .y = drawing.y, .colours = drawing.colours, .values = {}};
    picture.colours.is_whole = is_whole(drawn.type());
    picture.values.resize(gathered.size() / sizeof(double));
    if (!gathered.empty()) std::memcpy(picture.values.data(), gathered.data(), gathered.size());
    png = io::draw(grid, picture);
  });
  return png;
}

}  // namespace windrow
