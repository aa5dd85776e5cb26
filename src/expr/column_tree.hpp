#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "expr/block_tree.hpp"
#include "kernel/kernels.hpp"

namespace windrow::expr {

/// A row of partials, number by number: of argmin and argmax the value and its place.
struct ColumnNode {
  Span span;
  std::array<std::vector<std::int64_t>, 3> lanes = {};
};

/// How many of its rows of lanes a node has.
[[nodiscard]] std::int64_t lanes_in_node(Fold fold);

/// The tree over rows, of some columns; where the order does not matter, a single node.
class ColumnTree {
 public:
  ColumnTree(Reduction reduction, std::int64_t columns) : reduction_(std::move(reduction)), columns_(columns) {}

  /// The next row, or the node that another tree has made of the next rows.
  void push(ColumnNode node);

  /// Whether the values of the next row may be joined to the last node one by one, without a node of their own.
  [[nodiscard]] bool takes_values(std::int64_t row) const;
  void take_values(std::int64_t column, const std::int64_t* values, std::int64_t count);
  /// After the last values of a row.
  void close_values();

  /// A node for a row; its memory may have been another's.
  [[nodiscard]] ColumnNode fresh(std::int64_t row);

  /// A lane for each column; empty without rows.
  [[nodiscard]] std::vector<std::int64_t> result();

  [[nodiscard]] const std::vector<ColumnNode>& nodes() const { return nodes_; }

 private:
  /// The left node becomes both.
  void join(ColumnNode& left, const ColumnNode& right) const;
  void join_any_order(ColumnNode& left, const ColumnNode& right) const;
  [[nodiscard]] static Partial partial(const ColumnNode& node, std::size_t n);
  void elementwise(std::int64_t* a, const std::int64_t* b, std::int64_t count) const;
  [[nodiscard]] kernel::Operation operation() const;

  const Reduction reduction_;
  std::int64_t columns_;
  std::vector<ColumnNode> nodes_;
  std::vector<ColumnNode> spare_;  ///< memory to use again
};

}  // namespace windrow::expr
