// Populating 20000 x 3000 doubles (480 MB): cold, against MPI's shared window filled by plain stores, and warm, against
// a hand-written non-temporal fill of the same pages.
#include <fcntl.h>
#include <immintrin.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>

#include "array/blocks.hpp"
#include "array/shared_array.hpp"
#include "base/partition.hpp"
#include "expr/evaluator.hpp"
#include "harness.hpp"
#include "job/context.hpp"
#include "mpi/pages.hpp"

namespace windrow::bench {
namespace {

constexpr std::int64_t kBlockRows = 100;

Extents extents() {
  return {is_smoke() ? 2'000 : 20'000, 3'000};
}

std::int64_t bytes() {
  return extents().rows * extents().cols * static_cast<std::int64_t>(sizeof(double));
}

// --- cold: allocate and fill ---------------------------------------------------------------------------------------

/// Has the host of a virtual machine provide memory again: it takes back what is free, seconds after it has become so,
/// and whoever came next would pay for that, whatever the program. By one rank, before each program.
void warm_memory() {
  if (topology().world_rank() != 0) return;
  const auto size = static_cast<std::size_t>(3 * bytes());
  void* const memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return;
  madvise(memory, size, MADV_HUGEPAGE);
  for (std::size_t at = 0; at < size; at += static_cast<std::size_t>(kPageBytes))
    static_cast<std::byte*>(memory)[at] = {};
  munmap(memory, size);
}

/// The cold programs begin here.
void begin_cold(Clock& clock) {
  warm_memory();
  clock.begin();
}

/// What one writes by hand: a window, each rank's part in it, plain stores. *Collective over* the node.
void raw_program(Clock& clock) {
  begin_cold(clock);
  const Extents all = extents();
  const RowRange own = row_block(all.rows, topology().ranks(), topology().row_rank());
  double* part = nullptr;
  MPI_Win window = MPI_WIN_NULL;
  check_mpi(MPI_Win_allocate_shared(own.rows() * all.cols * static_cast<std::int64_t>(sizeof(double)),
                                    static_cast<int>(sizeof(double)), MPI_INFO_NULL, topology().node.handle(), &part,
                                    &window),
            "MPI_Win_allocate_shared");
  for (std::int64_t row = own.begin; row < own.end; ++row) {
    const auto offset = static_cast<double>(row / kBlockRows * kBlockRows);
    for (std::int64_t col = 0; col < all.cols; ++col) *part++ = offset;
  }
  check_mpi(MPI_Win_fence(0, window), "MPI_Win_fence");
  clock.end();
  check_mpi(MPI_Win_free(&window), "MPI_Win_free");
}

expr::Evaluator evaluator(const char* expression) {
  return {expr::Program::compile(expression), {.extents = extents(), .streams = {"a"}}};
}

Program windrow_program(Schedule schedule, PageMode pages) {
  return [=](Clock& clock) {
    begin_cold(clock);
    const ArrayShape shape{"a", ElementType::float64, extents()};
    NodeMemory memory(topology(), {.arrays = {shape}, .tickets = 1, .pages = pages});
    SharedArray array(memory, shape, 0);
    expr::Evaluator value = evaluator("offset");
    BlockSchedule blocks(array, kBlockRows, schedule, TicketCounter(memory, 0));
    while (std::optional<Block> block = blocks.next())
      block->lease.for_each_piece([&](const Piece& piece) {
        value.evaluate(piece.elements, block->offset, {.destination = piece.destination, .store = store_for(piece)});
      });
    memory.publish();
    clock.end();
  };
}

/// The limit of the mechanism: the calls that make huge pages, by hand and with nothing around them, on a file of our
/// own.
void collapse_program(Clock& clock) {
  static int number = 0;
  const std::string path =
      fmt::format("/dev/shm/windrow-bench.{}.{}", topology().world.broadcast(getpid(), 0), number++);
  const std::int64_t bytes = round_up(bench::bytes(), kExtentBytes);
  begin_cold(clock);
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0 || ftruncate(file, bytes) != 0) throw Error(ExitStatus::io, "{}: {}", path, errno_text(errno));
  const auto length = static_cast<std::size_t>(bytes);
  const auto extent_bytes = static_cast<std::size_t>(kExtentBytes);
  auto* const space = static_cast<std::byte*>(
      mmap(nullptr, length + extent_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  std::byte* const window = space + (extent_bytes - reinterpret_cast<std::uintptr_t>(space) % extent_bytes);
  mmap(window, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0);
  const RowRange own = row_block(bytes / kExtentBytes, topology().ranks(), topology().row_rank());
  for (std::int64_t number_of_extent = own.begin; number_of_extent < own.end; ++number_of_extent) {
    std::byte* const extent = window + number_of_extent * kExtentBytes;
    madvise(extent, 4096, 23);          // MADV_POPULATE_WRITE
    madvise(extent, extent_bytes, 25);  // MADV_COLLAPSE
    auto* const values = reinterpret_cast<double*>(extent);
    std::fill_n(values, kExtentBytes / static_cast<std::int64_t>(sizeof(double)), 2.5);
  }
  topology().world.barrier();
  clock.end();
  munmap(space, length + extent_bytes);
  close(file);
  unlink(path.c_str());
  topology().world.barrier();
}

struct FreeMemory {
  void operator()(std::byte* memory) const { std::free(memory); }
};

/// The limit of the machine: memory that is there is cleared page by page, as the kernel does it, and filled.
void clear_program(Clock& clock) {
  const std::int64_t extents_of_all = round_up(bench::bytes(), kExtentBytes) / kExtentBytes;
  const RowRange own = row_block(extents_of_all, topology().ranks(), topology().row_rank());
  const auto size = static_cast<std::size_t>(own.rows() * kExtentBytes);
  static const std::unique_ptr<std::byte, FreeMemory> memory(
      static_cast<std::byte*>(std::aligned_alloc(static_cast<std::size_t>(kExtentBytes), size)));
  static const int advised = madvise(memory.get(), size, MADV_HUGEPAGE);
  if (advised != 0) throw Error(ExitStatus::internal, "MADV_HUGEPAGE: {}", errno_text(errno));
  clock.begin();
  for (std::byte* extent = memory.get(); extent != memory.get() + size; extent += kExtentBytes) {
    for (std::int64_t page = 0; page < kExtentBytes; page += kPageBytes) {
      void* to = extent + page;
      std::int64_t count = kPageBytes;
      asm volatile("rep stosb" : "+D"(to), "+c"(count) : "a"(0) : "memory");
    }
    std::fill_n(reinterpret_cast<double*>(extent), kExtentBytes / static_cast<std::int64_t>(sizeof(double)), 2.5);
  }
  clock.end();
}

// --- warm: fill the same pages again -------------------------------------------------------------------------------

/// An array whose pages are there, and this rank's part of it.
struct WarmArray {
  ArrayShape shape{"a", ElementType::float64, extents()};
  NodeMemory memory{topology(), {.arrays = {shape}}};
  SharedArray array{memory, shape, 0};
  double* part = nullptr;

  WarmArray() {
    Lease lease = array.lease_row_block();
    part = reinterpret_cast<double*>(lease.bytes().data());
    std::fill_n(part, array.row_block().rows() * extents().cols, 1.0);
    memory.publish();
  }
};

std::unique_ptr<WarmArray> warm;

WarmArray& warm_array() {
  if (!warm) warm = std::make_unique<WarmArray>();
  return *warm;
}

/// Stores `value(element)`, a vector of eight, past the caches; the part begins at a cache line and has whole ones.
template <typename Value>
void stream(double* part, std::int64_t elements, Value value) {
#if defined(__AVX512F__)
  for (std::int64_t n = 0; n < elements; n += 8) _mm512_stream_pd(part + n, value(n));
#else
  for (std::int64_t n = 0; n < elements; n += 4) _mm256_stream_pd(part + n, value(n));
#endif
}

#if defined(__AVX512F__)
auto splat(double value) {
  return _mm512_set1_pd(value);
}
auto ramp(double first) {
  return _mm512_add_pd(_mm512_set1_pd(first), _mm512_set_pd(7, 6, 5, 4, 3, 2, 1, 0));
}
#else
auto splat(double value) {
  return _mm256_set1_pd(value);
}
auto ramp(double first) {
  return _mm256_add_pd(_mm256_set1_pd(first), _mm256_set_pd(3, 2, 1, 0));
}
#endif

Program hand_written_constant() {
  return [](Clock& clock) {
    WarmArray& a = warm_array();
    const RowRange own = a.array.row_block();
    const std::int64_t cols = a.array.extents().cols;
    clock.begin();
    stream(a.part, own.rows() * cols, [](std::int64_t) { return splat(2.5); });
    _mm_sfence();
    clock.end();
  };
}

Program hand_written_offset() {
  return [](Clock& clock) {
    WarmArray& a = warm_array();
    const RowRange own = a.array.row_block();
    const std::int64_t cols = a.array.extents().cols;
    clock.begin();
    for (std::int64_t row = own.begin; row < own.end; ++row) {
      const auto offset = splat(static_cast<double>(row / kBlockRows * kBlockRows));
      stream(a.part + (row - own.begin) * cols, cols, [&](std::int64_t) { return offset; });
    }
    _mm_sfence();
    clock.end();
  };
}

Program hand_written_index() {
  return [](Clock& clock) {
    WarmArray& a = warm_array();
    const RowRange own = a.array.row_block();
    const std::int64_t cols = a.array.extents().cols;
    clock.begin();
    for (std::int64_t row = own.begin; row < own.end; ++row) {
      const auto first = static_cast<double>(row * cols);
      stream(a.part + (row - own.begin) * cols, cols,
             [&](std::int64_t n) { return ramp(first + static_cast<double>(n)); });
    }
    _mm_sfence();
    clock.end();
  };
}

Program windrow_warm(const char* expression) {
  return [expression](Clock& clock) {
    WarmArray& a = warm_array();
    expr::Evaluator value = evaluator(expression);
    BlockSchedule blocks(a.array, kBlockRows, Schedule::fixed, TicketCounter(a.memory, 0));
    clock.begin();
    while (std::optional<Block> block = blocks.next())
      block->lease.for_each_piece([&](const Piece& piece) {
        value.evaluate(piece.elements, block->offset, {.destination = piece.destination, .store = store_for(piece)});
      });
    clock.end();
    a.memory.publish();
  };
}

constexpr const char* kRaw = "shared window of MPI, plain stores";

void declare_warm(const char* name, const char* expression, Program by_hand, double aim) {
  compare({.name = fmt::format("warm/{}", name),
           .section = "fill again",
           .what = fmt::format("`{}`", expression),
           .against = "non-temporal stores by hand",
           .baseline = std::move(by_hand),
           .candidate = windrow_warm(expression),
           .aim = aim,
           .bytes = bytes()});
}

void declare_comparisons() {
  compare({.name = "cold/static/auto",
           .section = "first fill",
           .what = "every rank its own rows",
           .against = kRaw,
           .baseline = raw_program,
           .candidate = windrow_program(Schedule::fixed, PageMode::automatic),
           .aim = 5.0,
           .bytes = bytes(),
           .headline = "fill a new array",
           .variant = "2 MiB pages (`collapse`, Linux 6.1)"});
  compare({.name = "cold/static/populate",
           .section = "first fill",
           .what = "every rank its own rows, no huge pages (`populate`)",
           .against = kRaw,
           .baseline = raw_program,
           .candidate = windrow_program(Schedule::fixed, PageMode::populate),
           .aim = 1.0,
           .bytes = bytes(),
           .headline = "fill a new array",
           .variant = "4 KiB pages (`populate`, Linux 5.14)"});
  compare({.name = "cold/static/read",
           .section = "first fill",
           .what = "every rank its own rows, any kernel (`read`)",
           .against = kRaw,
           .baseline = raw_program,
           .candidate = windrow_program(Schedule::fixed, PageMode::read),
           .aim = 1.0,
           .bytes = bytes(),
           .headline = "fill a new array",
           .variant = "4 KiB pages (`read`, older ones)"});
  compare({.name = "cold/dynamic/auto",
           .section = "first fill",
           .what = "blocks to whoever is idle",
           .against = kRaw,
           .baseline = raw_program,
           .candidate = windrow_program(Schedule::dynamic, PageMode::automatic),
           .aim = 4.0,
           .bytes = bytes()});
  compare({.name = "cold/limit/collapse",
           .section = "first fill",
           .what = "every rank its own rows",
           .against = "huge pages by hand: the same calls, no library",
           .baseline = collapse_program,
           .candidate = windrow_program(Schedule::fixed, PageMode::automatic),
           .bytes = bytes()});
  compare({.name = "cold/limit/clear",
           .section = "first fill",
           .what = "the limit: memory that is there, cleared page by page as the kernel does, and filled",
           .against = kRaw,
           .baseline = raw_program,
           .candidate = clear_program,
           .bytes = bytes()});
  declare_warm("constant", "2.5", hand_written_constant(), 0.95);
  declare_warm("offset", "offset", hand_written_offset(), 0.95);
  declare_warm("index", "i*cols + j", hand_written_index(), 0.90);
}

}  // namespace
}  // namespace windrow::bench

int main(int argc, char** argv) {
  using namespace windrow::bench;
  return run(argc, argv, declare_comparisons, [] { warm.reset(); });
}
