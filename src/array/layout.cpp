#include "array/layout.hpp"

#include <numeric>

#include "array/control.hpp"
#include "base/partition.hpp"
#include "mpi/pages.hpp"

namespace windrow {

int Machine::ranks() const {
  return std::accumulate(ranks_per_node.begin(), ranks_per_node.end(), 0);
}

int Machine::first_row_rank(int node) const {
  return std::accumulate(ranks_per_node.begin(), ranks_per_node.begin() + node, 0);
}

RowRange Machine::rows_of_node(std::int64_t rows, int node) const {
  const int first = first_row_rank(node);
  const int last = first + ranks_per_node[static_cast<std::size_t>(node)] - 1;
  return {row_block(rows, ranks(), first).begin, row_block(rows, ranks(), last).end};
}

WindowLayout WindowLayout::make(const Machine& machine, int node, const std::vector<ArrayShape>& arrays,
                                std::int64_t tickets) {
  WindowLayout layout;
  layout.control_bytes = windrow::control_bytes(machine.ranks_per_node[static_cast<std::size_t>(node)], tickets);
  std::int64_t end = layout.control_bytes;
  for (const ArrayShape& array : arrays) {
    const std::int64_t rows = machine.rows_of_node(array.extents.rows, node).rows();
    const std::int64_t bytes = checked_multiply(checked_multiply(rows, array.extents.cols), bytes_of(array.type));
    // A large array begins at an extent, so that its first owner can make huge pages from its first row on.
    const std::int64_t begin = round_up(end, bytes >= kExtentBytes ? kExtentBytes : kPageBytes);
    layout.arrays.push_back({array.name, begin, bytes});
    end = checked_add(begin, bytes);
  }
  // An extent that reaches past the end of the window cannot become a huge page.
  layout.bytes = round_up(end, end >= kExtentBytes ? kExtentBytes : kPageBytes);
  return layout;
}

}  // namespace windrow
