#include "expr/block_tree.hpp"

#include <algorithm>
#include <bit>

#include "expr/lanes.hpp"
#include "kernel/kernels.hpp"

namespace windrow::expr {
namespace {

/// The deviation with another middle.
Partial moved(const Partial& from, double count, double middle) {
  const double apart = from.value - middle;
  return {middle, from.rest + count * apart, from.squares + apart * (2.0 * from.rest + count * apart)};
}

/// The squares about the mean itself are less than those about a middle beside it.
double squares_about_mean(const Partial& partial, double count) {
  return partial.squares - partial.rest * (partial.rest / count);
}

}  // namespace

bool has_any_order(const Reduction& reduction) {
  if (!is_float(reduction.type)) return reduction.fold != Fold::deviation;
  return reduction.fold != Fold::sum && reduction.fold != Fold::product && reduction.fold != Fold::deviation;
}

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

std::int64_t result_of(Fold fold, const Partial& partial, std::int64_t count) {
  return lane(fold == Fold::deviation ? squares_about_mean(partial, static_cast<double>(count)) : partial.value);
}

void BlockTree::take(const double* values, std::int64_t count) {
  while (count > 0) {
    const std::int64_t to_border = kFoldBlock - position_ % kFoldBlock;
    if (to_border == kFoldBlock && count >= kFoldBlock) {
      push({position_ / kFoldBlock, 0}, folded(values, kFoldBlock));
      position_ += kFoldBlock;
      values += kFoldBlock;
      count -= kFoldBlock;
      continue;
    }
    const std::int64_t taken = std::min(count, to_border);
    std::copy_n(values, taken, kept_.begin() + kept_count_);
    kept_count_ += taken;
    position_ += taken;
    values += taken;
    count -= taken;
    if (position_ % kFoldBlock == 0) close_block();
  }
}

void BlockTree::take_folded(const double* numbers, std::int64_t blocks) {
  for (std::int64_t block = 0; block < blocks; ++block, position_ += kFoldBlock) {
    Partial partial{.value = *numbers++};
    if (fold_ == Fold::deviation) {
      partial.rest = *numbers++;
      partial.squares = *numbers++;
    }
    push({position_ / kFoldBlock, 0}, partial);
  }
}

void BlockTree::take(const Span& span, const Partial& partial) {
  push(span, partial);
  position_ = span.end() * kFoldBlock;
}

Partial BlockTree::result() {
  if (kept_count_ > 0) push({position_ / kFoldBlock, 0}, folded_rest());
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

std::vector<std::int64_t> BlockTree::part() const {
  std::vector<std::int64_t> lanes;
  for (const double value : head_) lanes.push_back(lane(value));
  for (const Node& node : nodes_) {
    const std::array numbers{node.partial.value, node.partial.rest, node.partial.squares};
    for (std::int64_t n = 0; n < numbers_in_partial(fold_); ++n) lanes.push_back(lane(numbers[index(n)]));
  }
  for (std::int64_t n = 0; n < kept_count_; ++n) lanes.push_back(lane(kept_[index(n)]));
  return lanes;
}

void BlockTree::close_block() {
  if (kept_count_ == kFoldBlock) {
    push({position_ / kFoldBlock - 1, 0}, folded(kept_.data(), kFoldBlock));
  } else {
    head_.assign(kept_.begin(), kept_.begin() + kept_count_);
  }
  kept_count_ = 0;
}

double BlockTree::count_of(const Span& span) const {
  return static_cast<double>(std::min(span.end() * kFoldBlock, total_) - span.first * kFoldBlock);
}

void BlockTree::push(Span span, Partial partial) {
  while (!nodes_.empty() && nodes_.back().span.is_left_of(span)) {
    const Node& left = nodes_.back();
    partial = joined(fold_, left.partial, count_of(left.span), partial, count_of(span));
    span = {left.span.first, span.level + 1};
    nodes_.pop_back();
  }
  nodes_.push_back({span, partial});
}

Partial BlockTree::folded(const double* values, std::int64_t count) const {
  const kernel::Kernels& kernels = kernel::kernels();
  if (fold_ == Fold::product) return {.value = kernels.product(values, count)};
  if (fold_ == Fold::sum) return {.value = kernels.sum(values, count)};
  const double middle = kernels.sum(values, kFoldLanes) / double{kFoldLanes};
  const kernel::Deviation deviation = kernels.deviation(values, count, middle);
  return {middle, deviation.rest, deviation.squares};
}

Partial BlockTree::folded_rest() {
  const std::int64_t padded = (kept_count_ + kFoldLanes - 1) / kFoldLanes * kFoldLanes;
  const auto pad = [&](double neutral) { std::fill(kept_.begin() + kept_count_, kept_.begin() + padded, neutral); };
  const auto first_count = static_cast<double>(std::min(kept_count_, kFoldLanes));
  const kernel::Kernels& kernels = kernel::kernels();
  pad(fold_ == Fold::product ? 1.0 : -0.0);
  if (fold_ == Fold::product) return {.value = kernels.product(kept_.data(), padded)};
  if (fold_ == Fold::sum) return {.value = kernels.sum(kept_.data(), padded)};
  const double middle = kernels.sum(kept_.data(), kFoldLanes) / first_count;
  pad(middle);
  const kernel::Deviation deviation = kernels.deviation(kept_.data(), padded, middle);
  return {middle, deviation.rest, deviation.squares};
}

}  // namespace windrow::expr
