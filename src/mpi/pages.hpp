#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace windrow {

inline constexpr std::int64_t kPageBytes = 4096;
/// What the kernel can map as one huge page; here called an extent.
inline constexpr std::int64_t kExtentBytes = std::int64_t{2} << 20;

/// How memory is touched for the first time. Every way is a system call that reports shortage; a store would be SIGBUS.
enum class PageMode {
  automatic,  ///< the first of the following that the kernel allows
  collapse,   ///< each 2 MiB becomes a huge page (Linux 6.1)
  populate,   ///< small pages, by madvise(MADV_POPULATE_WRITE) (Linux 5.14)
  read,       ///< small pages, by reading a zero into each: any kernel
};

/// How much memory this rank has touched in which way, in bytes.
struct PageCounts {
  std::int64_t huge = 0;
  std::int64_t populated = 0;
  std::int64_t read = 0;
};

/// "2 MiB pages (all of 480.0 MB)", for the report.
[[nodiscard]] std::string describe(const PageCounts& counts);

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

 private:
  void touch_pages(std::byte* begin, std::byte* end);
  bool make_huge(std::byte* extent);

  PageMode mode_;
  bool is_shared_;
  bool can_collapse_ = true;
  bool can_populate_ = true;
  PageCounts counts_;
};

}  // namespace windrow
