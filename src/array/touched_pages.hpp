#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "array/control.hpp"
#include "base/extents.hpp"

namespace windrow {

/// Which pages of an array's part of a window have been touched, by whichever rank of the node. Touching stores zeros
/// where the kernel has no better way: what may hold values already must not be touched again, and what has not been
/// touched must not be written. A rank touches the bytes of its leases alone, before it writes them, and notes it here
/// before others can get a lease of them; that two ranks touch their parts of one page at once does no harm.
/// A view: the bits live in the window. Ranges are of bytes from the begin of the array's part.
class TouchedPages {
 public:
  explicit TouchedPages(std::span<PageBits> extents) : extents_(extents) {}

  /// Notes that each page with a byte of the range has memory. *Cost*: an atomic operation for 64 pages.
  void add(ByteRange bytes) noexcept;

  /// The first bytes of the range in pages that have not been touched, up to the next that has. *Cost*: a load for 64
  /// pages.
  [[nodiscard]] std::optional<ByteRange> first_gap(ByteRange bytes) const noexcept;

 private:
  [[nodiscard]] std::uint64_t& word_of(std::int64_t page) const;
  [[nodiscard]] std::int64_t find(std::int64_t page, std::int64_t end, bool is_touched) const noexcept;

  std::span<PageBits> extents_;
};

}  // namespace windrow
