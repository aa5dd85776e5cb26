#include "expr/counting.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace windrow::expr {
namespace {

constexpr int kBits = 16;
constexpr std::size_t kTable = std::size_t{1} << kBits;
constexpr std::uint64_t kSign = std::uint64_t{1} << 63;

/// Bits whose order is that of the numbers.
std::uint64_t ordered(double x) {
  const auto bits = std::bit_cast<std::uint64_t>(x + 0.0);  // -0.0 is 0.0
  return (bits & kSign) != 0 ? ~bits : bits | kSign;
}

double number_of(std::uint64_t ordered) {
  return std::bit_cast<double>((ordered & kSign) != 0 ? ordered & ~kSign : ~ordered);
}

}  // namespace

std::int64_t counting_bytes(const Reduction& reduction) {
  const auto tables = static_cast<std::int64_t>(2 * reduction.fractions.size() * kTable);
  return 8 * (2 * reduction.bins + tables + 2);
}

Histogram::Histogram(double low, double high, std::int64_t bins)
    : low_(low == high ? low - 0.5 : low), high_(low == high ? high + 0.5 : high) {
  per_bin_ = static_cast<double>(bins) / (high_ - low_);
  const double step = (high_ - low_) / static_cast<double>(bins);
  for (std::int64_t n = 0; n < bins; ++n) edges_.push_back(static_cast<double>(n) * step + low_);
  edges_.push_back(high_);
  counts_.resize(static_cast<std::size_t>(bins));
}

void Histogram::take(const void* lanes, std::int64_t, std::int64_t count) noexcept {
  const auto* const values = static_cast<const double*>(lanes);
  const std::size_t last = counts_.size() - 1;
  for (std::int64_t n = 0; n < count; ++n) {
    const double x = values[n];
    if (!(low_ <= x && x <= high_)) continue;
    auto bin = std::min(static_cast<std::size_t>((x - low_) * per_bin_), last);
    // Rounding may have moved it by one.
    if (x < edges_[bin]) --bin;
    if (bin < last && x >= edges_[bin + 1]) ++bin;
    counts_[bin] += 1.0;
  }
}

QuantileSearch::QuantileSearch(std::int64_t count, std::vector<double> fractions)
    : count_(count), fractions_(std::move(fractions)) {
  std::vector<std::int64_t> places;
  for (const double fraction : fractions_) {
    const auto below = static_cast<std::int64_t>(std::floor(fraction * static_cast<double>(count_ - 1)));
    places.push_back(below);
    places.push_back(std::min(below + 1, count_ - 1));
  }
  std::sort(places.begin(), places.end());
  places.erase(std::unique(places.begin(), places.end()), places.end());
  for (const std::int64_t place : places) wanted_.push_back({.place = place});
  prepare();
}

void QuantileSearch::prepare() {
  prefixes_.clear();
  for (Wanted& wanted : wanted_) {
    const auto found = std::ranges::find(prefixes_, wanted.bits);
    wanted.table = static_cast<std::size_t>(found - prefixes_.begin());
    if (found == prefixes_.end()) prefixes_.push_back(wanted.bits);
  }
  counts_.assign(prefixes_.size() * kTable + 1, 0.0);
}

void QuantileSearch::take(const void* lanes, std::int64_t, std::int64_t count) noexcept {
  const auto* const values = static_cast<const double*>(lanes);
  const int shift = 64 - kBits - known_;
  for (std::int64_t n = 0; n < count; ++n) {
    if (std::isnan(values[n])) {
      counts_.back() += 1.0;
      continue;
    }
    const std::uint64_t bits = ordered(values[n]);
    const std::uint64_t prefix = known_ == 0 ? 0 : bits >> (64 - known_);
    for (std::size_t table = 0; table < prefixes_.size(); ++table)
      if (prefixes_[table] == prefix) counts_[table * kTable + ((bits >> shift) & (kTable - 1))] += 1.0;
  }
}

bool QuantileSearch::next() {
  has_nan_ = counts_.back() > 0.0;
  if (has_nan_ || count_ == 0) return false;
  for (Wanted& wanted : wanted_) {
    const auto table = counts_.begin() + static_cast<std::ptrdiff_t>(wanted.table * kTable);
    std::uint64_t digit = 0;
    while (wanted.before + static_cast<std::int64_t>(table[static_cast<std::ptrdiff_t>(digit)]) <= wanted.place)
      wanted.before += static_cast<std::int64_t>(table[static_cast<std::ptrdiff_t>(digit++)]);
    wanted.bits = wanted.bits << kBits | digit;
  }
  known_ += kBits;
  if (known_ == 64) return false;
  prepare();
  return true;
}

double QuantileSearch::value_at(std::int64_t place) const {
  return number_of(std::ranges::find(wanted_, place, &Wanted::place)->bits);
}

std::vector<double> QuantileSearch::results() const {
  std::vector<double> results;
  for (const double fraction : fractions_) {
    if (has_nan_ || count_ == 0) {
      results.push_back(std::numeric_limits<double>::quiet_NaN());
      continue;
    }
    const double virtual_place = fraction * static_cast<double>(count_ - 1);
    const auto below = static_cast<std::int64_t>(std::floor(virtual_place));
    const double weight = virtual_place - static_cast<double>(below);
    const double low = value_at(below);
    const double high = value_at(std::min(below + 1, count_ - 1));
    // numpy's interpolation; which takes an element as it is, infinite ones too, where the fraction is a whole number.
    if (weight == 0.0)
      results.push_back(low);
    else
      results.push_back(weight < 0.5 ? low + (high - low) * weight : high - (high - low) * (1.0 - weight));
  }
  return results;
}

}  // namespace windrow::expr
