// Writing an array of the shared window to a file: against pwrite() of the same pages to a new file in the same folder.
// The files lie beside the program.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <memory>

#include "array/shared_array.hpp"
#include "base/partition.hpp"
#include "harness.hpp"
#include "io/file_reader.hpp"
#include "io/file_writer.hpp"
#include "io/output_file.hpp"
#include "io/verify.hpp"

namespace windrow::bench {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kCols = 3'000;
constexpr std::int64_t kRawPiece = std::int64_t{8} << 20;

std::string path_of(const char* name) {
  return (fs::read_symlink("/proc/self/exe").parent_path() / fmt::format("{}.bench.h5", name)).string();
}

/// An array that its owners have filled. One at a time, kept from one comparison to the next.
struct FilledArray {
  explicit FilledArray(std::int64_t rows)
      : shape{"a", ElementType::float64, {rows, kCols}},
        memory(topology(), {.arrays = {shape}}),
        array(memory, shape, 0) {
    Lease lease = array.lease_row_block();
    double value = static_cast<double>(array.row_block().begin);
    lease.for_each_piece([&](const Piece& piece) {
      auto* const elements = reinterpret_cast<double*>(piece.destination);
      for (std::int64_t n = 0; n < piece.elements.elements(); ++n) elements[n] = value += 0.5;
    });
    memory.publish();
  }
  /// As if no group had been written.
  void forget_writes() {
    if (topology().is_leader()) std::ranges::fill(array.group_words(), GroupWord{});
    memory.publish();
  }
  [[nodiscard]] std::int64_t bytes() const { return shape.extents.bytes(shape.type); }
  [[nodiscard]] std::span<const std::byte> all() const { return array.read(array.node_rows()); }

  ArrayShape shape;
  NodeMemory memory;
  SharedArray array;
};

std::unique_ptr<FilledArray> filled;

FilledArray& array_of(std::int64_t rows) {
  if (!filled || filled->shape.extents.rows != rows) {
    filled.reset();
    filled = std::make_unique<FilledArray>(rows);
  }
  return *filled;
}

struct Case {
  std::int64_t rows = 0;
  bool durable = false;
  bool preallocated = false;
};

void check(bool is_good, const std::string& path) {
  if (!is_good) throw Error(ExitStatus::io, "{}: {}", path, errno_text(errno));
}

/// What one writes by hand: the leader maps the pages that others filled, and writes them.
Program raw_pwrite(Case what) {
  return [what](Clock& clock) {
    const std::span<const std::byte> bytes = array_of(what.rows).all();
    const std::string path = path_of("raw");
    clock.begin();
    if (topology().is_leader()) {
      const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
      check(file >= 0, path);
      io::map_pages(bytes);
      if (what.preallocated) check(posix_fallocate(file, 0, std::ssize(bytes)) == 0, path);
      for (std::size_t at = 0; at < bytes.size();) {
        const ssize_t written =
            pwrite(file, &bytes[at], std::min<std::size_t>(kRawPiece, bytes.size() - at), static_cast<off_t>(at));
        check(written > 0, path);
        at += static_cast<std::size_t>(written);
      }
      if (what.durable) check(fsync(file) == 0, path);
      check(close(file) == 0, path);
    }
    clock.end();
    if (topology().is_leader()) fs::remove(path);
  };
}

void write_output(FilledArray& a, const std::string& path, bool durable) {
  io::OutputFile file(topology(), path, {.overwrite = true, .durable = durable});
  io::FileSpec spec;
  spec.source = "windrow benchmark";
  spec.arrays = {{a.shape.name, a.shape.type, a.shape.extents, {}}};
  file.guard(topology());
  file.reserve();
  file.begin(topology(), spec, io::estimated_file_bytes(spec), io::kEveryNode);
  file.attach(a.array);
  file.finish(
      a.memory, [&] { return spec; }, [](std::int64_t) {});
}

/// The whole of it: temporary, skeleton, rows, checksums, seal, name.
Program windrow_output(Case what) {
  return [what](Clock& clock) {
    FilledArray& a = array_of(what.rows);
    const std::string path = path_of("output");
    a.forget_writes();
    clock.begin();
    write_output(a, path, what.durable);
    clock.end();
    if (topology().is_leader()) fs::remove(path);
  };
}

// --- verify --------------------------------------------------------------------------------------------------------

/// The file that is read, made by the first who needs it.
const std::string& file_of(std::int64_t rows) {
  static std::string path;
  if (path.empty()) {
    path = path_of("verified");
    array_of(rows).forget_writes();
    write_output(array_of(rows), path, false);
  }
  return path;
}

Program verify_by_one(std::int64_t rows) {
  return [rows](Clock& clock) {
    const std::string& path = file_of(rows);
    io::VerifyOptions options;
    options.threads = 1;
    clock.begin();
    if (topology().is_leader()) (void)io::verify(path, options);
    clock.end();
  };
}

Program read_by_one(std::int64_t rows) {
  return [rows](Clock& clock) {
    const std::string& path = file_of(rows);
    clock.begin();
    if (topology().is_leader()) {
      const io::FileReader file(path);
      std::vector<std::byte> buffer(static_cast<std::size_t>(kGroupBytes));
      for (std::int64_t at = 0; at < file.size(); at += kGroupBytes)
        file.read(at, std::span(buffer).first(static_cast<std::size_t>(std::min(kGroupBytes, file.size() - at))));
    }
    clock.end();
  };
}

/// What was promised, in seconds.
Program at_rate(std::int64_t bytes, double bytes_per_second) {
  return [=](Clock& clock) { clock.record(static_cast<double>(bytes) / bytes_per_second); };
}

std::int64_t bytes_of_rows(std::int64_t rows) {
  return rows * kCols * static_cast<std::int64_t>(sizeof(double));
}

void declare_output(const char* name, const char* what, Case how, int pairs, const char* variant = "") {
  compare({.name = name,
           .section = "output",
           .what = what,
           .against = how.preallocated ? "the same with `posix_fallocate`" : "`pwrite` of the same mapped pages",
           .baseline = raw_pwrite(how),
           .candidate = windrow_output(how),
           .aim = how.preallocated ? std::nullopt : std::optional(0.95),
           .bytes = bytes_of_rows(how.rows),
           .pairs = pairs,
           .headline = *variant == '\0' ? "" : "writing the file: sealed, with checksums",
           .variant = variant});
}

void declare() {
  const std::int64_t some = is_smoke() ? 1'000 : 20'000;
  const std::int64_t many = is_smoke() ? 2'000 : 166'667;
  constexpr double promised_rate = 2e9;
  constexpr int some_pairs = 15;
  constexpr int few_pairs = 7;  // the disk, and memory for twice as much, are slow
  declare_output("output/480MB", "480 MB, to the page cache", {.rows = some}, some_pairs, "to the page cache");
  declare_output("output/480MB/reserved", "480 MB, to the page cache", {.rows = some, .preallocated = true},
                 some_pairs);
  declare_output("output/480MB/durable", "480 MB, with `fsync`", {.rows = some, .durable = true}, some_pairs,
                 "with `fsync`");
  compare({.name = "verify/480MB",
           .section = "output",
           .what = "`verify`, one thread, 480 MB in the page cache",
           .against = "2 GB/s",
           .baseline = at_rate(bytes_of_rows(some), promised_rate),
           .candidate = verify_by_one(some),
           .aim = 1.0,
           .bytes = bytes_of_rows(some),
           .pairs = some_pairs});
  compare({.name = "verify/480MB/read",
           .section = "output",
           .what = "`verify`, one thread, 480 MB in the page cache",
           .against = "`pread` alone",
           .baseline = read_by_one(some),
           .candidate = verify_by_one(some),
           .bytes = bytes_of_rows(some),
           .pairs = some_pairs});
  declare_output("output/4GB", "4 GB, to the page cache", {.rows = many}, few_pairs);
  declare_output("output/4GB/durable", "4 GB, with `fsync`", {.rows = many, .durable = true}, few_pairs);
}

}  // namespace
}  // namespace windrow::bench

int main(int argc, char** argv) {
  using namespace windrow::bench;
  return run(argc, argv, declare, [] {
    filled.reset();
    if (topology().is_leader()) fs::remove(path_of("verified"));
  });
}
