// Any bytes as a .npy file: its header, and rows of its array.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/fuzz_target.hpp"
#include "io/input_dataset.hpp"
#include "io/npy_header.hpp"

namespace {

using windrow::ElementType;
using windrow::RowRange;
using windrow::io::InputDataset;

constexpr std::int64_t kMostElements = 4096;
constexpr std::int64_t kMostRows = 5;

/// A file that has no place on the disk.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view bytes) : descriptor_(memfd_create("fuzz", MFD_CLOEXEC)) {
    if (write(descriptor_, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) __builtin_trap();
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() { close(descriptor_); }

  [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

/// Rows as elements of `type`; nothing is stored behind them.
std::vector<std::byte> read(const InputDataset& dataset, ElementType type, RowRange rows) {
  constexpr std::size_t margin = 64;
  constexpr std::byte untouched{0xa5};
  const auto bytes = static_cast<std::size_t>(rows.rows() * dataset.extents().cols * bytes_of(type));
  std::vector<std::byte> elements(bytes + margin, untouched);
  dataset.read(type, rows, elements.data());
  const auto end = elements.begin() + static_cast<std::ptrdiff_t>(bytes);
  if (std::any_of(end, elements.end(), [](std::byte byte) { return byte != untouched; })) __builtin_trap();
  elements.erase(end, elements.end());
  return elements;
}

/// Rows [begin, end) at once and one by one.
void read_rows(const InputDataset& dataset, ElementType type, RowRange rows) {
  const std::vector<std::byte> together = read(dataset, type, rows);
  std::vector<std::byte> single;
  for (std::int64_t row = rows.begin; row < rows.end; ++row) {
    const std::vector<std::byte> elements = read(dataset, type, {row, row + 1});
    single.insert(single.end(), elements.begin(), elements.end());
  }
  if (single != together) __builtin_trap();
}

template <typename Function>
void may_fail(const Function& function) {
  try {
    function();
  } catch (const windrow::Error& error) {
    if (error.status() != windrow::ExitStatus::io) throw;
  }
}

void read_file(std::string_view bytes) {
  may_fail([&] {
    const windrow::io::NpyHeader header = windrow::io::parse_npy_header(bytes);
    if (header.header_bytes > static_cast<std::int64_t>(bytes.size())) __builtin_trap();
    if (std::ranges::any_of(header.extents, [](std::int64_t extent) { return extent < 0; })) __builtin_trap();
  });
  may_fail([&] {
    const MemoryFile file(bytes);
    const InputDataset dataset({.path = file.path()});
    const windrow::Extents extents = dataset.extents();
    if (extents.rows < 1 || extents.cols < 1) __builtin_trap();
    const std::int64_t rows = std::min({extents.rows, kMostRows, kMostElements / extents.cols});
    for (const ElementType type : windrow::kElementTypes) {
      read_rows(dataset, type, {0, rows});
      read_rows(dataset, type, {extents.rows - rows, extents.rows});
    }
  });
}

/// The file with a header of version 1.0 that ends with its line, and data enough for a small array: changes of a
/// header make it longer or shorter, and few of them would be read otherwise.
std::string mended(std::string bytes) {
  constexpr std::size_t begin = windrow::io::kNpyMagic.size() + 4;
  constexpr std::size_t data_bytes = 1024;
  const std::size_t end = bytes.find('\n', begin);
  if (end == std::string::npos) return bytes;
  bytes.replace(0, begin - 4, std::string(windrow::io::kNpyMagic));
  bytes[begin - 4] = 1;
  bytes[begin - 3] = 0;
  const std::size_t length = end + 1 - begin;
  bytes[begin - 2] = static_cast<char>(length % 256);
  bytes[begin - 1] = static_cast<char>(length / 256);
  bytes.resize(std::max(bytes.size(), end + 1 + data_bytes));
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  read_file(bytes);
  read_file(mended(bytes));
  return 0;
}
