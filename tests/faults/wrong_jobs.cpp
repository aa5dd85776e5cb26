// Jobs with a mistake each, for the tests of WINDROW_CHECK=1.
//
//   wrong_jobs MISTAKE...      of the names in kMistakes, until one is found
#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <optional>
#include <span>
#include <string_view>

#include "array/shared_array.hpp"
#include "mpi/environment.hpp"

namespace windrow {
namespace {

// Rows of 80 bytes: row blocks begin and end within pages.
constexpr Extents kExtents{4000, 10};
constexpr std::int64_t kRowBytes = 80;

/// What a mistake is made with.
struct Job {
  const Topology& topology;
  NodeMemory& memory;
  SharedArray& array;

  [[nodiscard]] bool is_last() const { return topology.world_rank() == topology.ranks() - 1; }
  [[nodiscard]] RowRange own() const { return array.row_block(); }

  /// A phase in which every rank fills its rows.
  void fill(std::byte value) const {
    memory.together([&] {
      const std::span<std::byte> bytes = array.lease_row_block().bytes();
      std::memset(bytes.data(), static_cast<int>(value), bytes.size());
    });
  }
};

void store(std::byte* address, std::byte value) {
  *const_cast<volatile std::byte*>(address) = value;
}

std::byte load(const std::byte* address) {
  return *const_cast<const volatile std::byte*>(address);
}

void nothing(const Job& job) {
  job.fill(std::byte{1});
  job.memory.together([&] { (void)load(job.array.read({0, 1}).data()); });
  job.fill(std::byte{2});
}

/// The last rank counts its rows from the first row of the array.
void store_to_rows_of_another(const Job& job) {
  job.memory.together([&] {
    std::byte* const rows = job.array.lease_row_block().bytes().data();
    if (job.is_last()) store(rows - (job.own().begin - 123) * kRowBytes, std::byte{1});
  });
}

/// One row too many, at the front.
void store_before_the_lease(const Job& job) {
  job.memory.together([&] {
    std::byte* const rows = job.array.lease_row_block().bytes().data();
    if (job.is_last()) store(rows - 1, std::byte{1});
  });
}

/// One byte too many, at the end of the array.
void store_behind_the_array(const Job& job) {
  job.memory.together([&] {
    const std::span<std::byte> rows = job.array.lease_row_block().bytes();
    if (job.is_last()) store(rows.data() + rows.size(), std::byte{1});
  });
}

void store_after_the_phase(const Job& job) {
  job.memory.together([&] {
    std::byte* const rows = job.array.lease_row_block().bytes().data();
    job.memory.publish();
    if (job.is_last()) store(rows + 7 * kRowBytes, std::byte{1});
  });
}

void load_after_the_phase(const Job& job) {
  job.fill(std::byte{1});
  job.memory.together([&] {
    const std::byte* const rows = job.array.read({0, 1000}).data();
    job.memory.publish();
    if (job.is_last()) (void)load(rows + 321 * kRowBytes);
  });
}

void load_without_read(const Job& job) {
  job.fill(std::byte{1});
  job.memory.together([&] {
    const std::byte* const row = job.array.read(job.own()).data();
    if (job.is_last()) (void)load(row - (job.own().begin - 5) * kRowBytes);
  });
}

/// The ranks take turns outside of the window: whether the reader comes first or last, it reads without a publish().
void read_without_publish(const Job& job, bool reads_first) {
  job.memory.together([&] {
    if (!job.is_last() && reads_first) job.topology.world.barrier();
    std::byte* const rows = job.array.lease_row_block().bytes().data();
    store(rows, std::byte{1});
    if (!job.is_last() && !reads_first) job.topology.world.barrier();
    if (!job.is_last()) return;
    if (!reads_first) job.topology.world.barrier();
    (void)load(job.array.read({17, 18}).data());
    if (reads_first) job.topology.world.barrier();
  });
}

void two_leases_of_a_row(const Job& job) {
  job.memory.together([&] {
    const RowRange own = job.own();
    const RowRange rows{job.is_last() ? own.begin - 1 : own.begin, own.end};
    store(job.array.lease(rows).bytes().data(), std::byte{1});
  });
}

struct Mistake {
  std::string_view name;
  std::function<void(const Job&)> make;
};

const std::array kMistakes{
    Mistake{"nothing", nothing},
    Mistake{"store_to_rows_of_another", store_to_rows_of_another},
    Mistake{"store_before_the_lease", store_before_the_lease},
    Mistake{"store_behind_the_array", store_behind_the_array},
    Mistake{"store_after_the_phase", store_after_the_phase},
    Mistake{"load_after_the_phase", load_after_the_phase},
    Mistake{"load_without_read", load_without_read},
    Mistake{"read_before_the_store", [](const Job& job) { read_without_publish(job, true); }},
    Mistake{"read_after_the_store", [](const Job& job) { read_without_publish(job, false); }},
    Mistake{"two_leases_of_a_row", two_leases_of_a_row},
};

/// Makes a mistake in a window of its own. *Throws*: AgreedError.
void make(const Mistake& mistake, const Topology& topology) {
  const ArrayShape shape{"array", ElementType::float64, kExtents};
  NodeMemory memory(topology, {.arrays = {shape}});
  SharedArray array(memory, shape, 0);
  // The window is freed by all ranks together, not while an exception is on its way.
  std::optional<AgreedError> found;
  try {
    mistake.make({topology, memory, array});
  } catch (const AgreedError& error) {
    found = error;
  }
  if (found) throw AgreedError(*found);
}

ExitStatus run(std::span<char* const> names) {
  const Environment environment;
  const Topology topology = Topology::discover(1);
  try {
    for (const std::string_view name : names) {
      const auto mistake = std::ranges::find(kMistakes, name, &Mistake::name);
      if (mistake == kMistakes.end()) return ExitStatus::usage;
      make(*mistake, topology);
    }
  } catch (const AgreedError& error) {
    if (topology.world_rank() == 0) say(error.what());
    return error.status();
  }
  return ExitStatus::done;
}

}  // namespace
}  // namespace windrow

int main(int argc, char** argv) {
  return static_cast<int>(windrow::run(std::span(argv, static_cast<std::size_t>(argc)).subspan(1)));
}
