#include "io/background.hpp"

#include <csignal>
#include <utility>

namespace windrow::io {
namespace {

/// While it lives, no signal is delivered to this thread, nor to one that it starts.
class BlockedSignals {
 public:
  BlockedSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before_);
  }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;
  ~BlockedSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

}  // namespace

Background::Background() {
  const BlockedSignals blocked;  // they are the main thread's to handle
  thread_ = std::thread([this] { work(); });
}

Background::~Background() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  has_work_.notify_one();
  thread_.join();
}

void Background::submit(std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  ++submitted_;
  has_work_.notify_one();
}

void Background::wait(const Waiter& waiter) {
  for (std::uint32_t done = load(done_); done != submitted_; done = load(done_))
    waiter.wait_while(done_, done, OnFailure::throw_peer_failure);
  if (failure_) std::rethrow_exception(failure_);
}

void Background::work() {
  for (;;) {
    std::function<void()> task;
    {
      std::unique_lock lock(mutex_);
      has_work_.wait(lock, [&] { return is_ending_ || !tasks_.empty(); });
      if (is_ending_) return;
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    try {
      if (!failure_) task();
    } catch (...) {
      failure_ = std::current_exception();
    }
    add_and_wake(done_);
  }
}

}  // namespace windrow::io
