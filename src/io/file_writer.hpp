#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
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

  /// Called after each piece with the bytes of the call that are written.
  using Progress = std::function<void(std::int64_t bytes_done)>;

  /// Writes all of `bytes` at `offset`. Pages of memory that other ranks filled are mapped first, which doubles the
  /// speed. *Cost*: one copy, in pieces of kPieceBytes. *Throws*, on the calling rank, Error(resources) where the disk
  /// is full or a quota or size limit is reached, else Error(io). A size limit is an error only if SIGXFSZ is ignored:
  /// by default it ends the process.
  void write(std::int64_t offset, std::span<const std::byte> bytes, const Progress& progress = {});

  /// Waits until what was written is on the disk. *Throws* as write() does.
  void sync();

  /// Closes now: network file systems may report a full disk only here. *Throws* as write() does.
  void close();

  static constexpr std::int64_t kPieceBytes = std::int64_t{8} << 20;

 private:
  std::string path_;
  int descriptor_ = -1;
};

/// Maps the pages of `bytes`, which others may have filled, into this process by one system call where the kernel has
/// it, else by reading a byte of each. *Throws*: nothing.
void map_pages(std::span<const std::byte> bytes) noexcept;

}  // namespace windrow::io
