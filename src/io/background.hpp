#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>

#include "mpi/waiting.hpp"

namespace windrow::io {

/// A thread that reads and writes files beside the one that hands it what to do. It must not call MPI.
class Background {
 public:
  Background();
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;
  /// Ends when the task that is being done is; what was not begun is dropped.
  ~Background();

  /// Tasks are done one after the other; after one that throws, no more.
  void submit(std::function<void()> task);
  /// Waits until all are done. *Throws*: what a task has thrown; PeerFailure.
  void wait(const Waiter& waiter);

 private:
  void work();

  std::mutex mutex_;
  std::condition_variable has_work_;
  std::deque<std::function<void()>> tasks_;
  std::exception_ptr failure_;
  bool is_ending_ = false;
  std::uint32_t submitted_ = 0;
  WaitWord done_{};
  std::thread thread_;
};

}  // namespace windrow::io
