// A library that is loaded before all others (LD_PRELOAD) and lets chosen system calls of the program fail.
//
//   INTERPOSE=RULE[,RULE...]   a rule is CALL=ERROR (every call), CALL@N=ERROR (the N-th), or CALL@N+=ERROR (from
//                              then on)
//   INTERPOSE_SCOPE=all        counts the calls of all libraries; else those of the program, of HDF5 and of libstdc++
//   INTERPOSE_RANK=R           the one rank that is meant; without it, all
//   INTERPOSE_LOG=FILE         gets a line for every rule that was used for the first time
//
//   INTERPOSE_RECORD=FOLDER    gets a file for each rank, with a line for each of its pwrite()s: offset, bytes, path
//   INTERPOSE_BLOCK=BYTES      what fstat() tells as the block of a file system
//
// CALL is one of kCalls, of which "allreduce" is MPI_Allreduce, and where the advices of madvise count as calls as
// well; ERROR one of kErrors, where "short" has a transfer end half way, "plenty" has statvfs() tell of a terabyte that
// is not there, "deaf" has fsync() wait for half a minute in which the process sees no signal but SIGKILL, as one
// that waits for a disk, and "stuck" has an open() wait for a minute. "close_written" is the close() of what is open
// for writing alone, "open_window" and "open_segment" the open() of Open MPI's files of windows and of messages. A call
// that fails is not made, but for close(), which never leaves a descriptor open.
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

namespace {

constexpr std::array<std::string_view, 32> kCalls{
    "open",           "close",         "close_written", "read",      "pread",           "readv",
    "write",          "writev",        "pwrite",        "fsync",     "flock",           "ftruncate",
    "rename",         "link",          "renameat2",     "unlink",    "mkstemp",         "opendir",
    "statvfs",        "mmap",          "mremap",        "munmap",    "madvise",         "hugepage",
    "populate_write", "populate_read", "collapse",      "fallocate", "sync_file_range", "allreduce",
    "open_window",    "open_segment"};

constexpr int kShort = -1;
constexpr int kPlenty = -2;
constexpr int kDeaf = -3;
constexpr int kStuck = -4;
struct NamedError {
  std::string_view name;
  int number;
};
constexpr std::array<NamedError, 17> kErrors{{{"ENOSPC", ENOSPC},
                                              {"EIO", EIO},
                                              {"EDQUOT", EDQUOT},
                                              {"EINTR", EINTR},
                                              {"ENOMEM", ENOMEM},
                                              {"EINVAL", EINVAL},
                                              {"ENOSYS", ENOSYS},
                                              {"EFAULT", EFAULT},
                                              {"EAGAIN", EAGAIN},
                                              {"EMFILE", EMFILE},
                                              {"EPERM", EPERM},
                                              {"ENOLCK", ENOLCK},
                                              {"EROFS", EROFS},
                                              {"short", kShort},
                                              {"plenty", kPlenty},
                                              {"deaf", kDeaf},
                                              {"stuck", kStuck}}};

struct Rule {
  std::string_view call;
  long first = 1;
  bool once = false;
  int error = 0;
  std::atomic<long> seen{0};
  std::atomic<bool> used{false};
};

std::array<Rule, 8> rules;
std::size_t rule_count = 0;
bool counts_all = false;
const void* program_base = nullptr;

template <std::size_t N>
bool is_known(const std::array<std::string_view, N>& names, std::string_view name) {
  for (const std::string_view known : names)
    if (known == name) return true;
  return false;
}

[[noreturn]] void refuse(std::string_view text) {
  std::fprintf(stderr, "interposer: cannot read '%.*s'\n", static_cast<int>(text.size()), text.data());
  _exit(127);
}

void parse_rule(std::string_view text) {
  const std::size_t equal = text.find('=');
  if (equal == std::string_view::npos || rule_count == rules.size()) refuse(text);
  Rule& rule = rules[rule_count++];
  std::string_view call = text.substr(0, equal);
  if (const std::size_t at = call.find('@'); at != std::string_view::npos) {
    rule.once = call.back() != '+';
    rule.first = std::strtol(call.data() + at + 1, nullptr, 10);
    call = call.substr(0, at);
  }
  rule.call = call;
  for (const NamedError& error : kErrors)
    if (error.name == text.substr(equal + 1)) rule.error = error.number;
  if (!is_known(kCalls, rule.call) || rule.error == 0 || rule.first < 1) refuse(text);
}

/// This process's, as its launcher tells it; or null.
const char* rank_of_world() {
  for (const char* const variable : {"OMPI_COMM_WORLD_RANK", "PMI_RANK"})
    if (const char* const rank = std::getenv(variable); rank != nullptr) return rank;
  return nullptr;
}

bool is_meant() {
  const char* const wanted = std::getenv("INTERPOSE_RANK");
  if (wanted == nullptr) return true;
  const char* const rank = rank_of_world();
  return rank != nullptr && std::string_view(rank) == wanted;
}

__attribute__((constructor)) void start() {
  const char* const text = std::getenv("INTERPOSE");
  if (text == nullptr || !is_meant()) return;
  if (const char* const scope = std::getenv("INTERPOSE_SCOPE"); scope != nullptr)
    counts_all = std::string_view(scope) == "all";
  Dl_info program{};
  if (dladdr(reinterpret_cast<const void*>(getauxval(AT_PHDR)), &program) != 0) program_base = program.dli_fbase;
  std::string_view rest(text);
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    parse_rule(rest.substr(0, comma));
    rest = comma == std::string_view::npos ? "" : rest.substr(comma + 1);
  }
}

/// Whether the call was made by the program or on its behalf, and not by MPI on its own.
bool is_ours(const void* caller) {
  Dl_info info{};
  if (dladdr(caller, &info) == 0 || info.dli_fname == nullptr) return false;
  return info.dli_fbase == program_base || std::strstr(info.dli_fname, "libhdf5") != nullptr ||
         std::strstr(info.dli_fname, "libstdc++") != nullptr;
}

/// Adds to a file. By the kernel itself: these calls are nobody's.
void append(const char* path, const char* text, int length) {
  const auto file = static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND, 0600));
  if (file < 0) return;
  syscall(SYS_write, file, text, static_cast<std::size_t>(length));
  syscall(SYS_close, file);
}

void tell(const Rule& rule) {
  const char* const path = std::getenv("INTERPOSE_LOG");
  if (path == nullptr) return;
  char line[64];
  append(path, line, std::snprintf(line, sizeof line, "%.*s\n", static_cast<int>(rule.call.size()), rule.call.data()));
}

void record_write(int file, std::size_t count, off_t offset) {
  const char* const folder = std::getenv("INTERPOSE_RECORD");
  const char* const rank = rank_of_world();
  if (folder == nullptr) return;
  char link[64];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  char target[PATH_MAX];
  const ssize_t length = readlink(link, target, sizeof target);
  char line[PATH_MAX + 64];
  const int written = std::snprintf(line, sizeof line, "%lld %zu %.*s\n", static_cast<long long>(offset), count,
                                    static_cast<int>(length), target);
  char path[PATH_MAX];
  std::snprintf(path, sizeof path, "%s/%s", folder, rank == nullptr ? "0" : rank);
  append(path, line, written);
}

/// The error that this call has to end with; 0 if it is to be made as it is.
int fate(std::string_view call, const void* caller) {
  int error = 0;
  for (std::size_t r = 0; r < rule_count; ++r) {
    Rule& rule = rules[r];
    if (rule.call != call || !(counts_all || is_ours(caller))) continue;
    const long number = ++rule.seen;
    if (number < rule.first || (rule.once && number > rule.first)) continue;
    if (!rule.used.exchange(true)) tell(rule);
    if (error == 0) error = rule.error;
  }
  return error;
}

template <typename Function>
Function real(Function, const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

int failed(int error) {
  errno = error;
  return -1;
}

std::size_t half_of(std::size_t count) {
  return count > 1 ? count / 2 : count;
}

}  // namespace

#define CALLER __builtin_return_address(0)
#define REAL(name) real(&(name), #name)

extern "C" {

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  if (const int error = fate("open", CALLER); error > 0) return failed(error);
  for (const auto& [name, call] : {std::pair("/osc_sm.", "open_window"), std::pair("/vader_segment.", "open_segment")})
    if (std::strstr(path, name) != nullptr) {
      const int error = fate(call, CALLER);
      if (error > 0) return failed(error);
      for (unsigned left = error == kStuck ? 60 : 0; left > 0;) left = sleep(left);
    }
  return REAL(open)(path, flags, mode);
}

int openat(int folder, const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  if (const int error = fate("open", CALLER); error > 0) return failed(error);
  return REAL(openat)(folder, path, flags, mode);
}

FILE* fopen(const char* path, const char* mode) {
  if (const int error = fate("open", CALLER); error > 0) {
    errno = error;
    return nullptr;
  }
  return REAL(fopen)(path, mode);
}

FILE* fopen64(const char* path, const char* mode) {
  if (const int error = fate("open", CALLER); error > 0) {
    errno = error;
    return nullptr;
  }
  return REAL(fopen64)(path, mode);
}

DIR* opendir(const char* path) {
  if (const int error = fate("opendir", CALLER); error > 0) {
    errno = error;
    return nullptr;
  }
  return REAL(opendir)(path);
}

int mkstemp(char* path) {
  if (const int error = fate("mkstemp", CALLER); error > 0) return failed(error);
  return REAL(mkstemp)(path);
}

int close(int file) {
  int error = fate("close", CALLER);
  if (const int flags = fcntl(file, F_GETFL); flags >= 0 && (flags & O_ACCMODE) == O_WRONLY)
    if (const int of_written = fate("close_written", CALLER); error == 0) error = of_written;
  const int result = REAL(close)(file);
  return error > 0 ? failed(error) : result;
}

ssize_t read(int file, void* bytes, std::size_t count) {
  const int error = fate("read", CALLER);
  return error > 0 ? failed(error) : REAL(read)(file, bytes, error == kShort ? half_of(count) : count);
}

ssize_t pread(int file, void* bytes, std::size_t count, off_t offset) {
  const int error = fate("pread", CALLER);
  return error > 0 ? failed(error) : REAL(pread)(file, bytes, error == kShort ? half_of(count) : count, offset);
}

ssize_t readv(int file, const iovec* pieces, int count) {
  const int error = fate("readv", CALLER);
  return error > 0 ? failed(error) : REAL(readv)(file, pieces, error == kShort && count > 1 ? count / 2 : count);
}

ssize_t write(int file, const void* bytes, std::size_t count) {
  const int error = fate("write", CALLER);
  return error > 0 ? failed(error) : REAL(write)(file, bytes, error == kShort ? half_of(count) : count);
}

ssize_t writev(int file, const iovec* pieces, int count) {
  const int error = fate("writev", CALLER);
  return error > 0 ? failed(error) : REAL(writev)(file, pieces, error == kShort && count > 1 ? count / 2 : count);
}

ssize_t pwrite(int file, const void* bytes, std::size_t count, off_t offset) {
  const int error = fate("pwrite", CALLER);
  record_write(file, count, offset);
  return error > 0 ? failed(error) : REAL(pwrite)(file, bytes, error == kShort ? half_of(count) : count, offset);
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"  // there is a struct of this name, too
int fstat(int file, struct stat* status) noexcept {
  const int result = REAL(fstat)(file, status);
  if (const char* const block = std::getenv("INTERPOSE_BLOCK"); block != nullptr)
    status->st_blksize = std::strtol(block, nullptr, 10);
  return result;
}
#pragma GCC diagnostic pop

int fsync(int file) {
  const int error = fate("fsync", CALLER);
  if (error == kDeaf) {
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, nullptr);
    sleep(30);
    sigprocmask(SIG_UNBLOCK, &all, nullptr);
  }
  return error > 0 ? failed(error) : REAL(fsync)(file);
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"  // there is a struct of this name, too
int flock(int file, int operation) noexcept {
  const int error = fate("flock", CALLER);
  return error > 0 ? failed(error) : REAL(flock)(file, operation);
}
#pragma GCC diagnostic pop

int ftruncate(int file, off_t length) noexcept {
  const int error = fate("ftruncate", CALLER);
  return error > 0 ? failed(error) : REAL(ftruncate)(file, length);
}

int fallocate(int file, int mode, off_t offset, off_t length) {
  const int error = fate("fallocate", CALLER);
  return error > 0 ? failed(error) : REAL(fallocate)(file, mode, offset, length);
}

int sync_file_range(int file, off64_t offset, off64_t count, unsigned flags) {
  const int error = fate("sync_file_range", CALLER);
  return error > 0 ? failed(error) : REAL(sync_file_range)(file, offset, count, flags);
}

int rename(const char* from, const char* to) noexcept {
  const int error = fate("rename", CALLER);
  return error > 0 ? failed(error) : REAL(rename)(from, to);
}

int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) noexcept {
  const int error = fate("renameat2", CALLER);
  return error > 0 ? failed(error) : REAL(renameat2)(from_folder, from, to_folder, to, flags);
}

int link(const char* from, const char* to) noexcept {
  const int error = fate("link", CALLER);
  return error > 0 ? failed(error) : REAL(link)(from, to);
}

int unlink(const char* path) noexcept {
  const int error = fate("unlink", CALLER);
  return error > 0 ? failed(error) : REAL(unlink)(path);
}

// Open MPI asks in this way.
int statfs(const char* path, struct statfs* status) noexcept {
  const int error = fate("statvfs", CALLER);
  if (error > 0) return failed(error);
  using Function = int (*)(const char*, struct statfs*);
  const int result = reinterpret_cast<Function>(dlsym(RTLD_NEXT, "statfs"))(path, status);
  if (error == kPlenty && result == 0)
    status->f_bavail = (std::size_t{1} << 40U) / static_cast<std::size_t>(status->f_bsize);
  return result;
}

int statvfs(const char* path, struct statvfs* status) noexcept {
  const int error = fate("statvfs", CALLER);
  if (error > 0) return failed(error);
  using Function = int (*)(const char*, struct statvfs*);
  const int result = reinterpret_cast<Function>(dlsym(RTLD_NEXT, "statvfs"))(path, status);
  if (error == kPlenty && result == 0) status->f_bavail = (std::size_t{1} << 40U) / status->f_frsize;
  return result;
}

void* mmap(void* address, std::size_t length, int protection, int flags, int file, off_t offset) noexcept {
  if (const int error = fate("mmap", CALLER); error > 0) {
    errno = error;
    return MAP_FAILED;
  }
  return REAL(mmap)(address, length, protection, flags, file, offset);
}

void* mremap(void* address, std::size_t length, std::size_t new_length, int flags, ...) noexcept {
  va_list arguments;
  va_start(arguments, flags);
  void* const where = (flags & MREMAP_FIXED) != 0 ? va_arg(arguments, void*) : nullptr;
  va_end(arguments);
  if (const int error = fate("mremap", CALLER); error > 0) {
    errno = error;
    return MAP_FAILED;
  }
  return REAL(mremap)(address, length, new_length, flags, where);
}

long syscall(long number, ...) noexcept {
  // Six machine words, as the kernel takes them: those that the caller did not give are not looked at.
  std::array<long, 6> words{};
  va_list arguments;
  va_start(arguments, number);
  for (long& word : words) word = va_arg(arguments, long);
  va_end(arguments);
  if (number == SYS_mremap)
    if (const int error = fate("mremap", CALLER); error > 0) return failed(error);
  return REAL(syscall)(number, words[0], words[1], words[2], words[3], words[4], words[5]);
}

int munmap(void* address, std::size_t length) noexcept {
  const int error = fate("munmap", CALLER);
  return error > 0 ? failed(error) : REAL(munmap)(address, length);
}

int madvise(void* address, std::size_t length, int advice) noexcept {
  // The numbers of Linux 5.14 and 6.1; the C library's headers may be older.
  struct Advice {
    int number;
    std::string_view name;
  };
  constexpr std::array<Advice, 4> advices{
      {{MADV_HUGEPAGE, "hugepage"}, {22, "populate_read"}, {23, "populate_write"}, {25, "collapse"}}};
  int error = fate("madvise", CALLER);
  for (const Advice& known : advices)
    if (known.number == advice && error <= 0) error = fate(known.name, CALLER);
  return error > 0 ? failed(error) : REAL(madvise)(address, length, advice);
}

// Open MPI's handles are pointers; and its status is a number that is not 0, which the error serves as.
int MPI_Allreduce(const void* mine, void* all, int count, void* type, void* operation, void* communicator) {
  if (const int error = fate("allreduce", CALLER); error > 0) return error;
  using Function = int (*)(const void*, void*, int, void*, void*, void*);
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, "MPI_Allreduce"))(mine, all, count, type, operation, communicator);
}

}  // extern "C"
