// Ways to fill: every rank its own part.
#include <atomic>
#include <variant>
#include <vector>

#include "jobs/sharing/way.hpp"

namespace windrow::jobs::sharing {
namespace {

/// What would be stored, added up as it is computed.
class Computation final : public Way {
 public:
  using Way::Way;
  void run(std::int64_t time) override {
    // A piece that stays in the first-level cache.
    std::array<double, 1024> piece{};
    sum_ = 0.0;
    for (std::int64_t n = 0; n < setting().numbers; n += std::ssize(piece)) {
      const auto some = std::span(piece).first(
          static_cast<std::size_t>(std::min<std::int64_t>(std::ssize(piece), setting().numbers - n)));
      fill(some, rank(), time);
      sum_ += sum(some);
    }
  }
  void verify(std::int64_t last) override { verify_sum(setting(), sum_, rank(), last); }

 private:
  double sum_ = 0.0;
};

class PrivateMemory final : public Way {
 public:
  explicit PrivateMemory(const Setting& setting) : Way(setting), part_(static_cast<std::size_t>(setting.numbers)) {}
  void run(std::int64_t time) override { fill(part_, rank(), time); }
  void verify(std::int64_t last) override { verify_sum(setting(), sum(part_), rank(), last); }

 private:
  std::vector<double> part_;
};

/// This rank's row of the array in the window; others read it after a publish().
class InWindow : public Way {
 public:
  explicit InWindow(const Setting& setting) : Way(setting), array_(&setting.context->array("numbers")) {}
  void run(std::int64_t time) override {
    if (!lease_) lease_.emplace(array_->lease_row_block());
    const std::span<std::byte> bytes = lease_->bytes();
    store({reinterpret_cast<double*>(bytes.data()), bytes.size() / sizeof(double)}, time);
  }
  /// By another rank, in place.
  void verify(std::int64_t last) override {
    const RowRange rows = array_->node_rows();
    const int other = (rank() + 1) % static_cast<int>(rows.rows());
    const std::int64_t row = rows.begin + other;
    const std::span<const std::byte> bytes = array_->read({row, row + 1});
    verify_sum(setting(), sum({reinterpret_cast<const double*>(bytes.data()), bytes.size() / sizeof(double)}), other,
               last);
  }

 protected:
  virtual void store(std::span<double> part, std::int64_t time) { fill(part, rank(), time); }

 private:
  SharedArray* array_;
  std::optional<Lease> lease_;
};

/// A lock in the window.
class Lock {
 public:
  explicit Lock(const Setting& setting)
      : word_(setting.context->memory().control().tickets[0].next),
        waiter_(&setting.context->memory().rendezvous().waiter()) {}
  void lock() {
    while (word_.exchange(1, std::memory_order_acquire) != 0)
      waiter_->poll_until([this] { return word_.load(std::memory_order_relaxed) == 0; }, OnFailure::throw_peer_failure);
  }
  void unlock() { word_.store(0, std::memory_order_release); }

 private:
  std::atomic_ref<std::int64_t> word_;
  const Waiter* waiter_;
};

class InWindowWithLock final : public InWindow {
 public:
  explicit InWindowWithLock(const Setting& setting) : InWindow(setting), lock_(setting) {}

 private:
  void store(std::span<double> part, std::int64_t time) override {
    lock_.lock();
    InWindow::store(part, time);
    lock_.unlock();
  }
  Lock lock_;
};

/// A number whose type is known only when the program runs, as Python's are.
using Boxed = std::variant<std::int64_t, double>;

/// What an assignment to an element does: checks the index, and the type, converts, and stores.
[[gnu::noinline]] void assign(std::span<double> part, std::int64_t n, const Boxed& value) {
  if (n < 0 || n >= std::ssize(part)) throw Error(ExitStatus::internal, "no element {} of {}", n, part.size());
  part[static_cast<std::size_t>(n)] = std::visit([](auto number) { return static_cast<double>(number); }, value);
}

class ByElements final : public InWindow {
 public:
  using InWindow::InWindow;

 private:
  void store(std::span<double> part, std::int64_t time) override {
    for (std::int64_t n = 0; n < std::ssize(part); ++n) assign(part, n, number(n, rank(), time));
  }
};

class ByElementsWithLock final : public InWindow {
 public:
  explicit ByElementsWithLock(const Setting& setting) : InWindow(setting), lock_(setting) {}

 private:
  void store(std::span<double> part, std::int64_t time) override {
    for (std::int64_t n = 0; n < std::ssize(part); ++n) {
      lock_.lock();
      assign(part, n, number(n, rank(), time));
      lock_.unlock();
    }
  }
  Lock lock_;
};

}  // namespace

std::unique_ptr<Way> make_computation(const Setting& setting) {
  return std::make_unique<Computation>(setting);
}
std::unique_ptr<Way> make_private(const Setting& setting) {
  return std::make_unique<PrivateMemory>(setting);
}
std::unique_ptr<Way> make_window(const Setting& setting) {
  return std::make_unique<InWindow>(setting);
}
std::unique_ptr<Way> make_window_lock(const Setting& setting) {
  return std::make_unique<InWindowWithLock>(setting);
}
std::unique_ptr<Way> make_elements(const Setting& setting) {
  return std::make_unique<ByElements>(setting);
}
std::unique_ptr<Way> make_elements_lock(const Setting& setting) {
  return std::make_unique<ByElementsWithLock>(setting);
}

}  // namespace windrow::jobs::sharing
