#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace windrow {

inline constexpr std::int64_t kPageBytes = 4096;
/// What the kernel can map as one huge page; here called an extent.
inline constexpr std::int64_t kExtentBytes = std::int64_t{2} << 20;

/// How memory is touched for the first time. Every way is a system call that reports shortage; a store would be SIGBUS.
enum class PageMode {
  automatic,  ///< the first of the following that the kernel allows; small pages where huge ones are slower
  collapse,   ///< each 2 MiB becomes a huge page (Linux 6.1)
  populate,   ///< small pages, by madvise(MADV_POPULATE_WRITE) (Linux 5.14)
  read,       ///< small pages, by reading a zero into each: any kernel
};

/// How much memory this rank has touched in which way, in bytes of whole pages. A page that two ranks have touched at
/// once counts for both.
struct PageCounts {
  std::int64_t huge = 0;
  std::int64_t populated = 0;
  std::int64_t read = 0;
};

/// "2 MiB pages (all of 480.0 MB)", for the report.
[[nodiscard]] std::string describe(const PageCounts& counts);

/// Chooses the pages of the next extent by what the last ones have cost. A host that takes free memory back from a
/// virtual machine, 2 MiB at a time, has to provide each huge page anew: that takes several times as long as small
/// pages, which are made of what has been in use.
class PageChoice {
 public:
  /// Whether the next extent is to be a huge page: as long as they are quick; else once in a growing number of extents.
  [[nodiscard]] bool is_huge() const { return small_left_ == 0; }
  void huge_page_took(double seconds);
  void small_pages_took(double seconds);

 private:
  static constexpr int kFirstStretch = 8;
  static constexpr int kLongestStretch = 128;

  double slow_s_ = 0.0;  ///< what the last huge page took, if it was slow and is still to be compared
  int small_left_ = 0;   ///< extents that get small pages before a huge one is tried again
  int stretch_ = kFirstStretch;
};

/// Some of the pages that a rank has touched, spread evenly over all of them.
class PageSample {
 public:
  static constexpr std::size_t kMost = 64;
  static constexpr std::int16_t kUnknown = -1;
  /// NUMA domains by the kernel's numbers, a page each; kUnknown for what is no page and where the kernel does not
  /// tell.
  using Domains = std::array<std::int16_t, kMost>;

  /// The pages of [begin, end) come next. *Cost*: a few instructions, for each page that is taken.
  void add(std::byte* begin, std::byte* end) noexcept;
  [[nodiscard]] std::span<std::byte* const> pages() const { return {pages_.data(), count_}; }
  /// Where the pages lie now. *Cost*: a system call. *Throws*: nothing.
  [[nodiscard]] Domains domains() const noexcept;

 private:
  std::array<std::byte*, kMost> pages_{};
  std::size_t count_ = 0;
  std::int64_t stride_ = 1;  ///< from one page that is taken to the next, in pages
  std::int64_t skip_ = 0;    ///< pages that come before the next that is taken
};

/// Touches memory for the first time, in the way asked for or the next best one that the kernel allows.
class FirstTouch {
 public:
  /// `is_shared`: the memory is a shared mapping, not a process's own.
  FirstTouch(PageMode mode, bool is_shared) : mode_(mode), is_shared_(is_shared) {}

  /// Provides [begin, end), of which this rank alone writes, with memory; `limit` is the end of the mapping. Extents
  /// that begin in the range are made huge pages, also where they reach into the rows of others. Returns how far memory
  /// is provided now: at least to `end`. *Cost*: the pages are zeroed. *Throws*: Error(resources), on the calling rank,
  /// when memory is short.
  std::byte* touch(std::byte* begin, std::byte* end, std::byte* limit);

  [[nodiscard]] const PageCounts& counts() const { return counts_; }
  [[nodiscard]] const PageSample& sample() const { return sample_; }

 private:
  bool touch_extent(std::byte* begin, std::byte* end, bool is_whole);
  void touch_pages(std::byte* begin, std::byte* end);
  bool make_huge(std::byte* extent);

  PageMode mode_;
  bool is_shared_;
  bool can_collapse_ = true;
  bool can_populate_ = true;
  PageChoice choice_;
  PageCounts counts_;
  PageSample sample_;
};

}  // namespace windrow
