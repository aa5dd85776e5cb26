// Ways to move within MPI, and within the window.
#include <mpi.h>

#include "jobs/sharing/pair.hpp"
#include "mpi/count.hpp"

namespace windrow::jobs::sharing {
namespace {

constexpr int kFilled = 0;
constexpr int kRead = 1;

/// The reader looks into the writer's row.
class ReadInWindow final : public PairWay {
 public:
  explicit ReadInWindow(const Setting& setting) : PairWay(setting), array_(&setting.context->array("numbers")) {
    if (setting.context->memory().check() != nullptr)
      throw Unavailable("it reads within a phase what is written in it, which WINDROW_CHECK=1 does not allow");
  }

 private:
  void write(std::int64_t time) override {
    if (!lease_) lease_.emplace(array_->lease_row_block());
    if (time > 0) hear(kRead);
    const std::span<std::byte> bytes = lease_->bytes();
    fill({reinterpret_cast<double*>(bytes.data()), bytes.size() / sizeof(double)}, rank(), time);
    tell(kFilled);
    if (time + 1 == setting().fills) hear(kRead);
  }
  double read(std::int64_t /*time*/) override {
    hear(kFilled);
    // Not by SharedArray::read(), which is for what was written before the phase: here a message orders it.
    const std::span<const std::byte> window = setting().context->memory().window().bytes();
    const WindowLayout::Item& place = setting().context->memory().layout().arrays[0];
    const std::int64_t first = place.offset + partner() * setting().bytes();
    const auto bytes = window.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(setting().bytes()));
    const double found = sum({reinterpret_cast<const double*>(bytes.data()), bytes.size() / sizeof(double)});
    tell(kRead);
    return found;
  }

  SharedArray* array_;
  std::optional<Lease> lease_;
};

class Messages final : public PairWithMemory {
 public:
  using PairWithMemory::PairWithMemory;

 private:
  void write(std::int64_t time) override {
    fill(part(), rank(), time);
    static_cast<void>(mail().send(kFilled, bytes(), partner(), {}));
  }
  double read(std::int64_t /*time*/) override {
    static_cast<void>(mail().receive(kFilled, bytes(), partner(), {}));
    return sum(part());
  }
};

/// Memory of each rank that others reach by MPI_Put and MPI_Get.
class RemoteMemory : public PairWay {
 public:
  explicit RemoteMemory(const Setting& setting) : PairWay(setting) {
    // One node after the other: windows of several nodes on one host that are made at a time can get one backing file.
    const Topology& topology = setting.context->topology();
    for (int node = 0; node < topology.nodes(); ++node) {
      if (node == topology.node_number)
        check_mpi(MPI_Win_allocate(has_partner() ? setting.bytes() : 0, sizeof(double), MPI_INFO_NULL,
                                   setting.node().handle(), static_cast<void*>(&memory_), &window_),
                  "MPI_Win_allocate");
      topology.world.barrier();
    }
    check_mpi(MPI_Win_lock_all(MPI_MODE_NOCHECK, window_), "MPI_Win_lock_all");
  }
  void close() override {
    check_mpi(MPI_Win_unlock_all(window_), "MPI_Win_unlock_all");
    check_mpi(MPI_Win_free(&window_), "MPI_Win_free");
  }

 protected:
  [[nodiscard]] std::span<double> exposed() const { return {memory_, static_cast<std::size_t>(setting().numbers)}; }
  [[nodiscard]] MPI_Win window() const { return window_; }
  void sync() const { check_mpi(MPI_Win_sync(window_), "MPI_Win_sync"); }
  void flush() const { check_mpi(MPI_Win_flush(partner(), window_), "MPI_Win_flush"); }
  /// The same for pieces that MPI can count.
  template <typename Transfer>
  void in_pieces(const Transfer& transfer) const {
    constexpr std::int64_t most = kMessageBytes / 8;
    for (std::int64_t at = 0; at < setting().numbers; at += most)
      transfer(at, mpi_count(std::min(most, setting().numbers - at)));
  }

 private:
  double* memory_ = nullptr;
  MPI_Win window_ = MPI_WIN_NULL;
};

class Put final : public RemoteMemory {
 public:
  explicit Put(const Setting& setting)
      : RemoteMemory(setting), part_(writes() ? static_cast<std::size_t>(setting.numbers) : 0) {}

 private:
  void write(std::int64_t time) override {
    fill(part_, rank(), time);
    if (time > 0) hear(kRead);
    in_pieces([&](std::int64_t at, int count) {
      check_mpi(MPI_Put(part_.data() + at, count, MPI_DOUBLE, partner(), at, count, MPI_DOUBLE, window()), "MPI_Put");
    });
    flush();
    tell(kFilled);
    if (time + 1 == setting().fills) hear(kRead);
  }
  double read(std::int64_t /*time*/) override {
    hear(kFilled);
    sync();
    const double found = sum(exposed());
    tell(kRead);
    return found;
  }
  std::vector<double> part_;
};

class Get final : public RemoteMemory {
 public:
  explicit Get(const Setting& setting)
      : RemoteMemory(setting), part_(reads() ? static_cast<std::size_t>(setting.numbers) : 0) {}

 private:
  void write(std::int64_t time) override {
    if (time > 0) hear(kRead);
    fill(exposed(), rank(), time);
    sync();
    tell(kFilled);
    if (time + 1 == setting().fills) hear(kRead);
  }
  double read(std::int64_t /*time*/) override {
    hear(kFilled);
    in_pieces([&](std::int64_t at, int count) {
      check_mpi(MPI_Get(part_.data() + at, count, MPI_DOUBLE, partner(), at, count, MPI_DOUBLE, window()), "MPI_Get");
    });
    flush();
    tell(kRead);
    return sum(part_);
  }
  std::vector<double> part_;
};

}  // namespace

std::unique_ptr<Way> make_window_read(const Setting& setting) {
  return std::make_unique<ReadInWindow>(setting);
}
std::unique_ptr<Way> make_messages(const Setting& setting) {
  return std::make_unique<Messages>(setting);
}
std::unique_ptr<Way> make_put(const Setting& setting) {
  return std::make_unique<Put>(setting);
}
std::unique_ptr<Way> make_get(const Setting& setting) {
  return std::make_unique<Get>(setting);
}

}  // namespace windrow::jobs::sharing
