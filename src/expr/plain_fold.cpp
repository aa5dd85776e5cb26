#include "expr/plain_fold.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "expr/lanes.hpp"
#include "kernel/kernels.hpp"

namespace windrow::expr {

PlainFold::PlainFold(const Reduction& reduction) : fold_(reduction.fold), is_float_(is_float(reduction.type)) {
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

void PlainFold::take(const void* lanes, std::int64_t element, std::int64_t count) {
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

void PlainFold::join(std::int64_t value, std::int64_t place) {
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

std::int64_t PlainFold::result() const {
  if (fold_ == Fold::argmin || fold_ == Fold::argmax) return place_;
  // Of 0.0 and -0.0 either may have been found.
  return is_float_ ? lane(number(value_) + 0.0) : value_;
}

bool PlainFold::is_better(std::int64_t value) const {
  const bool is_least = fold_ == Fold::argmin;
  if (!is_float_) return is_least ? value < value_ : value > value_;
  if (std::isnan(number(value_))) return false;
  return std::isnan(number(value)) || (is_least ? number(value) < number(value_) : number(value) > number(value_));
}

std::int64_t PlainFold::folded(const void* lanes, std::int64_t count) const {
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

}  // namespace windrow::expr
