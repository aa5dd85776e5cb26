#include "mpi/waiting.hpp"

#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <climits>
#include <ctime>
#include <thread>

#include "mpi/communicator.hpp"
#include "mpi/environment.hpp"

namespace windrow {
namespace {

// The longest sleep between two looks at the failure word: what a failure costs the others, and 20 wake-ups a second.
constexpr std::chrono::nanoseconds kNap{50'000'000};
// About 50 us: as long as a futex takes to sleep and be woken, several times over.
constexpr int kSpins = 1000;

void pause_processor() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  std::this_thread::yield();
#endif
}

// Not FUTEX_PRIVATE_FLAG: the waiters are other processes, and their mappings of the window lie elsewhere.
void futex_wait(std::uint32_t& word, std::uint32_t seen, std::chrono::nanoseconds longest) noexcept {
  const timespec nap{0, std::min(longest, kNap).count()};
  syscall(SYS_futex, &word, FUTEX_WAIT, seen, &nap, nullptr, 0);
}

void futex_wake_all(std::uint32_t& word) noexcept {
  syscall(SYS_futex, &word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

std::chrono::nanoseconds time_to(Deadline deadline) {
  if (!deadline) return std::chrono::nanoseconds::max();
  return std::max(*deadline - std::chrono::steady_clock::now(), std::chrono::nanoseconds{0});
}

}  // namespace

Waiter::Waiter(FailureRecord& failure, int sharing_ranks)
    : failure_(&failure), spins_(sharing_ranks > sysconf(_SC_NPROCESSORS_ONLN) ? 0 : kSpins) {}

void Waiter::idle(OnFailure on_failure) const {
  if (is_failure_raised(*failure_)) {
    if (on_failure == OnFailure::throw_peer_failure) throw PeerFailure();
    const auto now = std::chrono::steady_clock::now();
    if (!failure_seen_) failure_seen_ = now;
    if (std::chrono::duration<double>(now - *failure_seen_).count() > Environment::grace_s() && claim_abort(*failure_))
      Environment::abort(recorded_failure(*failure_));
  }
  if (idle_) idle_();
}

bool Waiter::spin_while(const WaitWord& word, std::uint32_t seen) const noexcept {
  for (int spin = 0; spin < spins_; ++spin) {
    if (load(word) != seen) return true;
    pause_processor();
  }
  return false;
}

bool Waiter::wait_while(WaitWord& word, std::uint32_t seen, OnFailure on_failure, Deadline deadline) const {
  if (spin_while(word, seen)) return true;
  const std::atomic_ref sleepers(word.sleepers);
  while (load(word) == seen) {
    const std::chrono::nanoseconds left = time_to(deadline);
    if (left.count() == 0) return false;
    sleepers.fetch_add(1, std::memory_order_seq_cst);
    futex_wait(word.value, seen, left);
    sleepers.fetch_sub(1, std::memory_order_relaxed);
    if (load(word) != seen) return true;
    idle(on_failure);
  }
  return true;
}

bool Waiter::poll_until(const std::function<bool()>& ready, OnFailure on_failure, Deadline deadline) const {
  for (int spin = 0; spin < spins_; ++spin) {
    if (ready()) return true;
    pause_processor();
  }
  // Naps grow to a millisecond: short waits stay short, long ones cost nearly nothing.
  std::chrono::microseconds nap{20};
  auto last_idle = std::chrono::steady_clock::now();
  while (!ready()) {
    const std::chrono::nanoseconds left = time_to(deadline);
    if (left.count() == 0) return false;
    std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(nap, left));
    nap = std::min(nap * 2, std::chrono::microseconds{1000});
    const auto now = std::chrono::steady_clock::now();
    if (now - last_idle > kNap) {
      idle(on_failure);
      last_idle = now;
    }
  }
  return true;
}

void Waiter::wait_for_message(MPI_Request& request) const {
  poll_until(
      [&] {
        int done = 0;
        check_mpi(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "MPI_Test");
        return done != 0;
      },
      OnFailure::abort_after_grace);
}

namespace {

// A rank that is about to sleep has either been counted, or the kernel finds the new value and does not let it sleep:
// the change of the value, this look and both steps of the sleeper are sequentially consistent.
void wake_sleepers(WaitWord& word) noexcept {
  if (std::atomic_ref(word.sleepers).load(std::memory_order_seq_cst) != 0) futex_wake_all(word.value);
}

}  // namespace

void store_and_wake(WaitWord& word, std::uint32_t value) noexcept {
  std::atomic_ref(word.value).store(value, std::memory_order_seq_cst);
  wake_sleepers(word);
}

std::uint32_t add_and_wake(WaitWord& word) noexcept {
  const std::uint32_t value = std::atomic_ref(word.value).fetch_add(1, std::memory_order_seq_cst) + 1;
  wake_sleepers(word);
  return value;
}

std::uint32_t load(const WaitWord& word) noexcept {
  return std::atomic_ref(const_cast<std::uint32_t&>(word.value)).load(std::memory_order_acquire);
}

}  // namespace windrow
