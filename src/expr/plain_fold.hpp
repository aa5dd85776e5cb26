#pragma once

#include <cstdint>

#include "expr/reduction.hpp"

namespace windrow::expr {

/// Folds values whose order does not matter; of argmin and argmax the first place wins.
class PlainFold {
 public:
  explicit PlainFold(const Reduction& reduction);

  /// `count` lanes, for the places from `element` on.
  void take(const void* lanes, std::int64_t element, std::int64_t count);

  /// What another fold of later values has found.
  void join(std::int64_t value, std::int64_t place);

  /// What has been found, as a lane, and where; no place, -1, if nothing has.
  [[nodiscard]] std::int64_t value() const { return value_; }
  [[nodiscard]] std::int64_t place() const { return place_; }
  /// The lane of the result: of argmin and argmax the place.
  [[nodiscard]] std::int64_t result() const;

 private:
  [[nodiscard]] bool is_better(std::int64_t value) const;

  [[nodiscard]] std::int64_t folded(const void* lanes, std::int64_t count) const;

  Fold fold_;
  bool is_float_;
  std::int64_t value_ = 0;
  std::int64_t place_ = -1;
};

}  // namespace windrow::expr
