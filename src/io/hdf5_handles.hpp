#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace windrow::io {

/// HDF5's hid_t, without its header, which only the sources of this folder include.
using Hid = std::int64_t;

/// Readies the HDF5 library: errors are kept for our messages instead of printed, nothing is done at exit, and
/// never_lock() has its way. Call it before any other HDF5 call.
void prepare_hdf5();

/// Keeps HDF5 from locking the files that are opened with a file access property list: some cluster file systems have
/// no locks, and HDF5's would run into the lock that guards the output.
void never_lock(Hid file_access);

/// Passes on a status or identifier of HDF5. *Throws*, if it is negative, "cannot DOING: REASON" with what HDF5 noted,
/// on the calling rank: Error(resources) where the disk is full or a quota or size limit is reached, else Error(io).
std::int64_t hdf5_ok(std::int64_t result, std::string_view doing);

/// The same for what has written to the file at `path`: if the file system has refused it, *throws* as
/// throw_failed_write() does.
void hdf5_written(std::int64_t result, std::string_view doing, const std::string& path);

/// Owner of an HDF5 identifier.
class Hdf5Handle {
 public:
  using Close = int (*)(Hid);

  /// *Throws* as hdf5_ok does.
  Hdf5Handle(Hid id, Close close_function, std::string_view doing) : id_(hdf5_ok(id, doing)), close_(close_function) {}
  Hdf5Handle(Hdf5Handle&& other) noexcept : id_(std::exchange(other.id_, kNone)), close_(other.close_) {}
  Hdf5Handle& operator=(Hdf5Handle&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(close_, other.close_);
    return *this;
  }
  ~Hdf5Handle() {
    if (id_ != kNone) close_(id_);
  }

  [[nodiscard]] Hid get() const { return id_; }

  /// Keeps HDF5 from coming back to what it has failed to write.
  void abandon() noexcept { id_ = kNone; }

  /// Closes now, for what can fail only then. *Throws* as hdf5_ok does.
  void close(std::string_view doing) { hdf5_ok(close_(std::exchange(id_, kNone)), doing); }

 private:
  static constexpr Hid kNone = -1;
  Hid id_;
  Close close_;
};

}  // namespace windrow::io
