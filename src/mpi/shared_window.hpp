#pragma once

#include <mpi.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "mpi/pages.hpp"
#include "mpi/topology.hpp"

namespace windrow {

/// The one shared window of a node: allocated by its leader with MPI_Win_allocate_shared, seen by each of its ranks
/// through an alias, a second mapping of the same memory whose 2 MiB extents are those of the file behind it.
class SharedWindow {
 public:
  struct Options {
    std::int64_t bytes = 0;          ///< of this node; rounded up to pages by the caller's layout
    std::int64_t control_bytes = 0;  ///< the first of them are zeroed and touched before the constructor returns
    PageMode pages = PageMode::automatic;
  };

  /// *Collective over* `node`. If MPI refuses to allocate on some ranks and keeps the others waiting, the run is
  /// aborted with status 3. *Throws*: the same Error on all ranks of the node.
  SharedWindow(const NodeComm& node, const Options& options);
  SharedWindow(const SharedWindow&) = delete;
  SharedWindow& operator=(const SharedWindow&) = delete;
  /// Unmaps the alias and frees the window. *Collective over* the node, unless an exception is on its way: then MPI is
  /// left with the window.
  ~SharedWindow();

  /// Through the alias; begins at an extent if the window is that large.
  [[nodiscard]] std::span<std::byte> bytes() const { return {data_, static_cast<std::size_t>(bytes_)}; }
  [[nodiscard]] std::byte* data() const { return data_; }
  /// The same bytes in the mapping that MPI made; data() where there is no alias.
  [[nodiscard]] std::byte* mpi_data() const { return mpi_data_; }

  /// Provides the bytes [begin, end) with memory, before this rank's first store there, and returns how far memory is
  /// provided now: an extent that begins in the range is provided whole. *Throws*: Error(resources), on the calling
  /// rank.
  std::int64_t touch(std::int64_t begin, std::int64_t end) {
    return first_touch_.touch(data_ + begin, data_ + end, data_ + bytes_) - data_;
  }

  /// Whether this rank works through an alias, not through the mapping that MPI made.
  [[nodiscard]] bool has_alias() const { return alias_ != nullptr; }
  [[nodiscard]] const PageCounts& pages() const { return first_touch_.counts(); }
  /// Some of the pages that this rank was the first to touch.
  [[nodiscard]] const PageSample& page_sample() const { return first_touch_.sample(); }

  /// What is asked of MPI for a window of so many bytes: room to align them, and for MPI's own words.
  [[nodiscard]] static std::int64_t requested_bytes(std::int64_t bytes);
  /// What must be free for it in the folder of shared windows: Open MPI wants a twentieth more than it takes.
  [[nodiscard]] static std::int64_t free_bytes_wanted(std::int64_t bytes);

  /// The size at which the layout of a window begins to care for extents.
  static constexpr std::int64_t kHugeFrom = kExtentBytes;

 private:
  struct Place;
  [[nodiscard]] Place find_place(const NodeComm& node, const void* base) const;
  void map_alias(const Place& place);
  void release() noexcept;

  std::int64_t bytes_;
  MPI_Win window_ = MPI_WIN_NULL;
  void* alias_ = nullptr;
  std::size_t alias_bytes_ = 0;
  std::byte* data_ = nullptr;
  std::byte* mpi_data_ = nullptr;
  FirstTouch first_touch_;
};

}  // namespace windrow
