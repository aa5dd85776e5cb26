#include "io/output_target.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <climits>
#include <filesystem>
#include <memory>
#include <span>
#include <thread>
#include <utility>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "io/file_writer.hpp"
#include "io/rename_new.hpp"
#include "mpi/fault_point.hpp"

namespace windrow::io {
namespace {

namespace fs = std::filesystem;

std::string folder_of(const std::string& path) {
  const fs::path folder = fs::path(path).parent_path();
  return folder.empty() ? "." : folder.string();
}

std::string name_of(const std::string& path) {
  return fs::path(path).filename().string();
}

std::size_t longest_name_in(const std::string& folder) {
  const long longest = pathconf(folder.c_str(), _PC_NAME_MAX);
  return longest > 0 ? static_cast<std::size_t>(longest) : NAME_MAX;
}

void check_name(const std::string& path, std::string_view key) {
  const std::string name = name_of(path);
  if (path.empty()) throw Error(ExitStatus::io, "the output needs a name; set {}", key);
  if (name.empty() || name == "." || name == "..")
    throw Error(ExitStatus::io, "cannot write {}: it names a directory; add the name of a file", path);
  if (path.find('\0') != std::string::npos)
    throw Error(ExitStatus::io, "cannot write {}: the name holds a zero byte", path);
}

void check_folder(const std::string& path, std::string_view key) {
  const std::string folder = folder_of(path);
  struct stat status {};
  if (stat(folder.c_str(), &status) != 0) {
    if (errno == ENOENT)
      throw Error(ExitStatus::io, "cannot write {}: the folder {} does not exist; create it, or choose another {}",
                  path, folder, key);
    throw Error(ExitStatus::io, "cannot write {}: {}: {}", path, folder, errno_text(errno));
  }
  if (!S_ISDIR(status.st_mode)) throw Error(ExitStatus::io, "cannot write {}: {} is not a folder", path, folder);
  if (access(folder.c_str(), W_OK | X_OK) != 0)
    throw Error(ExitStatus::io, "cannot write {}: the folder {} is not writable ({}); choose another {}", path, folder,
                errno_text(errno), key);
  if (name_of(path).size() > longest_name_in(folder))
    throw Error(ExitStatus::io, "cannot write {}: the name has {} bytes, {} are allowed", path, name_of(path).size(),
                longest_name_in(folder));
}

std::string_view kind_of(const struct stat& status) {
  if (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode)) return "a device";
  if (S_ISLNK(status.st_mode)) return "a symbolic link";
  return S_ISFIFO(status.st_mode) ? "a pipe" : "a socket";
}

void check_absent(const std::string& path, const TargetOptions& options) {
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return;
    throw Error(ExitStatus::io, "cannot write {}: {}", path, errno_text(errno));
  }
  if (S_ISDIR(status.st_mode)) throw Error(ExitStatus::io, "cannot write {}: it is a directory", path);
  if (!S_ISREG(status.st_mode))
    throw Error(ExitStatus::io, "cannot write {}: it is {}, not a regular file; choose another {}", path,
                kind_of(status), options.key);
  if (!options.overwrite)
    throw Error(ExitStatus::io,
                "{} exists already; add --overwrite, or set output.overwrite = true, or choose another {}", path,
                options.key);
}

std::optional<struct stat> regular_file(const std::string& path) {
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  return status;
}

/// A lock on a folder, if it can be had: serialises the runs that start at the same moment.
class FolderLock {
 public:
  explicit FolderLock(const std::string& folder)
      : descriptor_(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    using namespace std::chrono_literals;
    // Others hold it for a moment only. Without it two runs may both give up, but never both go on.
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (descriptor_ >= 0 && try_lock(descriptor_) == LockState::held_by_another &&
           std::chrono::steady_clock::now() < deadline)
      std::this_thread::sleep_for(5ms);
  }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;
  ~FolderLock() {
    if (descriptor_ >= 0) close(descriptor_);
  }

 private:
  int descriptor_;
};

struct CloseFolder {
  void operator()(DIR* folder) const { closedir(folder); }
};

/// A path into the folder of `path`.
std::string beside(const std::string& path, const std::string& name) {
  return fs::path(path).replace_filename(name).string();
}

/// The name of a file that is not to replace the one at `path`: populate.1.h5, populate.2.h5, ...
std::string numbered(const std::string& path, int number) {
  const fs::path all(path);
  return fmt::format("{}.{}{}", all.stem().string(), number, all.extension().string());
}

}  // namespace

std::string follow_links(const std::string& path) {
  constexpr int most_links = 40;  // as the kernel has it
  fs::path target(path);
  std::error_code error;
  for (int link = 0; link < most_links; ++link) {
    if (!fs::is_symlink(target, error)) return target.string();
    target = target.parent_path() / fs::read_symlink(target, error);
  }
  throw Error(ExitStatus::io, "cannot write {}: {}", path, errno_text(ELOOP));
}

void check_output(const std::string& path, TargetOptions options) {
  check_name(path, options.key);
  const std::string final_path = follow_links(path);
  check_folder(final_path, options.key);
  check_absent(final_path, options);
}

Error error_of_loss(const std::string& path, const std::string& temporary_path) {
  return {ExitStatus::io,
          fmt::format("cannot write {}: somebody has removed, moved or replaced {} during the run; the result is lost",
                      path, temporary_path)};
}

std::string OutputTarget::temporary_path_of(const std::string& path, TargetOptions options) {
  check_output(path, options);
  const std::string final_path = follow_links(path);
  return beside(final_path,
                file_name(temporary_of_this_process(name_of(final_path), longest_name_in(folder_of(final_path)))));
}

OutputTarget OutputTarget::reserve(const std::string& path, TargetOptions options) {
  return reserve(path, temporary_path_of(path, options), options);
}

OutputTarget OutputTarget::reserve(const std::string& path, const std::string& temporary_path, TargetOptions options) {
  check_output(path, options);
  OutputTarget target(path, follow_links(path), temporary_path, options);
  const FolderLock lock(folder_of(target.final_path_));
  target.examine_others();
  target.create_temporary();
  fault_point("start.created");
  // Once more: who could not lock the folder may have come in between, and then both see each other.
  target.examine_others();
  check_absent(target.final_path_, options);
  struct stat status {};
  if (fstat(target.descriptor_, &status) != 0 || status.st_nlink == 0)
    throw Error(ExitStatus::io,
                "cannot write {}: {} has been removed as soon as it was made, by another run to this output or by "
                "somebody else\n  try: again",
                path, target.temporary_path_);
  return target;
}

OutputTarget::OutputTarget(std::string path, std::string final_path, std::string temporary_path, TargetOptions options)
    : path_(std::move(path)),
      final_path_(std::move(final_path)),
      temporary_path_(std::move(temporary_path)),
      options_(options) {}

OutputTarget::OutputTarget(OutputTarget&& other) noexcept
    : path_(std::move(other.path_)),
      final_path_(std::move(other.final_path_)),
      temporary_path_(std::move(other.temporary_path_)),
      options_(other.options_),
      replaced_(other.replaced_),
      descriptor_(std::exchange(other.descriptor_, -1)),
      unfinished_(std::move(other.unfinished_)),
      messages_(std::move(other.messages_)) {}

OutputTarget& OutputTarget::operator=(OutputTarget&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(final_path_, other.final_path_);
  std::swap(temporary_path_, other.temporary_path_);
  std::swap(options_, other.options_);
  std::swap(replaced_, other.replaced_);
  std::swap(descriptor_, other.descriptor_);
  std::swap(unfinished_, other.unfinished_);
  std::swap(messages_, other.messages_);
  return *this;
}

OutputTarget::~OutputTarget() {
  discard();
}

void OutputTarget::create_temporary() {
  replaced_ = regular_file(final_path_);
  // What others may see of a file that is replaced is settled when it is: until then they see nothing of the new one.
  const mode_t mode = replaced_ ? S_IRUSR | S_IWUSR : 0666;
  // Before it is there: a signal may come as soon as it is. Nobody else has a file of this name.
  unfinished_.emplace(temporary_path_);
  descriptor_ = open(temporary_path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (descriptor_ < 0 && errno == ENOSPC)
    throw_failed_write(temporary_path_, errno, ": no file can be made, perhaps for want of inodes (`df -i`)");
  if (descriptor_ < 0)
    throw Error(ExitStatus::io, "cannot write {}: {}: {}", path_, temporary_path_, errno_text(errno));
  if (try_lock(descriptor_) == LockState::held_by_another)
    throw Error(ExitStatus::io, "cannot write {}: another run has taken this output at the same moment", path_);
}

void OutputTarget::examine_others() {
  const std::string folder = folder_of(final_path_);
  const std::string output = shortened(name_of(final_path_), longest_name_in(folder));
  const std::unique_ptr<DIR, CloseFolder> entries(opendir(folder.c_str()));
  if (!entries) throw Error(ExitStatus::io, "cannot read the folder {}: {}", folder, errno_text(errno));
  while (const dirent* entry = readdir(entries.get())) {
    const auto other = parse_temporary(entry->d_name);
    const std::string other_path = beside(final_path_, entry->d_name);
    const bool is_own = descriptor_ >= 0 && other_path == temporary_path_;
    if (other && other->output == output && !is_own) examine(other_path, *other);
  }
}

void OutputTarget::examine(const std::string& other_path, const TemporaryName& other) {
  int descriptor = open(other_path.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0 && errno == ENOENT) return;
  const LockState lock = descriptor < 0 ? LockState::unsupported : try_lock(descriptor);
  const bool live = is_live(other, lock);
  const int error_number = live || unlink(other_path.c_str()) == 0 ? 0 : errno;
  if (descriptor >= 0) close(descriptor);
  if (live)
    throw Error(ExitStatus::io,
                "cannot write {}: another run is writing it (host {}, process {}){}\n"
                "  try: again in a moment, if that run was interrupted just now; or another {}",
                path_, other.host, other.pid,
                lock == LockState::unsupported ? fmt::format("; if that run is dead, remove {}", other_path) : "",
                options_.key);
  if (error_number != 0 && error_number != ENOENT)
    throw Error(ExitStatus::io, "cannot remove {}, which a dead run left: {}", other_path, errno_text(error_number));
  messages_.push_back(
      fmt::format("removed {}, which a dead run left (host {}, process {})", other_path, other.host, other.pid));
}

void OutputTarget::check_in_place() const {
  struct stat made {};
  struct stat now {};
  if (fstat(descriptor_, &made) == 0 && stat(temporary_path_.c_str(), &now) == 0 && made.st_dev == now.st_dev &&
      made.st_ino == now.st_ino)
    return;
  throw error_of_loss(path_, temporary_path_);
}

void OutputTarget::work_by_name(const std::function<void()>& work) const {
  try {
    work();
  } catch (const std::exception&) {
    check_in_place();
    throw;
  }
}

void OutputTarget::sync() const {
  if (options_.durable) sync_to_disk(descriptor_, path_);
}

void OutputTarget::take_over_permissions() noexcept {
  if (const std::optional<struct stat> now = regular_file(final_path_)) replaced_ = now;
  if (!replaced_) return;
  mode_t mode = replaced_->st_mode & (S_IRWXU | S_IRWXG | S_IRWXO);
  constexpr auto unchanged = static_cast<uid_t>(-1);
  // Another group than the one that the bits were meant for gets what everybody gets.
  if (fchown(descriptor_, replaced_->st_uid, replaced_->st_gid) != 0 &&
      fchown(descriptor_, unchanged, replaced_->st_gid) != 0)
    mode = (mode & ~static_cast<mode_t>(S_IRWXG)) | ((mode & S_IRWXO) << 3);
  // Where a file system has no such bits, it is as it was.
  fchmod(descriptor_, mode);
}

void OutputTarget::finish() {
  check_in_place();
  // From here on the temporary is a complete result, which may have to be kept under another name.
  unfinished_.reset();
  int error_number = 0;
  if (!options_.overwrite) {
    error_number = rename_new(temporary_path_, final_path_);
  } else {
    take_over_permissions();
    if (rename(temporary_path_.c_str(), final_path_.c_str()) != 0) error_number = errno;
  }
  if (error_number != 0) keep_beside(error_number);
  release();
  if (options_.durable) sync_folder();
}

void OutputTarget::keep_beside(int error_number) {
  if (error_number == ENOENT)
    throw Error(ExitStatus::io, "cannot write {}: somebody has removed {} during the run; the result is lost", path_,
                temporary_path_);
  constexpr int most = 1000;
  const std::string why =
      error_number == EEXIST ? "a file of this name has appeared during the run" : errno_text(error_number);
  for (int number = 1; number < most; ++number) {
    const std::string other = beside(final_path_, numbered(final_path_, number));
    const int failure = rename_new(temporary_path_, other);
    if (failure == EEXIST) continue;
    if (failure != 0) break;
    release();
    if (options_.durable) sync_folder();
    throw Error(ExitStatus::io, "cannot write {}: {}; the complete result is in {}", path_, why, other);
  }
  const std::string left = temporary_path_;
  release();
  throw Error(ExitStatus::io, "cannot write {}: {}; the complete result is in {}: rename it before the next run", path_,
              why, left);
}

void OutputTarget::sync_folder() const {
  const std::string folder = folder_of(final_path_);
  const int descriptor = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  bool synced = false;
  do synced = descriptor >= 0 && fsync(descriptor) == 0;
  while (!synced && errno == EINTR);
  const int error_number = errno;
  if (descriptor >= 0) close(descriptor);
  // File systems that cannot sync a folder say EINVAL.
  if (!synced && error_number != EINVAL)
    throw Error(ExitStatus::io, "{} is complete, but its name may not survive a power failure: {}", path_,
                errno_text(error_number));
}

void OutputTarget::discard() noexcept {
  if (descriptor_ < 0) return;
  unlink(temporary_path_.c_str());
  unfinished_.reset();
  release();
}

void OutputTarget::release() noexcept {
  if (descriptor_ >= 0) close(std::exchange(descriptor_, -1));
}

void write_whole(const std::string& path, const std::string& bytes, TargetOptions options) {
  OutputTarget target = OutputTarget::reserve(path, options);
  FileWriter file(target.temporary_path());
  file.write(0, std::as_bytes(std::span(bytes)));
  file.close();
  target.sync();
  target.finish();
}

std::string output_folder(const std::string& output_path) {
  return folder_of(follow_links(output_path));
}

std::int64_t bytes_freed_by_removal(const std::string& output_path) {
  constexpr std::int64_t unit = 512;  // of st_blocks, whatever the file system's
  const std::optional<struct stat> old = regular_file(follow_links(output_path));
  return old && old->st_nlink == 1 ? std::int64_t{old->st_blocks} * unit : 0;
}

std::int64_t free_disk_bytes(const std::string& output_path) {
  const std::string folder = output_folder(output_path);
  struct statvfs status {};
  if (statvfs(folder.c_str(), &status) != 0)
    throw Error(ExitStatus::io, "cannot ask for the free space of {}: {}", folder, errno_text(errno));
  // Unlimited, or a file system that does not tell.
  if (status.f_blocks == 0) return kUnlimited;
  return static_cast<std::int64_t>(status.f_bavail) * static_cast<std::int64_t>(status.f_frsize);
}

}  // namespace windrow::io
