#include "job/preview.hpp"

#include "job/numpy_text.hpp"
#include "mpi/together.hpp"

namespace windrow {

std::string preview(const SharedArray& array) {
  NodeMemory& memory = array.memory();
  const ShownPart part = shown_part(array.extents());
  const auto element = static_cast<std::size_t>(bytes_of(array.type()));
  std::map<std::int64_t, std::vector<std::byte>> rows;
  for (const std::int64_t row : part.rows) {
    if (!memory.topology().is_leader() || !array.node_rows().contains(row)) continue;
    const std::span<const std::byte> bytes = array.read({row, row + 1});
    for (const std::int64_t col : part.cols) {
      const auto place = bytes.subspan(static_cast<std::size_t>(col) * element, element);
      rows[row].insert(rows[row].end(), place.begin(), place.end());
    }
  }
  return preview(memory, array.shape(), rows);
}

std::string preview(NodeMemory& memory, const ArrayShape& shape,
                    const std::map<std::int64_t, std::vector<std::byte>>& rows) {
  const Topology& topology = memory.topology();
  // Leaders are in the order of their nodes' rows, so that what they send is in the order of rows.
  std::vector<std::byte> own;
  for (const auto& [row, bytes] : rows) own.insert(own.end(), bytes.begin(), bytes.end());
  const std::vector<std::byte> shown = gather(
      topology.world, [&](const std::function<void()>& body) { memory.together(body); }, own);
  return topology.world_rank() == 0 ? numpy_text(shape.type, shape.extents, shown) : "";
}

}  // namespace windrow
