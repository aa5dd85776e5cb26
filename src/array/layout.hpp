#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/extents.hpp"
#include "mpi/pages.hpp"

namespace windrow {

/// An array that a job needs: enough to know its place in every node's window.
struct ArrayShape {
  std::string name;
  ElementType type = ElementType::float64;
  Extents extents;

  [[nodiscard]] std::int64_t bytes() const { return extents.bytes(type); }
};

/// A pool of equal slots that every node has: see SlotRing.
struct RingShape {
  std::int64_t slots = 0;
  std::int64_t slot_bytes = 0;
};

/// What the windows of a run hold, and with which pages.
struct WindowNeeds {
  std::vector<ArrayShape> arrays = {};
  std::int64_t tickets = 0;        ///< ticket counters
  std::int64_t staging_bytes = 0;  ///< of each rank
  std::vector<RingShape> rings = {};
  std::vector<ArrayShape> replicas = {};  ///< arrays that every node has whole: see ReplicatedArray
  PageMode pages = PageMode::automatic;
};

/// How many ranks there are on which node: what a layout depends on, known to a plan without MPI.
struct Machine {
  std::vector<int> ranks_per_node{1};
  std::vector<int> host_of_node{0};

  [[nodiscard]] int nodes() const { return static_cast<int>(ranks_per_node.size()); }
  [[nodiscard]] int ranks() const;
  [[nodiscard]] int first_row_rank(int node) const;
  /// The rows that the ranks of a node own together.
  [[nodiscard]] RowRange rows_of_node(std::int64_t rows, int node) const;
};

/// How many control words of each kind a node has.
struct ControlCounts {
  std::int64_t ranks = 0;
  std::int64_t tickets = 0;  ///< counters, each with a word for each rank
  std::int64_t extents = 0;
  std::int64_t groups = 0;
  std::int64_t ring_lines = 0;  ///< of 64 bytes, of all rings
};

/// What lies where in a node's window: control words first, then the staging, where chunks wait for their way to the
/// file, then the slots of its rings and the arrays that it has whole, then the arrays' rows of this node, in order.
struct WindowLayout {
  struct Item {
    std::string name;
    std::int64_t offset = 0;
    std::int64_t bytes = 0;
    RowRange rows = {};
    std::int64_t first_extent = 0;  ///< of its own 2 MiB, among those of all arrays
    std::int64_t extents = 0;
    std::int64_t first_group = 0;  ///< of its groups, among the words of all arrays
    std::int64_t groups = 0;
  };

  struct Ring {
    std::int64_t offset = 0;      ///< of its first slot
    std::int64_t stride = 0;      ///< bytes from one slot to the next
    std::int64_t first_line = 0;  ///< of its words, among those of all rings
  };

  ControlCounts control;
  std::int64_t control_bytes = 0;
  ByteRange staging;
  std::vector<Ring> rings;
  std::vector<ByteRange> replicas;
  std::int64_t arrays_begin = 0;
  std::vector<Item> arrays;
  std::int64_t bytes = 0;  ///< of the whole window, rounded as it will be

  /// *Throws*: Error(usage), on the calling rank, on overflow.
  [[nodiscard]] static WindowLayout make(const Machine& machine, int node, const WindowNeeds& needs);
  /// Those of all nodes. *Cost*: linear in their number.
  [[nodiscard]] static std::vector<WindowLayout> make_all(const Machine& machine, const WindowNeeds& needs);
};

}  // namespace windrow
