#include "array/layout.hpp"

#include <numeric>

#include "array/control.hpp"
#include "base/partition.hpp"
#include "mpi/pages.hpp"

namespace windrow {
namespace {

/// Of a node with so many ranks, the first of which has this row rank among those of all nodes.
WindowLayout layout_of(int node_ranks, int first_row_rank, int all_ranks, const WindowNeeds& needs) {
  WindowLayout layout;
  layout.control = {.ranks = node_ranks, .tickets = needs.tickets};
  for (const RingShape& ring : needs.rings) {
    layout.rings.push_back({.first_line = layout.control.ring_lines});
    layout.control.ring_lines += RingWords::lines(ring, node_ranks);
  }
  for (const ArrayShape& array : needs.arrays) {
    const RowRange rows{row_block(array.extents.rows, all_ranks, first_row_rank).begin,
                        row_block(array.extents.rows, all_ranks, first_row_rank + node_ranks - 1).end};
    const std::int64_t row_bytes = checked_multiply(array.extents.cols, bytes_of(array.type));
    const ByteRange bytes{checked_multiply(rows.begin, row_bytes), checked_multiply(rows.end, row_bytes)};
    layout.arrays.push_back({.name = array.name,
                             .bytes = bytes.bytes(),
                             .rows = rows,
                             .first_extent = layout.control.extents,
                             .extents = round_up(bytes.bytes(), kExtentBytes) / kExtentBytes,
                             .first_group = layout.control.groups,
                             .groups = group_count(bytes)});
    layout.control.extents += layout.arrays.back().extents;
    layout.control.groups += layout.arrays.back().groups;
  }
  layout.control_bytes = control_bytes(layout.control);
  const std::int64_t all_staging = round_up(checked_multiply(node_ranks, needs.staging_bytes), kPageBytes);
  layout.staging = {layout.control_bytes, checked_add(layout.control_bytes, all_staging)};
  std::int64_t end = layout.staging.end;
  for (std::size_t n = 0; n < needs.rings.size(); ++n) {
    const RingShape& shape = needs.rings[n];
    WindowLayout::Ring& ring = layout.rings[n];
    // A slot has pages of its own: ranks touch their slots side by side, and large pages where they are as large.
    const std::int64_t unit = shape.slot_bytes >= kExtentBytes ? kExtentBytes : kPageBytes;
    ring.offset = round_up(end, unit);
    ring.stride = round_up(shape.slot_bytes, unit);
    end = checked_add(ring.offset, checked_multiply(shape.slots, ring.stride));
  }
  for (const ArrayShape& replica : needs.replicas) {
    const std::int64_t begin = round_up(end, replica.bytes() >= kExtentBytes ? kExtentBytes : kPageBytes);
    end = checked_add(begin, replica.bytes());
    layout.replicas.push_back({begin, end});
  }
  layout.arrays_begin = round_up(end, kPageBytes);
  end = layout.arrays_begin;
  for (WindowLayout::Item& array : layout.arrays) {
    // A large array begins at an extent, so that its first owner can make huge pages from its first row on.
    array.offset = round_up(end, array.bytes >= kExtentBytes ? kExtentBytes : kPageBytes);
    end = checked_add(array.offset, array.bytes);
  }
  // An extent that reaches past the end of the window cannot become a huge page.
  layout.bytes = round_up(end, end >= kExtentBytes ? kExtentBytes : kPageBytes);
  return layout;
}

}  // namespace

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

WindowLayout WindowLayout::make(const Machine& machine, int node, const WindowNeeds& needs) {
  return layout_of(machine.ranks_per_node[static_cast<std::size_t>(node)], machine.first_row_rank(node),
                   machine.ranks(), needs);
}

std::vector<WindowLayout> WindowLayout::make_all(const Machine& machine, const WindowNeeds& needs) {
  std::vector<WindowLayout> layouts;
  const int all_ranks = machine.ranks();
  int first_row_rank = 0;
  for (const int node_ranks : machine.ranks_per_node) {
    layouts.push_back(layout_of(node_ranks, first_row_rank, all_ranks, needs));
    first_row_rank += node_ranks;
  }
  return layouts;
}

}  // namespace windrow
