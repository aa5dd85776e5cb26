#include "io/hdf5_handles.hpp"

#include <hdf5.h>

#include <charconv>
#include <cstdlib>
#include <type_traits>
#include <vector>

#include "io/file_writer.hpp"

namespace windrow::io {
namespace {

static_assert(std::is_same_v<hid_t, Hid> && std::is_same_v<herr_t, int>, "Hdf5Handle stands for hid_t");

#if H5_VERSION_GE(1, 12, 1) || (H5_VERSION_GE(1, 10, 7) && !H5_VERSION_GE(1, 12, 0))
#define WINDROW_HDF5_HAS_LOCK_PROPERTY
constexpr bool kHasLockProperty = true;
#else
constexpr bool kHasLockProperty = false;
#endif

constexpr const char* kLockVariable = "HDF5_USE_FILE_LOCKING";

/// Whether never_lock() is enough: the variable, where it is set, overrides what a program asks for.
bool locks_are_off() {
  const char* const wanted = std::getenv(kLockVariable);
  if (wanted == nullptr) return kHasLockProperty;
  return std::string_view(wanted) == "FALSE" || std::string_view(wanted) == "0";
}

herr_t collect(unsigned, const H5E_error2_t* entry, void* into) {
  static_cast<std::vector<std::string>*>(into)->emplace_back(entry->desc != nullptr ? entry->desc : "");
  return 0;
}

/// What HDF5 noted of the last failure, the innermost cause first.
std::vector<std::string> take_error_stack() {
  std::vector<std::string> entries;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, collect, &entries);
  H5Eclear2(H5E_DEFAULT);
  return entries;
}

/// The errno in "file write failed: time = ..., errno = 28, error message = ...", or 0.
int errno_in(const std::vector<std::string>& entries) {
  constexpr std::string_view key = "errno = ";
  const std::string_view entry = entries.empty() ? std::string_view() : entries.front();
  const std::size_t at = entry.find(key);
  int value = 0;
  if (at != std::string_view::npos) std::from_chars(entry.data() + at + key.size(), entry.data() + entry.size(), value);
  return value;
}

[[noreturn]] void throw_failure(const std::vector<std::string>& entries, std::string_view doing) {
  if (entries.empty()) throw Error(ExitStatus::io, "cannot {}: HDF5 gives no reason", doing);
  const int error_number = errno_in(entries);
  const std::string reason = error_number != 0 ? errno_text(error_number) : entries.front();
  throw Error(status_of_failed_write(error_number), "cannot {}: {}", doing, reason);
}

}  // namespace

void prepare_hdf5() {
  static const bool ready = [] {
    if (!locks_are_off()) setenv(kLockVariable, "FALSE", 1);
    H5dont_atexit();  // after a failed write the library must not come back to the file
    hdf5_ok(H5open(), "start the HDF5 library");
    return true;
  }();
  static_cast<void>(ready);
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

void never_lock([[maybe_unused]] Hid file_access) {
#ifdef WINDROW_HDF5_HAS_LOCK_PROPERTY
  hdf5_ok(H5Pset_file_locking(file_access, false, true), "turn HDF5 file locks off");
#endif
}

std::int64_t hdf5_ok(std::int64_t result, std::string_view doing) {
  if (result < 0) throw_failure(take_error_stack(), doing);
  return result;
}

void hdf5_written(std::int64_t result, std::string_view doing, const std::string& path) {
  if (result >= 0) return;
  const std::vector<std::string> entries = take_error_stack();
  if (const int error_number = errno_in(entries); error_number != 0) throw_failed_write(path, error_number);
  throw_failure(entries, doing);
}

}  // namespace windrow::io
