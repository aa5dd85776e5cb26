#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace windrow::io {

/// A regular file, open for reading.
class FileReader {
 public:
  /// *Throws* Error(io), on the calling rank, for what cannot be opened or is no regular file; never waits, not even
  /// for a FIFO.
  explicit FileReader(const std::string& path);
  FileReader(FileReader&& other) noexcept;
  FileReader& operator=(FileReader&& other) noexcept;
  ~FileReader();

  [[nodiscard]] const std::string& path() const { return path_; }
  /// Size in bytes when it was opened.
  [[nodiscard]] std::int64_t size() const { return size_; }
  /// What its file system likes to read and write at a time.
  [[nodiscard]] std::int64_t block_bytes() const { return block_bytes_; }

  /// Another path to the file that is open, whatever has the first one by now; for this process and its children.
  /// *Throws* Error(io), on the calling rank, if the file has no name any more: then there is none.
  [[nodiscard]] std::string held_path() const;
  /// *Throws* Error(io), on the calling rank, if the file has been changed since it was opened, or its name is another
  /// file's by now. *Cost*: the name is opened anew.
  void check_in_place() const;
  /// *Throws* Error(io), on the calling rank, if somebody has written to the file since it was opened.
  void check_unchanged() const;

  /// XXH3-64 of 64 pieces from all over the file, 64 KiB in all: it tells other contents, but not those that differ in
  /// few places. *Cost*: 64 short reads. *Throws*: as read().
  [[nodiscard]] std::uint64_t sampled_checksum() const;

  /// Fills `bytes` from `offset` on; any number of threads may do so at once. *Throws*, on the calling rank, Error(io),
  /// or Error(verification) where the file ends before.
  void read(std::int64_t offset, std::span<std::byte> bytes) const;

 private:
  std::string path_;
  int descriptor_ = -1;
  std::int64_t size_ = 0;
  std::int64_t block_bytes_ = 0;
  timespec written_ = {};  ///< when somebody last wrote to it, at the time it was opened
};

}  // namespace windrow::io
