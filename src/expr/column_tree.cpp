#include "expr/column_tree.hpp"

#include <algorithm>

#include "expr/lanes.hpp"
#include "expr/plain_fold.hpp"

namespace windrow::expr {

std::int64_t lanes_in_node(Fold fold) {
  return fold == Fold::argmin || fold == Fold::argmax ? 2 : numbers_in_partial(fold);
}

void ColumnTree::push(ColumnNode node) {
  if (has_any_order(reduction_)) {
    if (nodes_.empty()) {
      nodes_.push_back(std::move(node));
    } else {
      join_any_order(nodes_.back(), node);
    }
    return;
  }
  while (!nodes_.empty() && nodes_.back().span.is_left_of(node.span)) {
    join(nodes_.back(), node);
    spare_.push_back(std::move(node));
    node = std::move(nodes_.back());
    nodes_.pop_back();
  }
  nodes_.push_back(std::move(node));
}

bool ColumnTree::takes_values(std::int64_t row) const {
  if (nodes_.empty() || reduction_.fold == Fold::deviation || lanes_in_node(reduction_.fold) > 1) return false;
  return has_any_order(reduction_) || nodes_.back().span.is_left_of({row, 0});
}

void ColumnTree::take_values(std::int64_t column, const std::int64_t* values, std::int64_t count) {
  elementwise(nodes_.back().lanes[0].data() + column, values, count);
}

void ColumnTree::close_values() {
  if (has_any_order(reduction_)) return;
  ColumnNode node = std::move(nodes_.back());
  nodes_.pop_back();
  ++node.span.level;
  push(std::move(node));
}

ColumnNode ColumnTree::fresh(std::int64_t row) {
  ColumnNode node;
  if (!spare_.empty()) {
    node = std::move(spare_.back());
    spare_.pop_back();
  }
  node.span = {row, 0};
  node.lanes[0].resize(index(columns_ + kernel::kLanePadding));
  node.lanes[1].clear();
  node.lanes[2].clear();
  return node;
}

std::vector<std::int64_t> ColumnTree::result() {
  if (nodes_.empty()) return {};
  while (nodes_.size() > 1) {
    const ColumnNode right = std::move(nodes_.back());
    nodes_.pop_back();
    join(nodes_.back(), right);
  }
  ColumnNode& whole = nodes_.back();
  if (reduction_.fold == Fold::argmin || reduction_.fold == Fold::argmax) return whole.lanes[1];
  std::vector<std::int64_t>& values = whole.lanes[0];
  if (reduction_.fold == Fold::deviation)
    for (std::size_t n = 0; n < index(columns_); ++n)
      values[n] = result_of(Fold::deviation, partial(whole, n), reduction_.domain.rows);
  if (is_float(reduction_.type) && has_any_order(reduction_))
    for (std::int64_t& value : values) value = lane(number(value) + 0.0);
  return values;
}

void ColumnTree::join(ColumnNode& left, const ColumnNode& right) const {
  const std::int64_t total = reduction_.domain.rows;
  const auto count = [&](const Span& span) { return static_cast<double>(std::min(span.end(), total) - span.first); };
  if (reduction_.fold == Fold::deviation) {
    for (std::size_t n = 0; n < index(columns_); ++n) {
      const Partial both =
          joined(Fold::deviation, partial(left, n), count(left.span), partial(right, n), count(right.span));
      left.lanes[0][n] = lane(both.value);
      left.lanes[1][n] = lane(both.rest);
      left.lanes[2][n] = lane(both.squares);
    }
  } else {
    elementwise(left.lanes[0].data(), right.lanes[0].data(), columns_);
  }
  ++left.span.level;
}

void ColumnTree::join_any_order(ColumnNode& left, const ColumnNode& right) const {
  if (lanes_in_node(reduction_.fold) == 1) return elementwise(left.lanes[0].data(), right.lanes[0].data(), columns_);
  for (std::size_t n = 0; n < index(columns_); ++n) {
    PlainFold fold(reduction_);
    fold.join(left.lanes[0][n], left.lanes[1][n]);
    fold.join(right.lanes[0][n], right.lanes[1][n]);
    left.lanes[0][n] = fold.value();
    left.lanes[1][n] = fold.place();
  }
}

Partial ColumnTree::partial(const ColumnNode& node, std::size_t n) {
  return {number(node.lanes[0][n]), number(node.lanes[1][n]), number(node.lanes[2][n])};
}

void ColumnTree::elementwise(std::int64_t* a, const std::int64_t* b, std::int64_t count) const {
  kernel::kernels().binary[static_cast<std::size_t>(operation())][static_cast<std::size_t>(kernel::Form::lanes_lanes)](
      a, b, a, count, kernel::Store::cached);
}

kernel::Operation ColumnTree::operation() const {
  using kernel::Operation;
  const bool is_real = is_float(reduction_.type);
  switch (reduction_.fold) {
    case Fold::minimum:
      return is_real ? Operation::minimum_float64 : Operation::minimum_int64;
    case Fold::maximum:
      return is_real ? Operation::maximum_float64 : Operation::maximum_int64;
    case Fold::product:
      return is_real ? Operation::multiply_float64 : Operation::multiply_int64;
    default:
      return is_real ? Operation::add_float64 : Operation::add_int64;
  }
}

}  // namespace windrow::expr
