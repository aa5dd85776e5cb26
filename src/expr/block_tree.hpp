#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "expr/reduction.hpp"

namespace windrow::expr {

/// Whether the order of values is of no consequence.
[[nodiscard]] bool has_any_order(const Reduction& reduction);

/// The part of a tree's leaves that a node stands for: 2^level of them from `first` on.
struct Span {
  std::int64_t first = 0;
  int level = 0;

  [[nodiscard]] std::int64_t end() const { return first + (std::int64_t{1} << level); }
  /// Whether this and `right` are the two halves of a node.
  [[nodiscard]] bool is_left_of(const Span& right) const {
    return level == right.level && end() == right.first && (first >> level) % 2 == 0;
  }
};

/// The largest nodes that together have the leaves [begin, end).
[[nodiscard]] std::vector<Span> spans(std::int64_t begin, std::int64_t end);

/// What a node of the tree knows of its values: their sum or product; of a deviation a middle near their mean, the sum
/// of the differences to it, and of the squares of these. The middle of a block is the mean of its first kFoldLanes
/// values: no second pass over the block is needed, and n times the square of its distance to the mean is at most 16
/// times the sum of the squares, by which factor their error grows at worst.
struct Partial {
  double value = 0.0;
  double rest = 0.0;
  double squares = 0.0;
};

/// The partial of both.
[[nodiscard]] Partial joined(Fold fold, const Partial& a, double a_count, const Partial& b, double b_count);

/// The lane of the result of all `count` values.
[[nodiscard]] std::int64_t result_of(Fold fold, const Partial& partial, std::int64_t count);

/// Folds values whose order matters: consecutive ones, from a given number on, of `total` that there are.
class BlockTree {
 public:
  BlockTree(Fold fold, std::int64_t begin, std::int64_t total) : fold_(fold), position_(begin), total_(total) {}

  /// The next values.
  void take(const double* values, std::int64_t count);

  /// The next blocks, whose partials are known: numbers_in_partial() of each.
  void take_folded(const double* numbers, std::int64_t blocks);

  /// A node that another tree has made of the blocks that come next.
  void take(const Span& span, const Partial& partial);

  /// Of all values, the first one included.
  [[nodiscard]] Partial result();

  /// The values before the first border, the nodes, and the values after the last one.
  [[nodiscard]] std::vector<std::int64_t> part() const;

 private:
  struct Node {
    Span span;
    Partial partial;
  };

  void close_block();
  /// How many values a node stands for: the last block may be short.
  [[nodiscard]] double count_of(const Span& span) const;
  void push(Span span, Partial partial);
  [[nodiscard]] Partial folded(const double* values, std::int64_t count) const;
  /// The last block, filled up with what changes nothing.
  [[nodiscard]] Partial folded_rest();

  Fold fold_;
  std::int64_t position_;  ///< number of the next value
  std::int64_t total_;
  std::vector<double> head_;
  std::vector<Node> nodes_;
  alignas(64) std::array<double, kFoldBlock> kept_{};
  std::int64_t kept_count_ = 0;
};

}  // namespace windrow::expr
