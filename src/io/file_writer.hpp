#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/error.hpp"

namespace windrow::io {

/// What a failed write, with this errno, tells the shell: resources where disk or memory are short or a quota or size
/// limit is reached, else io.
[[nodiscard]] ExitStatus status_of_failed_write(int error_number) noexcept;

/// Throws the error of a call on the file at `path` that has failed with this errno, naming the output that the file
/// is a temporary of, what is free there and what helps. `more` is told behind the reason.
[[noreturn]] void throw_failed_write(const std::string& path, int error_number, const std::string& more = "");

/// Waits until what was written to an open file is on the disk, in steps that let a signal be handled in between.
/// *Throws*: as throw_failed_write(), on the calling rank.
void sync_to_disk(int descriptor, const std::string& path);

/// An existing file, open for writing at offsets; several processes on several nodes write theirs at once.
class FileWriter {
 public:
  /// *Throws* Error(io), on the calling rank.
  explicit FileWriter(const std::string& path);
  FileWriter(FileWriter&& other) noexcept;
  FileWriter& operator=(FileWriter&& other) noexcept;
  ~FileWriter();

  /// Writes all of `bytes` at `offset`. *Cost*: one copy. *Throws*: as throw_failed_write(), on the calling rank. A
  /// size limit is an error only if SIGXFSZ is ignored: by default it ends the process.
  void write(std::int64_t offset, std::span<const std::byte> bytes);

  /// Has the file system find room for the first `bytes` of the file, whose size stays: nobody else can take it, and
  /// writing is quicker by a tenth. Nothing happens where a file system cannot do that. *Throws*, on the calling rank:
  /// Error(resources) if there is no room.
  void reserve(std::int64_t bytes);

  /// Ends the file after so many bytes, and gives back the room that is reserved behind. *Throws* as write() does.
  void cut(std::int64_t bytes);

  /// Has what was written there begin its way to the disk, so that sync() has less to wait for. *Throws* as
  /// write() does.
  void start_sync(std::int64_t offset, std::int64_t bytes);

  /// Waits until what was written is on the disk. *Throws* as write() does.
  void sync();

  /// Closes now: network file systems may report a full disk only here. *Throws* as write() does.
  void close();

 private:
  std::string path_;
  int descriptor_ = -1;
};

/// Maps the pages of `bytes`, which others may have filled, into this process by one system call, where the kernel has
/// it: writing them is twice as quick then. Returns whether all are mapped; what cannot be had is for write() to
/// report. *Throws*: nothing.
bool map_pages(std::span<const std::byte> bytes) noexcept;

}  // namespace windrow::io
