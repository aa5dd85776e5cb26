#include "mpi/pages.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "base/units.hpp"
#include "mpi/launcher.hpp"

namespace windrow {
namespace {

// Of Linux 5.14 and 6.1; the C library's headers may be older than the kernel.
constexpr int kMadvPopulateWrite = 23;
constexpr int kMadvCollapse = 25;

std::byte* round_down_to(std::byte* address, std::int64_t unit) {
  return address - reinterpret_cast<std::uintptr_t>(address) % static_cast<std::uintptr_t>(unit);
}

std::byte* round_up_to(std::byte* address, std::int64_t unit) {
  return round_down_to(address + (unit - 1), unit);
}

/// The memory was there when the run began: others have taken it since.
[[noreturn]] void throw_shortage(std::byte* begin, std::byte* end, bool is_shared) {
  const std::int64_t bytes = round_up_to(end, kPageBytes) - round_down_to(begin, kPageBytes);
  if (!is_shared)
    throw Error(ExitStatus::resources,
                "memory ran out while the array was touched for the first time: the next {} are not to be had on this "
                "host\n  try: again when other programs have ended, more nodes, or a smaller type or array",
                format_bytes(bytes));
  const std::string folder = shared_memory_folder();
  throw Error(ExitStatus::resources,
              "shared memory ran out while the array was touched for the first time: the next {} are not to be had in "
              "{}, which has {} free\n"
              "  try: free what other programs hold there (`ls -l {}`), --shm-dir with another tmpfs, more nodes, or a "
              "smaller type or array",
              format_bytes(bytes), folder, format_bytes(free_bytes_in(folder)), folder);
}

bool is_shortage(int error_number) {
  return error_number == EFAULT || error_number == ENOMEM || error_number == EHWPOISON;
}

/// Reads a zero into the first byte of each page of [begin, end): where a store would raise SIGBUS, read() fails.
void read_zeros(std::byte* begin, std::byte* end, bool is_shared) {
  const int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
  if (zero < 0) throw Error(ExitStatus::resources, "/dev/zero: {}", errno_text(errno));
  std::array<iovec, 512> bytes{};
  ssize_t got = 1;
  for (std::byte* next = begin; next < end && got > 0;) {
    std::byte* piece = next;
    int count = 0;
    while (piece < end && count < static_cast<int>(bytes.size())) {
      bytes[static_cast<std::size_t>(count++)] = {piece, 1};
      piece = round_down_to(piece, kPageBytes) + kPageBytes;
    }
    do got = readv(zero, bytes.data(), count);
    while (got < 0 && errno == EINTR);
    // A signal may have cut it short: only a call that does not even reach its first page has found no memory.
    if (got > 0) next = round_down_to(next, kPageBytes) + got * kPageBytes;
  }
  close(zero);
  if (got <= 0) throw_shortage(begin, end, is_shared);
}

}  // namespace

std::string describe(const PageCounts& counts) {
  std::string text;
  const auto add = [&](std::int64_t bytes, std::string_view way) {
    if (bytes != 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", format_bytes(bytes), way);
  };
  add(counts.huge, "in 2 MiB pages");
  add(counts.populated, "in 4 KiB pages (populated)");
  add(counts.read, "in 4 KiB pages (read)");
  return text.empty() ? "none touched" : text;
}

void PageSample::add(std::byte* begin, std::byte* end) noexcept {
  std::byte* const first = round_down_to(begin, kPageBytes);
  const std::int64_t pages = (round_up_to(end, kPageBytes) - first) / kPageBytes;
  std::int64_t page = skip_;
  for (; page < pages; page += stride_) {
    if (count_ == kMost) {
      // From here on every second one, as of those before.
      for (std::size_t n = 0; n < kMost / 2; ++n) pages_[n] = pages_[2 * n];
      count_ = kMost / 2;
      stride_ *= 2;
    }
    pages_[count_++] = first + page * kPageBytes;
  }
  skip_ = page - pages;
}

PageSample::Domains PageSample::domains() const noexcept {
  Domains domains;
  domains.fill(kUnknown);
  std::array<void*, kMost> addresses{};
  std::array<int, kMost> found{};
  std::ranges::copy(pages(), addresses.begin());
  // Asked for no domain to move to, the kernel tells where each page is. The C library has no name for the call.
  if (count_ > 0 && syscall(SYS_move_pages, 0, count_, addresses.data(), nullptr, found.data(), 0) == 0)
    for (std::size_t n = 0; n < count_; ++n) domains[n] = static_cast<std::int16_t>(std::max<int>(found[n], kUnknown));
  return domains;
}

std::byte* FirstTouch::touch(std::byte* begin, std::byte* end, std::byte* limit) {
  if (begin >= end) return end;
  std::byte* const first_extent = std::min(round_up_to(begin, kExtentBytes), end);
  touch_pages(begin, first_extent);
  std::byte* provided = first_extent;
  while (provided < end) {
    std::byte* const next = provided + kExtentBytes;
    provided = touch_extent(provided, std::min(next, end), next <= limit) ? next : std::min(next, end);
  }
  sample_.add(begin, provided);
  return provided;
}

/// Touches [begin, end) of the extent at `begin`; true if all of it is a huge page now.
bool FirstTouch::touch_extent(std::byte* begin, std::byte* end, bool is_whole) {
  using Clock = std::chrono::steady_clock;
  const auto seconds_since = [](Clock::time_point then) {
    return std::chrono::duration<double>(Clock::now() - then).count();
  };
  const Clock::time_point start = Clock::now();
  if (is_whole && (mode_ != PageMode::automatic || choice_.is_huge()) && make_huge(begin)) {
    choice_.huge_page_took(seconds_since(start));
    counts_.huge += kExtentBytes;
    return true;
  }
  touch_pages(begin, end);
  if (end - begin == kExtentBytes) choice_.small_pages_took(seconds_since(start));
  return false;
}

void PageChoice::huge_page_took(double seconds) {
  // 2 GB/s: on no machine seen do small pages come faster.
  constexpr double quick_s = 0.001;
  slow_s_ = seconds > quick_s ? seconds : 0.0;
  if (slow_s_ > 0.0) {
    small_left_ = 1;
  } else {
    stretch_ = kFirstStretch;
  }
}

void PageChoice::small_pages_took(double seconds) {
  if (small_left_ > 0) --small_left_;
  if (slow_s_ > seconds) {
    small_left_ = stretch_;
    stretch_ = std::min(2 * stretch_, kLongestStretch);
  }
  slow_s_ = 0.0;
}

bool FirstTouch::make_huge(std::byte* extent) {
  const bool wants_huge = mode_ == PageMode::automatic || mode_ == PageMode::collapse;
  if (!wants_huge || !can_collapse_) return false;
  if (!is_shared_) {
    // A process's own memory becomes a huge page at its first touch, if it is told beforehand.
    if (madvise(extent, kExtentBytes, MADV_HUGEPAGE) != 0) return can_collapse_ = false;
    return can_populate_ && madvise(extent, kExtentBytes, kMadvPopulateWrite) == 0;
  }
  // An empty extent cannot be collapsed: one page first, by the way that reports shortage.
  const PageCounts before = counts_;
  touch_pages(extent, extent + 1);
  counts_ = before;
  if (madvise(extent, kExtentBytes, kMadvCollapse) == 0) return true;
  // A neighbour was at work in this extent: once more, then leave it as it is.
  if (errno == EAGAIN) return madvise(extent, kExtentBytes, kMadvCollapse) == 0;
  // EINVAL: the kernel does not know the advice, or forbids huge pages to this process. Else: this extent alone.
  if (errno == EINVAL) can_collapse_ = false;
  return false;
}

void FirstTouch::touch_pages(std::byte* begin, std::byte* end) {
  if (begin >= end) return;
  std::byte* const first = round_down_to(begin, kPageBytes);
  const std::int64_t bytes = round_up_to(end, kPageBytes) - first;
  if (mode_ != PageMode::read && can_populate_) {
    int result = 0;
    do result = madvise(first, static_cast<std::size_t>(bytes), kMadvPopulateWrite);
    while (result != 0 && errno == EINTR);
    if (result == 0) {
      counts_.populated += bytes;
      return;
    }
    if (is_shortage(errno)) throw_shortage(begin, end, is_shared_);
    can_populate_ = false;
  }
  read_zeros(begin, end, is_shared_);
  counts_.read += bytes;
}

}  // namespace windrow
