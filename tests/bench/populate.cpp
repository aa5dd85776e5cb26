// Populating 20000 x 3000 doubles (480 MB): cold, against MPI's shared window filled by plain stores, and warm, against
// a hand-written non-temporal fill of the same pages.
#include <fcntl.h>
#include <immintrin.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "array/blocks.hpp"
#include "array/shared_array.hpp"
#include "base/partition.hpp"
#include "expr/program.hpp"
#include "harness.hpp"
#include "job/context.hpp"
#include "mpi/pages.hpp"

namespace windrow::bench {
namespace {

constexpr Extents kExtents{20'000, 3'000};
constexpr std::int64_t kBlockRows = 100;
constexpr std::int64_t kBytes = 20'000 * 3'000 * 8;

// --- cold: allocate and fill ---------------------------------------------------------------------------------------

/// What one writes by hand: a window, each rank's part in it, plain stores. *Collective over* the node.
void raw_program(Clock& clock) {
  clock.begin();
  const RowRange own = row_block(kExtents.rows, topology().ranks(), topology().row_rank());
  double* part = nullptr;
  MPI_Win window = MPI_WIN_NULL;
  check_mpi(MPI_Win_allocate_shared(own.rows() * kExtents.cols * static_cast<std::int64_t>(sizeof(double)),
                                    static_cast<int>(sizeof(double)), MPI_INFO_NULL, topology().node.handle(), &part,
                                    &window),
            "MPI_Win_allocate_shared");
  for (std::int64_t row = own.begin; row < own.end; ++row) {
    const auto offset = static_cast<double>(row / kBlockRows * kBlockRows);
    for (std::int64_t col = 0; col < kExtents.cols; ++col) *part++ = offset;
  }
  check_mpi(MPI_Win_fence(0, window), "MPI_Win_fence");
  clock.end();
  check_mpi(MPI_Win_free(&window), "MPI_Win_free");
}

expr::Evaluator evaluator(const char* expression) {
  return {expr::Program::compile(expression), {.extents = kExtents, .array_name = "a"}};
}

Program windrow_program(Schedule schedule, PageMode pages) {
  return [=](Clock& clock) {
    clock.begin();
    const ArrayShape shape{"a", ElementType::float64, kExtents};
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
  const std::int64_t bytes = round_up(kBytes, kExtentBytes);
  clock.begin();
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

// --- warm: fill the same pages again -------------------------------------------------------------------------------

/// An array whose pages are there, and this rank's part of it.
struct WarmArray {
  ArrayShape shape{"a", ElementType::float64, kExtents};
  NodeMemory memory{topology(), {.arrays = {shape}}};
  SharedArray array{memory, shape, 0};
  double* part = nullptr;

  WarmArray() {
    Lease lease = array.lease_row_block();
    part = reinterpret_cast<double*>(lease.bytes().data());
    std::fill_n(part, array.row_block().rows() * kExtents.cols, 1.0);
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
    clock.begin();
    stream(a.part, a.array.row_block().rows() * kExtents.cols, [](std::int64_t) { return splat(2.5); });
    _mm_sfence();
    clock.end();
  };
}

Program hand_written_offset() {
  return [](Clock& clock) {
    WarmArray& a = warm_array();
    const RowRange own = a.array.row_block();
    clock.begin();
    for (std::int64_t row = own.begin; row < own.end; ++row) {
      const auto offset = splat(static_cast<double>(row / kBlockRows * kBlockRows));
      stream(a.part + (row - own.begin) * kExtents.cols, kExtents.cols, [&](std::int64_t) { return offset; });
    }
    _mm_sfence();
    clock.end();
  };
}

Program hand_written_index() {
  return [](Clock& clock) {
    WarmArray& a = warm_array();
    const RowRange own = a.array.row_block();
    clock.begin();
    for (std::int64_t row = own.begin; row < own.end; ++row) {
      const auto first = static_cast<double>(row * kExtents.cols);
      stream(a.part + (row - own.begin) * kExtents.cols, kExtents.cols,
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

void declare_comparisons() {
  compare("cold/static/auto", kBytes, raw_program, windrow_program(Schedule::fixed, PageMode::automatic));
  compare("cold/static/populate", kBytes, raw_program, windrow_program(Schedule::fixed, PageMode::populate));
  compare("cold/static/read", kBytes, raw_program, windrow_program(Schedule::fixed, PageMode::read));
  compare("cold/dynamic/auto", kBytes, raw_program, windrow_program(Schedule::dynamic, PageMode::automatic));
  compare("cold/limit/collapse", kBytes, collapse_program, windrow_program(Schedule::fixed, PageMode::automatic));
  compare("warm/constant", kBytes, hand_written_constant(), windrow_warm("2.5"));
  compare("warm/offset", kBytes, hand_written_offset(), windrow_warm("offset"));
  compare("warm/index", kBytes, hand_written_index(), windrow_warm("i*cols + j"));
}

}  // namespace
}  // namespace windrow::bench

int main(int argc, char** argv) {
  windrow::bench::declare_comparisons();
  return windrow::bench::run(argc, argv, [] { windrow::bench::warm.reset(); });
}
