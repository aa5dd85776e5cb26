#include <algorithm>
#include <limits>
#include <optional>
#include <vector>

#include "deck/reader.hpp"

namespace windrow::deck {
namespace {

// A longer word is a mistake of another kind than a slip of the finger.
constexpr std::size_t kLongestWord = 64;

char folded(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// Damerau-Levenshtein distance (optimal string alignment): insertions, deletions, substitutions and swaps of
// neighbours. F. J. Damerau, Commun. ACM 7 (1964) 171. Capitals count as small letters.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const char x = folded(a[i - 1]);
      const char y = folded(b[j - 1]);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (x == y ? 0U : 1U)});
      const bool swapped = i > 1 && j > 1 && x == folded(b[j - 2]) && folded(a[i - 2]) == y;
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

// The distance of two words that may be meant for each other: about one slip in two letters, three at most.
std::optional<std::size_t> near_distance(std::string_view a, std::string_view b) {
  if (a.size() > kLongestWord || b.size() > kLongestWord) return std::nullopt;
  const std::size_t slips = distance(a, b);
  const std::size_t most = std::clamp<std::size_t>(std::min(a.size(), b.size()) / 2, 1, 3);
  const bool nothing_in_common = slips >= std::max(a.size(), b.size());
  if (slips > most || nothing_in_common) return std::nullopt;
  return slips;
}

std::vector<std::string_view> segments_of(std::string_view name) {
  std::vector<std::string_view> segments;
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t end = std::min(name.find('.', begin), name.size());
    segments.push_back(name.substr(begin, end - begin));
    begin = end + 1;
  }
  return segments;
}

std::optional<std::size_t> near_name(std::string_view word, std::string_view candidate) {
  const auto a = segments_of(word);
  const auto b = segments_of(candidate);
  bool all_near = a.size() == b.size();
  std::size_t slips = 0;
  for (std::size_t i = 0; all_near && i < a.size(); ++i) {
    const auto segment = near_distance(a[i], b[i]);
    all_near = segment.has_value();
    slips += segment.value_or(0);
  }
  if (all_near) return slips;
  // The right key in a wrong section: one mistake more.
  const bool is_dotted = a.size() > 1 || b.size() > 1;
  const auto last = is_dotted ? near_distance(a.back(), b.back()) : std::nullopt;
  if (!last) return std::nullopt;
  return *last + 1;
}

}  // namespace

std::string nearest(std::string_view word, std::span<const std::string> known) {
  std::string best;
  std::size_t least = std::numeric_limits<std::size_t>::max();
  for (const std::string& candidate : known) {
    const auto slips = near_name(word, candidate);
    if (!slips || *slips >= least) continue;
    least = *slips;
    best = candidate;
  }
  return best;
}

}  // namespace windrow::deck
