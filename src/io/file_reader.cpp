#include "io/file_reader.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/error.hpp"
#include "io/checksums.hpp"

namespace windrow::io {

FileReader::FileReader(const std::string& path) : path_(path) {
  descriptor_ = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (descriptor_ < 0) throw Error(ExitStatus::io, "cannot open {}: {}", path, errno_text(errno));
  struct stat status {};
  const bool known = fstat(descriptor_, &status) == 0;
  const int error_number = errno;
  if (known && S_ISREG(status.st_mode)) {
    size_ = status.st_size;
    block_bytes_ = status.st_blksize;
    written_ = status.st_mtim;
    return;
  }
  close(descriptor_);
  if (!known) throw Error(ExitStatus::io, "cannot read {}: {}", path, errno_text(error_number));
  throw Error(ExitStatus::io, "cannot read {}: it is {}", path,
              S_ISDIR(status.st_mode) ? "a directory" : "not a regular file");
}

FileReader::FileReader(FileReader&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      size_(other.size_),
      block_bytes_(other.block_bytes_),
      written_(other.written_) {}

FileReader& FileReader::operator=(FileReader&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(descriptor_, other.descriptor_);
  std::swap(size_, other.size_);
  std::swap(block_bytes_, other.block_bytes_);
  std::swap(written_, other.written_);
  return *this;
}

FileReader::~FileReader() {
  if (descriptor_ >= 0) close(descriptor_);
}

std::string FileReader::held_path() const {
  struct stat now {};
  if (fstat(descriptor_, &now) == 0 && now.st_nlink == 0)
    throw Error(ExitStatus::io, "somebody has removed or replaced {} while it was read", path_);
  return fmt::format("/proc/self/fd/{}", descriptor_);
}

void FileReader::check_in_place() const {
  // Number and device of a file are compared by the process that holds it alone: hosts may have different ones of a
  // file that they share, and copies of their own. And its name is opened, since a network file system may answer
  // stat() from what it remembers, but asks its server when a file is opened.
  struct stat held {};
  struct stat now {};
  const bool is_there = [&] {
    try {
      return fstat(FileReader(path_).descriptor_, &now) == 0;
    } catch (const Error&) {
      return false;
    }
  }();
  if (is_there && fstat(descriptor_, &held) == 0 && held.st_ino == now.st_ino && held.st_dev == now.st_dev)
    return check_unchanged();
  throw Error(ExitStatus::io,
              "somebody has removed or replaced {} while the run began: its ranks may have opened different files\n"
              "  try: again",
              path_);
}

void FileReader::check_unchanged() const {
  struct stat now {};
  if (fstat(descriptor_, &now) == 0 && now.st_size == size_ && now.st_mtim.tv_sec == written_.tv_sec &&
      now.st_mtim.tv_nsec == written_.tv_nsec)
    return;
  throw Error(ExitStatus::io, "{} has changed while it was read", path_);
}

std::uint64_t FileReader::sampled_checksum() const {
  constexpr std::int64_t pieces = 64;
  constexpr std::int64_t piece_bytes = 1024;
  std::array<std::byte, pieces * piece_bytes> bytes;
  const std::int64_t length = std::min<std::int64_t>(size_, bytes.size());
  // Of a small file all; else the first piece is its beginning and the last one its end.
  if (size_ == length) {
    read(0, std::span(bytes).first(static_cast<std::size_t>(length)));
  } else {
    const std::int64_t step = (size_ - piece_bytes) / (pieces - 1);
    for (std::int64_t n = 0; n < pieces; ++n)
      read(n == pieces - 1 ? size_ - piece_bytes : n * step,
           std::span(bytes).subspan(static_cast<std::size_t>(n * piece_bytes), static_cast<std::size_t>(piece_bytes)));
  }
  return checksum(std::span(bytes).first(static_cast<std::size_t>(length)));
}

void FileReader::read(std::int64_t offset, std::span<std::byte> bytes) const {
  while (!bytes.empty()) {
    const ssize_t got = pread(descriptor_, bytes.data(), bytes.size(), offset);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw Error(ExitStatus::io, "cannot read {} at byte {}: {}", path_, offset, errno_text(errno));
    if (got == 0) throw Error(ExitStatus::verification, "{} ends at byte {} while it is being read", path_, offset);
    offset += got;
    bytes = bytes.subspan(static_cast<std::size_t>(got));
  }
}

}  // namespace windrow::io
