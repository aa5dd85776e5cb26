#include "io/verify.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <exception>
#include <mutex>
#include <optional>
#include <string_view>
#include <system_error>
#include <thread>

#include "base/partition.hpp"
#include "base/units.hpp"
#include "io/checksums.hpp"
#include "io/file_reader.hpp"
#include "io/seal.hpp"

namespace windrow::io {
namespace {

constexpr std::string_view kSignature = "\x89HDF\r\n\x1a\n";

/// The size that the superblock of an HDF5 file (version 2 or 3, 8-byte offsets, as ours have) says the file has.
std::optional<std::int64_t> size_by_superblock(std::string_view head) {
  constexpr std::size_t end_of_file = 28;
  if (head.size() < end_of_file + sizeof(std::int64_t) || head[8] < 2 || head[8] > 3 || head[9] != 8) return {};
  std::int64_t size = 0;
  std::memcpy(&size, head.data() + end_of_file, sizeof size);
  return size;
}

/// Why a file that does not end with a seal is refused.
Error no_seal(const FileReader& file) {
  const auto because = [&](std::string_view why) { return Error(ExitStatus::verification, "{} {}", file.path(), why); };
  if (file.size() == 0) return because("is empty");
  // The root attributes are among the first objects of a file.
  std::string head(static_cast<std::size_t>(std::min(file.size(), kMiB)), '\0');
  file.read(0, std::as_writable_bytes(std::span(head)));
  if (!head.starts_with(kSignature)) return because("is not a Windrow file, nor any HDF5 file");
  if (head.find("windrow_format") == std::string::npos)
    return because("is an HDF5 file, but not one that Windrow completed");
  const std::int64_t expected = size_by_superblock(head).value_or(file.size());
  if (file.size() < expected)
    return because(fmt::format("is cut off: {} of its {} bytes are there", file.size(), expected));
  if (file.size() > expected) return because(fmt::format("has {} bytes too many at its end", file.size() - expected));
  return because("has no seal at its end: it was never completed, or another program has rewritten it");
}

Seal read_seal(const FileReader& file) {
  std::array<std::byte, kTrailerBytes> trailer{};
  if (file.size() < kTrailerBytes) throw no_seal(file);
  file.read(file.size() - kTrailerBytes, trailer);
  const std::int64_t size = sealed_bytes(trailer);
  // A seal takes some hundred bytes an array; the limit keeps a forged one from taking all memory.
  if (size < kTrailerBytes || size > std::min(file.size(), kGiB)) throw no_seal(file);
  std::vector<std::byte> bytes(static_cast<std::size_t>(size));
  file.read(file.size() - size, bytes);
  try {
    return decode(bytes, file.size());
  } catch (const Error& error) {
    throw Error(error.status(), "{} is not as it was written: {}", file.path(), error.what());
  }
}

/// A group of an array, and the number that it had among all groups of the file.
struct Group {
  const ArrayLayout* array = nullptr;
  Region data;
};

/// Groups of all arrays, numbered one after the other.
class Groups {
 public:
  explicit Groups(const std::vector<ArrayLayout>& arrays) : arrays_(arrays) {
    for (const ArrayLayout& array : arrays) first_.push_back(first_.back() + group_count(array.data.bytes));
  }
  [[nodiscard]] std::int64_t count() const { return first_.back(); }
  [[nodiscard]] std::size_t array_of(std::int64_t group) const {
    return static_cast<std::size_t>(std::ranges::upper_bound(first_, group) - first_.begin() - 1);
  }
  [[nodiscard]] Group operator[](std::int64_t group) const {
    const std::size_t a = array_of(group);
    const std::int64_t begin = (group - first_[a]) * kGroupBytes;
    const ArrayLayout& array = arrays_[a];
    return {&array, {array.data.offset + begin, std::min(kGroupBytes, array.data.bytes - begin)}};
  }
  /// Where the checksum of a group lies in the file.
  [[nodiscard]] std::int64_t checksum_offset(std::int64_t group) const {
    const std::size_t a = array_of(group);
    return arrays_[a].checksums.offset + (group - first_[a]) * static_cast<std::int64_t>(sizeof(std::uint64_t));
  }

 private:
  const std::vector<ArrayLayout>& arrays_;
  std::vector<std::int64_t> first_{0};
};

/// Reads and hashes all groups with some threads; returns the numbers of those that changed, ascending.
class GroupCheck {
 public:
  GroupCheck(const FileReader& file, const Groups& groups, const VerifyOptions& options)
      : file_(file), groups_(groups), options_(options) {}

  std::vector<std::int64_t> run() {
    const std::int64_t helpers = std::min<std::int64_t>(options_.threads, groups_.count()) - 1;
    {
      std::vector<std::jthread> threads;
      try {
        for (std::int64_t t = 0; t < helpers; ++t) threads.emplace_back([this] { work({}); });
      } catch (const std::system_error&) {
        // A limit on threads or memory: the ones that there are do the work.
      }
      work(options_.progress);
    }
    if (failure_) std::rethrow_exception(failure_);
    std::ranges::sort(changed_);
    return std::move(changed_);
  }

 private:
  void work(const std::function<void(std::int64_t, std::int64_t)>& progress) {
    try {
      std::vector<std::byte> buffer(static_cast<std::size_t>(kGroupBytes));
      for (std::int64_t g = next_++; g < groups_.count(); g = next_++) {
        check(g, buffer);
        if (progress) progress(bytes_done_, file_.size());
      }
    } catch (...) {
      next_ = groups_.count();
      const std::scoped_lock lock(mutex_);
      if (!failure_) failure_ = std::current_exception();
    }
  }

  void check(std::int64_t number, std::vector<std::byte>& buffer) {
    const Group group = groups_[number];
    const auto bytes = std::span(buffer).first(static_cast<std::size_t>(group.data.bytes));
    file_.read(group.data.offset, bytes);
    std::uint64_t expected = 0;
    file_.read(groups_.checksum_offset(number), std::as_writable_bytes(std::span(&expected, 1)));
    bytes_done_ += group.data.bytes;
    if (checksum(bytes) == expected) return;
    const std::scoped_lock lock(mutex_);
    changed_.push_back(number);
  }

  const FileReader& file_;
  const Groups& groups_;
  const VerifyOptions& options_;
  std::atomic<std::int64_t> next_{0};
  std::atomic<std::int64_t> bytes_done_{0};
  std::mutex mutex_;
  std::vector<std::int64_t> changed_;
  std::exception_ptr failure_;
};

/// "dataset 'v', rows 0 to 12 (bytes 4096 to 1052671 of the file)": a run of neighbouring groups. Which rows compressed
/// bytes hold, only HDF5's index tells.
std::string describe(const Group& first, const Group& last) {
  const ArrayLayout& array = *first.array;
  if (array.is_compressed)
    return fmt::format("dataset '{}', compressed (bytes {} to {} of the file)", array.name, first.data.offset,
                       last.data.end() - 1);
  const std::int64_t first_row = (first.data.offset - array.data.offset) / array.row_bytes();
  const std::int64_t last_row = (last.data.end() - 1 - array.data.offset) / array.row_bytes();
  return fmt::format("dataset '{}', rows {} to {} (bytes {} to {} of the file)", array.name, first_row, last_row,
                     first.data.offset, last.data.end() - 1);
}

std::string describe(const Groups& groups, const std::vector<std::int64_t>& changed) {
  constexpr std::size_t most_lines = 10;
  std::string text;
  std::size_t lines = 0;
  std::size_t begin = 0;
  while (begin < changed.size() && lines < most_lines) {
    std::size_t end = begin + 1;
    while (end < changed.size() && changed[end] == changed[end - 1] + 1 &&
           groups.array_of(changed[end]) == groups.array_of(changed[begin]))
      ++end;
    text += "\n  " + describe(groups[changed[begin]], groups[changed[end - 1]]);
    begin = end;
    ++lines;
  }
  if (begin < changed.size()) text += fmt::format("\n  and {} groups of 1 MiB more", changed.size() - begin);
  return text;
}

}  // namespace

VerifyReport verify(const std::string& path, const VerifyOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  const FileReader file(path);
  const Seal seal = read_seal(file);
  const bool is_metadata_changed = fingerprint_metadata(file, seal.layout) != seal.metadata;
  const Groups groups(seal.layout.arrays);
  const std::vector<std::int64_t> changed = GroupCheck(file, groups, options).run();
  if (is_metadata_changed)
    throw Error(ExitStatus::verification,
                "{} has changed since it was written, outside of its arrays: names, attributes, scalars, provenance or "
                "checksums\n  {}{}",
                path,
                changed.empty() ? "its arrays are unchanged" : "its arrays, or their checksums, have changed too:",
                describe(groups, changed));
  if (!changed.empty())
    throw Error(ExitStatus::verification, "{} has changed since it was written:{}", path, describe(groups, changed));
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  return {seal.layout.arrays, file.size(), elapsed.count()};
}

}  // namespace windrow::io
