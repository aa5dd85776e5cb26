#include "expr/folder.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <string_view>
#include <utility>

#include "expr/block_tree.hpp"
#include "expr/column_tree.hpp"
#include "expr/lanes.hpp"
#include "expr/plain_fold.hpp"

namespace windrow::expr {
namespace {

/// Calls `take(row, column, values, count)` for the part of a strip in each row.
template <typename Take>
void for_each_row(const void* lanes, std::int64_t element, std::int64_t count, std::int64_t cols, const Take& take) {
  const auto* values = static_cast<const std::int64_t*>(lanes);
  for (std::int64_t taken = 0; count > 0; element += taken, values += taken, count -= taken) {
    const std::int64_t column = element % cols;
    taken = std::min(count, cols - column);
    take(element / cols, column, values, taken);
  }
}

// ---- Over everything ----

class OrderedFolder final : public Folder {
 public:
  OrderedFolder(const Reduction& reduction, ElementRange range)
      : fold_(reduction.fold), tree_(reduction.fold, range.begin, reduction.domain.elements()) {}
  void take(const void* lanes, std::int64_t, std::int64_t count) noexcept override {
    tree_.take(static_cast<const double*>(lanes), count);
  }
  [[nodiscard]] std::optional<Fold> lane_fold() const noexcept override { return fold_; }
  void take_folded(const void* lanes, std::int64_t, std::int64_t blocks) noexcept override {
    tree_.take_folded(static_cast<const double*>(lanes), blocks);
  }
  [[nodiscard]] std::vector<std::int64_t> part() const override { return tree_.part(); }

 private:
  Fold fold_;
  BlockTree tree_;
};

class PlainFolder final : public Folder {
 public:
  explicit PlainFolder(const Reduction& reduction) : fold_(reduction) {
    if (reduction.fold != Fold::argmin && reduction.fold != Fold::argmax) lane_fold_ = reduction.fold;
  }
  void take(const void* lanes, std::int64_t element, std::int64_t count) noexcept override {
    fold_.take(lanes, element, count);
  }
  [[nodiscard]] std::optional<Fold> lane_fold() const noexcept override { return lane_fold_; }
  void take_folded(const void* lanes, std::int64_t element, std::int64_t blocks) noexcept override {
    fold_.take(lanes, element, blocks);
  }
  [[nodiscard]] std::vector<std::int64_t> part() const override { return {fold_.value(), fold_.place()}; }

 private:
  PlainFold fold_;
  std::optional<Fold> lane_fold_;
};

// ---- Along rows ----

class RowFolder final : public Folder {
 public:
  RowFolder(const Reduction& reduction, RowRange rows, std::int64_t* results)
      : reduction_(reduction), rows_(rows), results_(results), tree_(fresh_tree()), plain_(reduction) {}

  void take(const void* lanes, std::int64_t element, std::int64_t count) noexcept override {
    const std::int64_t cols = reduction_.domain.cols;
    for_each_row(lanes, element, count, cols, [&](auto row, auto column, const std::int64_t* values, auto taken) {
      if (has_any_order(reduction_)) {
        plain_.take(values, column, taken);
      } else {
        tree_.take(reinterpret_cast<const double*>(values), taken);
      }
      if (column + taken == cols) close_row(row);
    });
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

class ColumnFolder final : public Folder {
 public:
  explicit ColumnFolder(const Reduction& reduction) : reduction_(reduction), tree_(reduction, reduction.domain.cols) {}

  void take(const void* lanes, std::int64_t element, std::int64_t count) noexcept override {
    const std::int64_t cols = reduction_.domain.cols;
    for_each_row(lanes, element, count, cols, [&](auto row, auto column, const std::int64_t* values, auto taken) {
      if (column == 0) begin_row(row);
      if (is_joined_) {
        tree_.take_values(column, values, taken);
      } else {
        std::copy_n(values, taken, row_.lanes[0].begin() + column);
      }
      if (column + taken == cols) is_joined_ ? tree_.close_values() : close_row();
    });
  }

  [[nodiscard]] std::vector<std::int64_t> part() const override { return part(0, reduction_.domain.cols); }
  [[nodiscard]] std::vector<std::int64_t> part(std::int64_t first_column, std::int64_t columns) const override {
    std::vector<std::int64_t> lanes;
    for (const ColumnNode& node : tree_.nodes())
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
  ColumnNode row_;          ///< that is coming in,
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
    const std::int64_t first = std::min((begin + kFoldBlock - 1) / kFoldBlock * kFoldBlock, end);
    head = first - begin;
    nodes = spans(first / kFoldBlock, first == end ? first / kFoldBlock : end / kFoldBlock);
    tail = first == end ? 0 : end % kFoldBlock;
  }
  [[nodiscard]] std::int64_t lanes(Fold fold) const {
    return head + numbers_in_partial(fold) * std::ssize(nodes) + tail;
  }
};

std::vector<std::int64_t> combine_columns(const Reduction& reduction, std::span<const RowRange> rows_of_ranks,
                                          std::span<const std::int64_t> parts, std::int64_t columns) {
  ColumnTree tree(reduction, columns);
  std::size_t at = 0;
  for (const RowRange& rows : rows_of_ranks)
    for (const Span& span : column_spans(reduction, rows)) {
      ColumnNode node = tree.fresh(span.first);
      node.span = span;
      for (std::int64_t n = 0; n < lanes_in_node(reduction.fold); ++n) {
        std::vector<std::int64_t>& lanes = node.lanes[index(n)];
        lanes.resize(node.lanes[0].size());  // with room for kernels to read beyond the last column
        std::copy_n(parts.begin() + static_cast<std::ptrdiff_t>(at), columns, lanes.begin());
        at += index(columns);
      }
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
