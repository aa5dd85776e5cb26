#include "io/file_writer.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <utility>

#include "base/units.hpp"

namespace windrow::io {
namespace {

#ifdef MADV_POPULATE_READ
constexpr int kPopulateRead = MADV_POPULATE_READ;
#else
constexpr int kPopulateRead = 22;  // Linux 5.14; the C library's headers may be older than the kernel
#endif

}  // namespace

ExitStatus status_of_failed_write(int error_number) noexcept {
  const bool shortage = error_number == ENOSPC || error_number == EDQUOT || error_number == EFBIG;
  return shortage ? ExitStatus::resources : ExitStatus::io;
}

void map_pages(std::span<const std::byte> bytes) noexcept {
  if (bytes.empty()) return;
  const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto begin = std::bit_cast<std::uintptr_t>(bytes.data()) / page * page;
  const auto end = std::bit_cast<std::uintptr_t>(bytes.data() + bytes.size());
  // Only a kernel without the advice is helped by reading: pages that cannot be had are for pwrite to report.
  if (madvise(std::bit_cast<void*>(begin), end - begin, kPopulateRead) == 0 || errno != EINVAL) return;
  for (std::size_t at = 0; at < bytes.size(); at += page)
    static_cast<void>(*const_cast<const volatile std::byte*>(&bytes[at]));
  static_cast<void>(*const_cast<const volatile std::byte*>(&bytes.back()));
}

FileWriter::FileWriter(const std::string& path) : path_(path), descriptor_(open(path.c_str(), O_WRONLY | O_CLOEXEC)) {
  if (descriptor_ < 0) throw Error(ExitStatus::io, "cannot open {} for writing: {}", path, errno_text(errno));
}

FileWriter::FileWriter(FileWriter&& other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

FileWriter& FileWriter::operator=(FileWriter&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

FileWriter::~FileWriter() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void FileWriter::write(std::int64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = pwrite(descriptor_, bytes.data(), bytes.size(), offset);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      // A call that writes nothing and reports nothing would be repeated for ever.
      const int error_number = written < 0 ? errno : ENOSPC;
      throw Error(status_of_failed_write(error_number),
                  "cannot write {}: {}; {} ({} bytes) from byte {} on are not written", path_, errno_text(error_number),
                  format_bytes(std::ssize(bytes)), bytes.size(), offset);
    }
    offset += written;
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void FileWriter::reserve(std::int64_t bytes) {
  while (fallocate(descriptor_, FALLOC_FL_KEEP_SIZE, 0, bytes) != 0) {
    if (errno == EINTR) continue;
    if (status_of_failed_write(errno) != ExitStatus::resources) return;
    throw Error(ExitStatus::resources, "cannot reserve {} for {}: {}", format_bytes(bytes), path_, errno_text(errno));
  }
}

void FileWriter::cut(std::int64_t bytes) {
  while (ftruncate(descriptor_, bytes) != 0)
    if (errno != EINTR) throw Error(status_of_failed_write(errno), "cannot write {}: {}", path_, errno_text(errno));
}

void FileWriter::start_sync(std::int64_t offset, std::int64_t bytes) noexcept {
  static_cast<void>(sync_file_range(descriptor_, offset, bytes, SYNC_FILE_RANGE_WRITE));
}

void FileWriter::sync() {
  while (fsync(descriptor_) != 0)
    if (errno != EINTR) throw Error(status_of_failed_write(errno), "cannot write {}: {}", path_, errno_text(errno));
}

void FileWriter::close() {
  if (::close(std::exchange(descriptor_, -1)) != 0 && errno != EINTR)
    throw Error(status_of_failed_write(errno), "cannot write {}: {}", path_, errno_text(errno));
}

}  // namespace windrow::io
