#include "expr/folder.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <string_view>
#include <utility>

#include "kernel/kernels.hpp"

namespace windrow::expr {
namespace {

constexpr std::int64_t kBlock = 512;
constexpr std::int64_t kFoldLanes = 32;  // what the kernels want a multiple of

std::size_t index(std::int64_t number) {
  return static_cast<std::size_t>(number);
}
std::int64_t lane(double x) {
  return std::bit_cast<std::int64_t>(x);
}
double number(std::int64_t lane) {
  return std::bit_cast<double>(lane);
}

/// Whether the order of values is of no consequence.
bool has_any_order(const Reduction& reduction) {
  if (!is_float(reduction.type)) return reduction.fold != Fold::deviation;
  return reduction.fold != Fold::sum && reduction.fold != Fold::product && reduction.fold != Fold::deviation;
}

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
std::vector<Span> spans(std::int64_t begin, std::int64_t end) {
  std::vector<Span> found;
  while (begin < end) {
    int level = begin == 0 ? 62 : std::countr_zero(static_cast<std::uint64_t>(begin));
    while ((std::int64_t{1} << level) > end - begin) --level;
    found.push_back({begin, level});
    begin = found.back().end();
  }
  return found;
}

/// What a node of the tree knows of its values: their sum or product; of a deviation a middle near their mean, the sum
/// of the differences to it, and of the squares of these.
struct Partial {
  double value = 0.0;
  double rest = 0.0;
  double squares = 0.0;
};

/// How many numbers of a partial are not 0.
std::int64_t numbers_in_partial(Fold fold) {
  return fold == Fold::deviation ? 3 : 1;
}

/// The deviation with another middle.
Partial moved(const Partial& from, double count, double middle) {
  const double apart = from.value - middle;
  return {middle, from.rest + count * apart, from.squares + apart * (2.0 * from.rest + count * apart)};
}

/// The differences of two middles are small numbers even where the values are large: nothing of the squares is lost.
Partial joined(Fold fold, const Partial& a, double a_count, const Partial& b, double b_count) {
  if (fold == Fold::product) return {.value = a.value * b.value};
  if (fold == Fold::sum) return {.value = a.value + b.value};
  const double apart = b.value - a.value;
  const double middle = a.value + (a.rest + b.rest + b_count * apart) / (a_count + b_count);
  const Partial left = moved(a, a_count, middle);
  const Partial right = moved(b, b_count, middle);
  return {middle, left.rest + right.rest, left.squares + right.squares};
}

/// Folds values whose order matters: consecutive ones, from a given number on, of `total` that there are.
class BlockTree {
 public:
  BlockTree(Fold fold, std::int64_t begin, std::int64_t total) : fold_(fold), position_(begin), total_(total) {}

  void take(const double* values, std::int64_t count) {
    while (count > 0) {
      const std::int64_t to_border = kBlock - position_ % kBlock;
      if (to_border == kBlock && count >= kBlock) {
        push({position_ / kBlock, 0}, folded(values, kBlock));
        position_ += kBlock;
        values += kBlock;
        count -= kBlock;
        continue;
      }
      const std::int64_t taken = std::min(count, to_border);
      std::copy_n(values, taken, kept_.begin() + kept_count_);
      kept_count_ += taken;
      position_ += taken;
      values += taken;
      count -= taken;
      if (position_ % kBlock == 0) close_block();
    }
  }

  /// A node that another tree has made of the blocks that come next.
  void take(const Span& span, const Partial& partial) {
    push(span, partial);
    position_ = span.end() * kBlock;
  }

  /// Of all values, the first one included.
  [[nodiscard]] Partial result() {
    if (kept_count_ > 0) push({position_ / kBlock, 0}, folded_rest());
    if (nodes_.empty()) return {.value = fold_ == Fold::product ? 1.0 : 0.0};
    Node right = nodes_.back();
    double right_count = count_of(right.span);
    for (std::size_t n = nodes_.size() - 1; n-- > 0;) {
      const double left_count = count_of(nodes_[n].span);
      right.partial = joined(fold_, nodes_[n].partial, left_count, right.partial, right_count);
      right_count += left_count;
    }
    return right.partial;
  }

  /// The values before the first border, the nodes, and the values after the last one.
  [[nodiscard]] std::vector<std::int64_t> part() const {
    std::vector<std::int64_t> lanes;
    for (const double value : head_) lanes.push_back(lane(value));
    for (const Node& node : nodes_) {
      const std::array numbers{node.partial.value, node.partial.rest, node.partial.squares};
      for (std::int64_t n = 0; n < numbers_in_partial(fold_); ++n) lanes.push_back(lane(numbers[index(n)]));
    }
    for (std::int64_t n = 0; n < kept_count_; ++n) lanes.push_back(lane(kept_[index(n)]));
    return lanes;
  }

 private:
  struct Node {
    Span span;
    Partial partial;
  };

  void close_block() {
    if (kept_count_ == kBlock) {
      push({position_ / kBlock - 1, 0}, folded(kept_.data(), kBlock));
    } else {
      head_.assign(kept_.begin(), kept_.begin() + kept_count_);
    }
    kept_count_ = 0;
  }

  [[nodiscard]] double count_of(const Span& span) const {
    return static_cast<double>(std::min(span.end() * kBlock, total_) - span.first * kBlock);
  }

  void push(Span span, Partial partial) {
    while (!nodes_.empty() && nodes_.back().span.is_left_of(span)) {
      const Node& left = nodes_.back();
      partial = joined(fold_, left.partial, count_of(left.span), partial, count_of(span));
      span = {left.span.first, span.level + 1};
      nodes_.pop_back();
    }
    nodes_.push_back({span, partial});
  }

  [[nodiscard]] Partial folded(const double* values, std::int64_t count) const {
    const kernel::Kernels& kernels = kernel::kernels();
    if (fold_ == Fold::product) return {.value = kernels.product(values, count)};
    const double sum = kernels.sum(values, count);
    if (fold_ == Fold::sum) return {.value = sum};
    const double middle = sum / static_cast<double>(count);
    const kernel::Deviation deviation = kernels.deviation(values, count, middle);
    return {middle, deviation.rest, deviation.squares};
  }

  /// The last block, filled up with what changes nothing.
  [[nodiscard]] Partial folded_rest() {
    const std::int64_t padded = (kept_count_ + kFoldLanes - 1) / kFoldLanes * kFoldLanes;
    const auto pad = [&](double neutral) { std::fill(kept_.begin() + kept_count_, kept_.begin() + padded, neutral); };
    const kernel::Kernels& kernels = kernel::kernels();
    pad(fold_ == Fold::product ? 1.0 : -0.0);
    if (fold_ == Fold::product) return {.value = kernels.product(kept_.data(), padded)};
    const double sum = kernels.sum(kept_.data(), padded);
    if (fold_ == Fold::sum) return {.value = sum};
    const double middle = sum / static_cast<double>(kept_count_);
    pad(middle);
    const kernel::Deviation deviation = kernels.deviation(kept_.data(), padded, middle);
    return {middle, deviation.rest, deviation.squares};
  }

  Fold fold_;
  std::int64_t position_;  ///< number of the next value
  std::int64_t total_;
  std::vector<double> head_;
  std::vector<Node> nodes_;
  alignas(64) std::array<double, kBlock> kept_{};
  std::int64_t kept_count_ = 0;
};

/// The squares about the mean itself are less than those about a middle beside it.
double squares_about_mean(const Partial& partial, double count) {
  return partial.squares - partial.rest * (partial.rest / count);
}

std::int64_t result_of(Fold fold, const Partial& partial, std::int64_t count) {
  return lane(fold == Fold::deviation ? squares_about_mean(partial, static_cast<double>(count)) : partial.value);
}

/// Folds values whose order does not matter; of argmin and argmax the first place wins.
class PlainFold {
 public:
  explicit PlainFold(const Reduction& reduction) : fold_(reduction.fold), is_float_(is_float(reduction.type)) {
    switch (fold_) {
      case Fold::product:
        value_ = 1;
        break;
      case Fold::minimum:
      case Fold::argmin:
        value_ = is_float_ ? lane(std::numeric_limits<double>::infinity()) : std::numeric_limits<std::int64_t>::max();
        break;
      case Fold::maximum:
      case Fold::argmax:
        value_ = is_float_ ? lane(-std::numeric_limits<double>::infinity()) : std::numeric_limits<std::int64_t>::min();
        break;
      default:
        break;
    }
  }

  void take(const void* lanes, std::int64_t element, std::int64_t count) {
    const std::int64_t found = folded(lanes, count);
    if (fold_ != Fold::argmin && fold_ != Fold::argmax) {
      join(found, element);
      return;
    }
    if (place_ >= 0 && !is_better(found)) return;
    const auto* const from = static_cast<const std::int64_t*>(lanes);
    const std::int64_t* const first = std::find_if(from, from + count, [&](std::int64_t x) {
      if (!is_float_) return x == found;
      return number(x) == number(found) || (std::isnan(number(x)) && std::isnan(number(found)));
    });
    value_ = found;
    place_ = element + (first - from);
  }

  /// What another fold of later values has found.
  void join(std::int64_t value, std::int64_t place) {
    if (place < 0) return;
    if (fold_ == Fold::argmin || fold_ == Fold::argmax) {
      if (place_ >= 0 && !is_better(value)) return;
      value_ = value;
    } else {
      const std::array<std::int64_t, 2> both{value_, value};
      value_ = folded(both.data(), 2);
    }
    place_ = place;
  }

  [[nodiscard]] std::int64_t value() const { return value_; }
  [[nodiscard]] std::int64_t place() const { return place_; }
  [[nodiscard]] std::int64_t result() const {
    if (fold_ == Fold::argmin || fold_ == Fold::argmax) return place_;
    // Of 0.0 and -0.0 either may have been found.
    return is_float_ ? lane(number(value_) + 0.0) : value_;
  }

 private:
  [[nodiscard]] bool is_better(std::int64_t value) const {
    const bool is_least = fold_ == Fold::argmin;
    if (!is_float_) return is_least ? value < value_ : value > value_;
    if (std::isnan(number(value_))) return false;
    return std::isnan(number(value)) || (is_least ? number(value) < number(value_) : number(value) > number(value_));
  }

  [[nodiscard]] std::int64_t folded(const void* lanes, std::int64_t count) const {
    const kernel::Kernels& kernels = kernel::kernels();
    switch (fold_) {
      case Fold::minimum:
      case Fold::argmin:
        return is_float_ ? lane(kernels.minimum(lanes, count)) : kernels.minimum_int64(lanes, count);
      case Fold::maximum:
      case Fold::argmax:
        return is_float_ ? lane(kernels.maximum(lanes, count)) : kernels.maximum_int64(lanes, count);
      case Fold::product:
        return kernels.product_int64(lanes, count);
      default:
        return kernels.sum_int64(lanes, count);
    }
  }

  Fold fold_;
  bool is_float_;
  std::int64_t value_ = 0;
  std::int64_t place_ = -1;
};

// ---- Over everything ----

class OrderedFolder final : public Folder {
 public:
  OrderedFolder(const Reduction& reduction, ElementRange range)
      : tree_(reduction.fold, range.begin, reduction.domain.elements()) {}
  void take(const void* lanes, std::int64_t, std::int64_t count) noexcept override {
    tree_.take(static_cast<const double*>(lanes), count);
  }
  [[nodiscard]] std::vector<std::int64_t> part() const override { return tree_.part(); }

 private:
  BlockTree tree_;
};

class PlainFolder final : public Folder {
 public:
  explicit PlainFolder(const Reduction& reduction) : fold_(reduction) {}
  void take(const void* lanes, std::int64_t element, std::int64_t count) noexcept override {
    fold_.take(lanes, element, count);
  }
  [[nodiscard]] std::vector<std::int64_t> part() const override { return {fold_.value(), fold_.place()}; }

 private:
  PlainFold fold_;
};

// ---- Along rows ----

class RowFolder final : public Folder {
 public:
  RowFolder(const Reduction& reduction, RowRange rows, std::int64_t* results)
      : reduction_(reduction), rows_(rows), results_(results), tree_(fresh_tree()), plain_(reduction) {}

  void take(const void* lanes, std::int64_t element, std::int64_t count) noexcept override {
    const std::int64_t cols = reduction_.domain.cols;
    const auto* from = static_cast<const std::int64_t*>(lanes);
    while (count > 0) {
      const std::int64_t column = element % cols;
      const std::int64_t taken = std::min(count, cols - column);
      if (has_any_order(reduction_)) {
        plain_.take(from, column, taken);
      } else {
        tree_.take(reinterpret_cast<const double*>(from), taken);
      }
      element += taken;
      from += taken;
      count -= taken;
      if (column + taken == cols) close_row(element / cols - 1);
    }
  }
  [[nodiscard]] std::vector<std::int64_t> part() const override { return {}; }

 private:
  [[nodiscard]] BlockTree fresh_tree() const { return {reduction_.fold, 0, reduction_.domain.cols}; }

  void close_row(std::int64_t row) {
    std::int64_t& result = results_[row - rows_.begin];
    if (has_any_order(reduction_)) {
      result = plain_.result();
      plain_ = PlainFold(reduction_);
    } else {
      result = result_of(reduction_.fold, tree_.result(), reduction_.domain.cols);
      tree_ = fresh_tree();
    }
  }

  const Reduction reduction_;
  RowRange rows_;
  std::int64_t* results_;
  BlockTree tree_;
  PlainFold plain_;
};

// ---- Along columns ----

/// A row of partials, number by number: of argmin and argmax the value and its place.
struct Node {
  Span span;
  std::array<std::vector<std::int64_t>, 3> lanes = {};
};

std::int64_t lanes_in_node(Fold fold) {
  return fold == Fold::argmin || fold == Fold::argmax ? 2 : numbers_in_partial(fold);
}

/// The tree over rows, of some columns.
class ColumnTree {
 public:
  ColumnTree(Reduction reduction, std::int64_t columns) : reduction_(std::move(reduction)), columns_(columns) {}

  /// The next row, or the node that another tree has made of the next rows.
  void push(Node node) {
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

  /// Whether the values of the next row may be joined to the last node one by one, without a node of their own.
  [[nodiscard]] bool takes_values(std::int64_t row) const {
    if (nodes_.empty() || reduction_.fold == Fold::deviation || lanes_in_node(reduction_.fold) > 1) return false;
    return has_any_order(reduction_) || nodes_.back().span.is_left_of({row, 0});
  }
  void take_values(std::int64_t column, const std::int64_t* values, std::int64_t count) {
    elementwise(nodes_.back().lanes[0].data() + column, values, count);
  }
  /// After the last values of a row.
  void close_values() {
    if (has_any_order(reduction_)) return;
    Node node = std::move(nodes_.back());
    nodes_.pop_back();
    ++node.span.level;
    push(std::move(node));
  }

  /// A node for a row; its memory may have been another's.
  [[nodiscard]] Node fresh(std::int64_t row) {
    Node node;
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

  [[nodiscard]] std::vector<std::int64_t> result() {
    if (nodes_.empty()) return {};
    while (nodes_.size() > 1) {
      const Node right = std::move(nodes_.back());
      nodes_.pop_back();
      join(nodes_.back(), right);
    }
    Node& whole = nodes_.back();
    if (reduction_.fold == Fold::argmin || reduction_.fold == Fold::argmax) return whole.lanes[1];
    std::vector<std::int64_t>& values = whole.lanes[0];
    if (reduction_.fold == Fold::deviation)
      for (std::size_t n = 0; n < index(columns_); ++n)
        values[n] = result_of(Fold::deviation, partial(whole, n), reduction_.domain.rows);
    if (is_float(reduction_.type) && has_any_order(reduction_))
      for (std::int64_t& value : values) value = lane(number(value) + 0.0);
    return values;
  }

  [[nodiscard]] const std::vector<Node>& nodes() const { return nodes_; }

 private:
  /// The left node becomes both.
  void join(Node& left, const Node& right) const {
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

  void join_any_order(Node& left, const Node& right) const {
    if (lanes_in_node(reduction_.fold) == 1) return elementwise(left.lanes[0].data(), right.lanes[0].data(), columns_);
    for (std::size_t n = 0; n < index(columns_); ++n) {
      PlainFold fold(reduction_);
      fold.join(left.lanes[0][n], left.lanes[1][n]);
      fold.join(right.lanes[0][n], right.lanes[1][n]);
      left.lanes[0][n] = fold.value();
      left.lanes[1][n] = fold.place();
    }
  }

  [[nodiscard]] static Partial partial(const Node& node, std::size_t n) {
    return {number(node.lanes[0][n]), number(node.lanes[1][n]), number(node.lanes[2][n])};
  }

  void elementwise(std::int64_t* a, const std::int64_t* b, std::int64_t count) const {
    kernel::kernels()
        .binary[static_cast<std::size_t>(operation())][static_cast<std::size_t>(kernel::Form::lanes_lanes)](
            a, b, a, count, kernel::Store::cached);
  }

  [[nodiscard]] kernel::Operation operation() const {
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

  const Reduction reduction_;
  std::int64_t columns_;
  std::vector<Node> nodes_;
  std::vector<Node> spare_;  ///< memory to use again
};

/// Room for kernels to read beyond the last column.
std::vector<std::int64_t> room_for(std::int64_t columns) {
  return std::vector<std::int64_t>(index(columns + kernel::kLanePadding));
}

class ColumnFolder final : public Folder {
 public:
  explicit ColumnFolder(const Reduction& reduction) : reduction_(reduction), tree_(reduction, reduction.domain.cols) {}

  void take(const void* lanes, std::int64_t element, std::int64_t count) noexcept override {
    const std::int64_t cols = reduction_.domain.cols;
    const auto* from = static_cast<const std::int64_t*>(lanes);
    while (count > 0) {
      const std::int64_t column = element % cols;
      const std::int64_t taken = std::min(count, cols - column);
      if (column == 0) begin_row(element / cols);
      if (is_joined_) {
        tree_.take_values(column, from, taken);
      } else {
        std::copy_n(from, taken, row_.lanes[0].begin() + column);
      }
      if (column + taken == cols) is_joined_ ? tree_.close_values() : close_row();
      element += taken;
      from += taken;
      count -= taken;
    }
  }

  [[nodiscard]] std::vector<std::int64_t> part() const override { return part(0, reduction_.domain.cols); }
  [[nodiscard]] std::vector<std::int64_t> part(std::int64_t first_column, std::int64_t columns) const override {
    std::vector<std::int64_t> lanes;
    for (const Node& node : tree_.nodes())
      for (std::int64_t n = 0; n < lanes_in_node(reduction_.fold); ++n) {
        const auto first = node.lanes[index(n)].begin() + first_column;
        lanes.insert(lanes.end(), first, first + columns);
      }
    return lanes;
  }

 private:
  void begin_row(std::int64_t row) {
    is_joined_ = tree_.takes_values(row);
    if (!is_joined_) row_ = tree_.fresh(row);
  }

  void close_row() {
    if (reduction_.fold == Fold::deviation) {
      // Of a row alone there is none, but of NaN and infinities that is NaN.
      std::vector<std::int64_t>& deviations = row_.lanes[1];
      for (const std::int64_t value : row_.lanes[0]) deviations.push_back(lane(number(value) - number(value)));
      row_.lanes[2] = deviations;
    } else if (lanes_in_node(reduction_.fold) == 2) {
      row_.lanes[1].assign(row_.lanes[0].size(), row_.span.first);
    }
    tree_.push(std::move(row_));
  }

  const Reduction reduction_;
  ColumnTree tree_;
  Node row_;                ///< that is coming in,
  bool is_joined_ = false;  ///< unless its values are joined at once
};

/// The nodes that a rank with these rows has along columns.
std::vector<Span> column_spans(const Reduction& reduction, RowRange rows) {
  if (rows.empty()) return {};
  if (has_any_order(reduction)) return {{rows.begin, 0}};
  return spans(rows.begin, rows.end);
}

/// What a rank's part has over everything, if the order matters.
struct BlockPart {
  std::int64_t head = 0;
  std::vector<Span> nodes;
  std::int64_t tail = 0;

  BlockPart(const Reduction& reduction, RowRange rows) {
    const std::int64_t cols = reduction.domain.extents().cols;
    const std::int64_t begin = rows.begin * cols;
    const std::int64_t end = rows.end * cols;
    const std::int64_t first = std::min((begin + kBlock - 1) / kBlock * kBlock, end);
    head = first - begin;
    nodes = spans(first / kBlock, first == end ? first / kBlock : end / kBlock);
    tail = first == end ? 0 : end % kBlock;
  }
  [[nodiscard]] std::int64_t lanes(Fold fold) const {
    return head + numbers_in_partial(fold) * std::ssize(nodes) + tail;
  }
};

std::vector<std::int64_t> combine_columns(const Reduction& reduction, std::span<const RowRange> rows_of_ranks,
                                          std::span<const std::int64_t> parts, std::int64_t columns) {
  ColumnTree tree(reduction, columns);
  std::size_t at = 0;
  const auto take_row = [&] {
    std::vector<std::int64_t> row = room_for(columns);
    std::copy_n(parts.begin() + static_cast<std::ptrdiff_t>(at), columns, row.begin());
    at += index(columns);
    return row;
  };
  for (const RowRange& rows : rows_of_ranks)
    for (const Span& span : column_spans(reduction, rows)) {
      Node node{.span = span};
      for (std::int64_t n = 0; n < lanes_in_node(reduction.fold); ++n) node.lanes[index(n)] = take_row();
      tree.push(std::move(node));
    }
  std::vector<std::int64_t> result = tree.result();
  result.resize(index(columns));
  return result;
}

}  // namespace

std::string_view name_of(Fold fold) {
  constexpr std::array<std::string_view, 9> names{"sum",    "product", "minimum",   "maximum", "deviation",
                                                  "argmin", "argmax",  "histogram", "quantile"};
  return names[static_cast<std::size_t>(fold)];
}

std::vector<std::int64_t> Folder::part(std::int64_t, std::int64_t) const {
  return part();
}

std::unique_ptr<Folder> Folder::make(const Reduction& reduction, RowRange rows, std::int64_t* row_results) {
  if (reduction.axis == 1) return std::make_unique<RowFolder>(reduction, rows, row_results);
  if (reduction.axis == 0) return std::make_unique<ColumnFolder>(reduction);
  if (has_any_order(reduction)) return std::make_unique<PlainFolder>(reduction);
  const std::int64_t cols = reduction.domain.extents().cols;
  return std::make_unique<OrderedFolder>(reduction, ElementRange{rows.begin * cols, rows.end * cols});
}

std::int64_t part_lanes(const Reduction& reduction, RowRange rows) {
  if (reduction.axis == 1) return 0;
  if (reduction.axis == 0) return std::ssize(column_spans(reduction, rows)) * lanes_in_node(reduction.fold);
  return has_any_order(reduction) ? 2 : BlockPart(reduction, rows).lanes(reduction.fold);
}

std::int64_t folder_bytes(const Reduction& reduction, RowRange rows) {
  if (reduction.axis != 0) return 0;
  // The nodes, the row that comes in, and one that is being joined.
  const std::int64_t levels =
      has_any_order(reduction) ? 1 : static_cast<std::int64_t>(std::bit_width(static_cast<std::uint64_t>(rows.rows())));
  const std::int64_t rows_kept = std::min(2 * levels, rows.rows()) + 2;
  return checked_multiply(checked_multiply(rows_kept * lanes_in_node(reduction.fold), 8),
                          reduction.domain.cols + kernel::kLanePadding);
}

std::vector<std::int64_t> combine(const Reduction& reduction, std::span<const RowRange> rows_of_ranks,
                                  std::span<const std::int64_t> parts, std::int64_t columns) {
  if (reduction.axis == 0) return combine_columns(reduction, rows_of_ranks, parts, columns);
  if (has_any_order(reduction)) {
    PlainFold fold(reduction);
    for (std::size_t rank = 0; rank < rows_of_ranks.size(); ++rank) fold.join(parts[2 * rank], parts[2 * rank + 1]);
    return {fold.result()};
  }
  BlockTree tree(reduction.fold, 0, reduction.domain.elements());
  std::size_t at = 0;
  const auto take_values = [&](std::int64_t count) {
    std::vector<double> values;
    for (std::int64_t n = 0; n < count; ++n) values.push_back(number(parts[at++]));
    tree.take(values.data(), count);
  };
  for (const RowRange& rows : rows_of_ranks) {
    const BlockPart part(reduction, rows);
    take_values(part.head);
    for (const Span& span : part.nodes) {
      std::array<double, 3> numbers{};
      for (std::int64_t n = 0; n < numbers_in_partial(reduction.fold); ++n) numbers[index(n)] = number(parts[at++]);
      tree.take(span, {numbers[0], numbers[1], numbers[2]});
    }
    take_values(part.tail);
  }
  return {result_of(reduction.fold, tree.result(), reduction.domain.elements())};
}

}  // namespace windrow::expr
