#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/error.hpp"

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

  /// Writes all of `bytes` at `offset`. *Cost*: one copy. *Throws*, on the calling rank, Error(resources) where the
  /// disk is full or a quota or size limit is reached, else Error(io). A size limit is an error only if SIGXFSZ is
  /// ignored: by default it ends the process.
  void write(std::int64_t offset, std::span<const std::byte> bytes);

  /// Has the file system find room for the first `bytes` of the file, whose size stays: nobody else can take it, and
  /// writing is quicker by a tenth. Nothing happens where a file system cannot do that. *Throws*, on the calling rank:
  /// Error(resources) if there is no room.
  void reserve(std::int64_t bytes);

  /// Ends the file after so many bytes, and gives back the room that is reserved behind. *Throws* as write() does.
  void cut(std::int64_t bytes);

  /// Has what was written there begin its way to the disk, so that sync() has less to wait for. *Throws*: nothing.
  void start_sync(std::int64_t offset, std::int64_t bytes) noexcept;

  /// Waits until what was written is on the disk. *Throws* as write() does.
  void sync();

  /// Closes now: network file systems may report a full disk only here. *Throws* as write() does.
  void close();

 private:
  std::string path_;
  int descriptor_ = -1;
};

/// Maps the pages of `bytes`, which others may have filled, into this process by one system call where the kernel has
/// it, else by reading a byte of each: writing them is twice as quick then. *Throws*: nothing.
void map_pages(std::span<const std::byte> bytes) noexcept;

}  // namespace windrow::io
