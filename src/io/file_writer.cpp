#include "io/file_writer.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <filesystem>
#include <utility>

#include "base/limits.hpp"
#include "base/units.hpp"
#include "io/temporary.hpp"

namespace windrow::io {
namespace {

namespace fs = std::filesystem;

#ifdef MADV_POPULATE_READ
constexpr int kPopulateRead = MADV_POPULATE_READ;
#else
constexpr int kPopulateRead = 22;  // Linux 5.14; the C library's headers may be older than the kernel
#endif

/// Of a wait for the disk: a signal that comes meanwhile is handled at its end.
constexpr std::int64_t kSyncStep = std::int64_t{1} << 20;

/// As messages name it: the output that the file at `path` is to become, or the file itself.
fs::path shown(const fs::path& path) {
  const auto temporary = parse_temporary(path.filename().string());
  return temporary ? path.parent_path() / temporary->output : path;
}

std::string remedy(const fs::path& file, int error_number) {
  const std::string folder = file.has_parent_path() ? file.parent_path().string() : ".";
  const std::string elsewhere = fmt::format("another folder, --output DIR/{}", file.filename().string());
  switch (error_number) {
    case ENOSPC:
      return fmt::format("; {} has {} free\n  try: free room there, or {}", folder, format_bytes(free_bytes_in(folder)),
                         elsewhere);
    case EDQUOT:
      return fmt::format("\n  try: `quota`, which tells what is used up, or {}", elsewhere);
    case EFBIG:
      return fmt::format("\n  try: `ulimit -f unlimited` before the run, a smaller array or type, or {}", elsewhere);
    case ENOMEM:
    case EFAULT:
      return "\n  try: again when other programs have ended, more nodes, or a smaller type or array";
    default:
      return "";
  }
}

/// An error that it tells is not told again by fsync().
void sync_range(int descriptor, const std::string& path, std::int64_t offset, std::int64_t bytes, unsigned flags) {
  while (sync_file_range(descriptor, offset, bytes, flags) != 0) {
    if (errno == EINTR) continue;
    // Where a file system or kernel does not know it, fsync() does all.
    if (errno == ENOSYS || errno == EINVAL || errno == ESPIPE) return;
    throw_failed_write(path, errno);
  }
}

}  // namespace

ExitStatus status_of_failed_write(int error_number) noexcept {
  switch (error_number) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case ENOMEM:
    case EFAULT:  // a page of the window that could not be had
      return ExitStatus::resources;
    default:
      return ExitStatus::io;
  }
}

void throw_failed_write(const std::string& path, int error_number, const std::string& more) {
  const fs::path file = shown(path);
  const std::string reason =
      error_number == EFAULT ? "its rows are not in memory, which is short" : errno_text(error_number);
  throw Error(status_of_failed_write(error_number), "cannot write {}: {}{}{}", file.string(), reason, more,
              remedy(file, error_number));
}

void sync_to_disk(int descriptor, const std::string& path) {
  struct stat status {};
  const std::int64_t bytes = fstat(descriptor, &status) == 0 ? status.st_size : 0;
  constexpr unsigned wait = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
  for (std::int64_t at = 0; at < bytes; at += kSyncStep) sync_range(descriptor, path, at, kSyncStep, wait);
  while (fsync(descriptor) != 0)
    if (errno != EINTR) throw_failed_write(path, errno);
}

bool map_pages(std::span<const std::byte> bytes) noexcept {
  if (bytes.empty()) return true;
  const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto begin = std::bit_cast<std::uintptr_t>(bytes.data()) / page * page;
  const auto end = std::bit_cast<std::uintptr_t>(bytes.data() + bytes.size());
  return madvise(std::bit_cast<void*>(begin), end - begin, kPopulateRead) == 0;
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
      throw_failed_write(path_, error_number,
                         fmt::format("; {} ({} bytes) from byte {} on are not written", format_bytes(std::ssize(bytes)),
                                     bytes.size(), offset));
    }
    offset += written;
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void FileWriter::reserve(std::int64_t bytes) {
  while (fallocate(descriptor_, FALLOC_FL_KEEP_SIZE, 0, bytes) != 0) {
    if (errno == EINTR) continue;
    if (status_of_failed_write(errno) != ExitStatus::resources) return;
    throw_failed_write(path_, errno, fmt::format("; {} are to be reserved", format_bytes(bytes)));
  }
}

void FileWriter::cut(std::int64_t bytes) {
  while (ftruncate(descriptor_, bytes) != 0)
    if (errno != EINTR) throw_failed_write(path_, errno);
}

void FileWriter::start_sync(std::int64_t offset, std::int64_t bytes) {
  sync_range(descriptor_, path_, offset, bytes, SYNC_FILE_RANGE_WRITE);
}

void FileWriter::sync() {
  sync_to_disk(descriptor_, path_);
}

void FileWriter::close() {
  if (::close(std::exchange(descriptor_, -1)) != 0 && errno != EINTR) throw_failed_write(path_, errno);
}

}  // namespace windrow::io
