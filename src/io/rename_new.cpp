#include "io/rename_new.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace windrow::io {
namespace {

/// The file system or the kernel lacks the call, and nothing was done.
bool unsupported(int error_number) {
  return error_number == EINVAL || error_number == ENOSYS || error_number == EOPNOTSUPP || error_number == EPERM ||
         error_number == EMLINK;
}

}  // namespace

int rename_new(const std::string& from, const std::string& to) noexcept {
  int error_number = rename_new_at_once(from, to);
  if (unsupported(error_number)) error_number = rename_new_by_link(from, to);
  if (unsupported(error_number)) error_number = rename_new_by_look(from, to);
  return error_number;
}

int rename_new_at_once(const std::string& from, const std::string& to) noexcept {
  return renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0 ? 0 : errno;
}

int rename_new_by_link(const std::string& from, const std::string& to) noexcept {
  if (link(from.c_str(), to.c_str()) != 0) return errno;
  return unlink(from.c_str()) == 0 ? 0 : errno;
}

int rename_new_by_look(const std::string& from, const std::string& to) noexcept {
  struct stat status {};
  if (lstat(to.c_str(), &status) == 0) return EEXIST;
  if (errno != ENOENT) return errno;
  return rename(from.c_str(), to.c_str()) == 0 ? 0 : errno;
}

}  // namespace windrow::io
