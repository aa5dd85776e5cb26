#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/extents.hpp"
#include "mpi/shared_window.hpp"

namespace windrow {

/// The ranges sorted, those that meet or overlap as one.
[[nodiscard]] std::vector<ByteRange> merged(std::vector<ByteRange> ranges);

/// This rank's mapping of the arrays in a window, closed but for what it has opened since the last close_all().
///
/// Pages are shared by rows of several ranks. Where a range to be written ends within a page, this rank gets a copy of
/// the page: close_all() puts back what the rank may write of it, and finds a store to anything else.
class GuardedPages {
 public:
  /// Closes the bytes from `begin`, at a page, to the end of the window. `ranks` is how many share the window: without
  /// an alias a page is watched in place by a single rank, and not at all by several.
  GuardedPages(SharedWindow& window, std::int64_t begin, int ranks);
  GuardedPages(const GuardedPages&) = delete;
  GuardedPages& operator=(const GuardedPages&) = delete;
  /// Opens all for ever; what copies of pages hold is lost.
  ~GuardedPages();

  /// Lets system calls write to the range, for its first touch; lock() takes that back. *Throws*, as all that follow:
  /// Error(resources) when the kernel cannot keep so many pieces of memory apart.
  void unlock(ByteRange bytes);
  void lock(ByteRange bytes);

  void open_for_reading(ByteRange bytes);
  /// Of memory that has been touched. *Cost*: two pages are copied at most.
  void open_for_writing(ByteRange bytes);

  /// Returns the first byte that was written without having been opened for it, if a copy shows one.
  [[nodiscard]] std::optional<std::int64_t> close_all();

 private:
  enum class State : std::uint8_t { closed, readable, writable, bordering };
  enum class Borders : std::uint8_t { copied, watched, open };
  /// A page of which this rank may write a part.
  struct Border {
    std::int64_t page = 0;  ///< offset in the window
    std::vector<std::byte> before;
    std::vector<ByteRange> own;
  };

  [[nodiscard]] std::byte* at(std::int64_t offset) const { return window_->data() + offset; }
  [[nodiscard]] State& state(std::int64_t page) {
    return states_[static_cast<std::size_t>((page - begin_) / kPageBytes)];
  }
  /// Calls `function` for each run of pages of the range that are in the same state.
  template <typename Function>
  void for_each_run(ByteRange bytes, const Function& function);
  void open_border(std::int64_t page, ByteRange bytes);
  [[nodiscard]] std::optional<std::int64_t> foreign_change(const Border& border) const;
  void put_back(const Border& border);

  SharedWindow* window_;
  std::int64_t begin_;
  std::int64_t end_;
  Borders borders_;
  std::vector<State> states_;  ///< a page each
  std::vector<Border> bordering_;
};

}  // namespace windrow
