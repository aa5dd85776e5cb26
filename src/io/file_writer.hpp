#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "base/error.hpp"
#include "base/units.hpp"

namespace windrow::io {

/// What a failed write, with this errno, tells the shell: resources where the disk is full or a quota or size limit is
/// reached, else io.
[[nodiscard]] ExitStatus status_of_failed_write(int error_number) noexcept;

/// An existing file, open for writing at offsets; several processes on several nodes write theirs at once.
class FileWriter {
 public:
  /// *Throws* Error(io), on the calling rank.
  explicit FileWriter(const std::string& path);
  FileWriter(FileWriter&& other) noexcept;
  FileWriter& operator=(FileWriter&& other) noexcept;
  ~FileWriter();

  /// Called after each piece with the bytes of the call that are written.
  using Progress = std::function<void(std::int64_t bytes_done)>;

  /// Writes all of `bytes` at `offset`. Pages of memory that other ranks filled are mapped first, which doubles the
  /// speed. *Cost*: one copy, in pieces of kPieceBytes. *Throws*, on the calling rank, Error(resources) where the disk
  /// is full or a quota or size limit is reached, else Error(io). A size limit is an error only if SIGXFSZ is ignored:
  /// by default it ends the process.
  void write(std::int64_t offset, std::span<const std::byte> bytes, const Progress& progress = {});

  /// Has the file system find room for bytes that are going to be written, all at once: writing them is quicker by a
  /// tenth. Where that is impossible nothing happens, and write() tells why. *Throws*: nothing.
  void reserve(std::int64_t offset, std::int64_t bytes) noexcept;

  /// Has what was written there begin its way to the disk, so that sync() has less to wait for. *Throws*: nothing.
  void start_sync(std::int64_t offset, std::int64_t bytes) noexcept;

  /// Waits until what was written is on the disk. *Throws* as write() does.
  void sync();

  /// Closes now: network file systems may report a full disk only here. *Throws* as write() does.
  void close();

  /// What has been written is still in the second-level cache for the piece's checksum.
  static constexpr std::int64_t kPieceBytes = kMiB;

 private:
  std::string path_;
  int descriptor_ = -1;
};

/// Maps the pages of `bytes`, which others may have filled, into this process by one system call where the kernel has
/// it, else by reading a byte of each. *Throws*: nothing.
void map_pages(std::span<const std::byte> bytes) noexcept;

}  // namespace windrow::io
