// Reading an array from a file in the page cache into the shared window, by all ranks: against pread() of the same
// bytes into the same mapped pages. The file lies beside the program.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <memory>

#include "harness.hpp"
#include "io/input_dataset.hpp"
#include "job/context.hpp"

namespace windrow::bench {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kCols = 3'000;
constexpr std::int64_t kRawPiece = std::int64_t{8} << 20;

Extents extents() {
  return {is_smoke() ? 200 : 20'000, kCols};
}

std::string path() {
  return (fs::read_symlink("/proc/self/exe").parent_path() / "input.bench.npy").string();
}

/// Of a .npy file of version 1.0: as long as numpy makes it.
std::string npy_header() {
  std::string header =
      fmt::format("{{'descr': '<f8', 'fortran_order': False, 'shape': ({}, {}), }}", extents().rows, extents().cols);
  header.resize(117, ' ');
  return std::string("\x93NUMPY\x01\x00\x76\x00", 10) + header + '\n';
}

/// An array whose pages are there, and the file that is read into it; kept from one comparison to the next.
struct Target {
  Target() : memory(topology(), {.arrays = {shape}}), context(memory, {.arrays = {{shape, "a file", "", false}}}, {}) {
    if (topology().world_rank() == 0) {
      std::ofstream file(path(), std::ios::binary);
      file << npy_header();
      std::vector<double> row(static_cast<std::size_t>(kCols));
      for (std::int64_t i = 0; i < extents().rows; ++i) {
        std::ranges::fill(row, static_cast<double>(i));
        file.write(reinterpret_cast<const char*>(row.data()), std::ssize(row) * 8);
      }
    }
    static_cast<void>(array().lease_row_block().bytes());
    memory.publish();
  }
  ~Target() {
    if (topology().world_rank() == 0) fs::remove(path());
  }
  Target(const Target&) = delete;
  Target& operator=(const Target&) = delete;
  SharedArray& array() { return context.array("a"); }

  ArrayShape shape{"a", ElementType::float64, extents()};
  NodeMemory memory;
  Context context;
};

std::unique_ptr<Target> target;

Target& the_target() {
  if (!target) target = std::make_unique<Target>();
  return *target;
}

/// What one writes by hand: each rank reads its rows.
void raw_pread(Clock& clock) {
  SharedArray& array = the_target().array();
  const std::span<std::byte> bytes = array.lease_row_block().bytes();
  const std::int64_t offset = std::ssize(npy_header()) + array.row_block().begin * array.row_bytes();
  clock.begin();
  const int file = open(path().c_str(), O_RDONLY | O_CLOEXEC);
  for (std::int64_t at = 0; at < std::ssize(bytes);) {
    const auto size = static_cast<std::size_t>(std::min(kRawPiece, std::ssize(bytes) - at));
    const ssize_t got = pread(file, bytes.data() + at, size, offset + at);
    if (got <= 0) throw Error(ExitStatus::io, "{}: {}", path(), errno_text(errno));
    at += got;
  }
  close(file);
  the_target().memory.publish();
  clock.end();
}

void windrow_read(Clock& clock) {
  Target& there = the_target();
  clock.begin();
  there.context.read(there.array(), io::InputDataset({.path = path()}));
  there.memory.publish();
  clock.end();
}

void declare_comparisons() {
  compare({.name = "input/contiguous",
           .section = "input",
           .what = "480 MB of a `.npy` file in the page cache, into the window",
           .against = "`pread` into the same mapped pages, by as many ranks",
           .baseline = raw_pread,
           .candidate = windrow_read,
           .aim = 0.9,
           .bytes = extents().bytes(ElementType::float64)});
}

}  // namespace
}  // namespace windrow::bench

int main(int argc, char** argv) {
  using namespace windrow::bench;
  return run(argc, argv, declare_comparisons, [] { target.reset(); });
}
