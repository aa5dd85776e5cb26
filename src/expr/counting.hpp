#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "expr/evaluator.hpp"
#include "expr/reduction.hpp"

namespace windrow::expr {

/// Memory of what counts for a histogram or a quantile, in bytes, at most.
[[nodiscard]] std::int64_t counting_bytes(const Reduction& reduction);

/// Counts the values of a histogram as numpy does: bin k holds edge k <= x < edge k+1, the last one its upper edge too;
/// the edges are those of linspace. What is outside, or NaN, is not counted.
class Histogram final : public Sink {
 public:
  /// Of float64 lanes. Where `low` is `high`, the range is half a unit more at both ends.
  Histogram(double low, double high, std::int64_t bins);

  void take(const void* lanes, std::int64_t element, std::int64_t count) noexcept override;

  /// Whole numbers as float64, exact up to 2^53: the counts of all ranks are the sums of these.
  [[nodiscard]] std::span<double> counts() { return counts_; }

 private:
  double low_;
  double high_;
  double per_bin_;  ///< bins for a unit
  std::vector<double> edges_;
  std::vector<double> counts_;
};

/// Finds quantiles exactly, by counting: each pass over the values finds 16 more bits of every value that is looked
/// for, in an order of the bits that is that of the numbers. At most four passes, whatever the number of values.
class QuantileSearch final : public Sink {
 public:
  /// Of `count` float64 lanes; `fractions` from 0 to 1.
  QuantileSearch(std::int64_t count, std::vector<double> fractions);

  void take(const void* lanes, std::int64_t element, std::int64_t count) noexcept override;

  /// The counts of a pass: those of all ranks are the sums of these.
  [[nodiscard]] std::span<double> counts() { return counts_; }
  /// Ends a pass over the values of all ranks. Returns whether another one is needed.
  [[nodiscard]] bool next();
  /// numpy's default: linear between the two nearest values; NaN if one of the values is.
  [[nodiscard]] std::vector<double> results() const;

 private:
  struct Wanted {
    std::int64_t place = 0;   ///< in the order of all values
    std::uint64_t bits = 0;   ///< the leading ones, as far as they are known
    std::int64_t before = 0;  ///< how many values come before those that begin so
    std::size_t table = 0;    ///< of its counts
  };

  void prepare();
  [[nodiscard]] double value_at(std::int64_t place) const;

  std::int64_t count_;
  std::vector<double> fractions_;
  std::vector<Wanted> wanted_;
  std::vector<std::uint64_t> prefixes_;  ///< one for each table
  int known_ = 0;                        ///< bits
  bool has_nan_ = false;
  std::vector<double> counts_;  ///< the tables, then the number of NaN
};

}  // namespace windrow::expr
