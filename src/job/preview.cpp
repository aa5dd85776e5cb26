#include "job/preview.hpp"

#include <vector>

#include "job/numpy_text.hpp"
#include "mpi/together.hpp"

namespace windrow {

std::string preview(const SharedArray& array) {
  NodeMemory& memory = array.memory();
  const Topology& topology = memory.topology();
  const ShownPart part = shown_part(array.extents());
  const auto element = static_cast<std::size_t>(bytes_of(array.type()));
  // Leaders are in the order of their nodes' rows, so that what they send is in the order of rows.
  std::vector<std::byte> own;
  for (const std::int64_t row : part.rows) {
    if (!topology.is_leader() || !array.node_rows().contains(row)) continue;
    const std::span<const std::byte> bytes = array.read({row, row + 1});
    for (const std::int64_t col : part.cols) {
      const auto place = bytes.subspan(static_cast<std::size_t>(col) * element, element);
      own.insert(own.end(), place.begin(), place.end());
    }
  }
  const std::vector<std::byte> shown = gather(
      topology.world, [&](const std::function<void()>& body) { memory.together(body); }, own);
  return topology.world_rank() == 0 ? numpy_text(array.type(), array.extents(), shown) : "";
}

}  // namespace windrow
