#include "mpi/failure.hpp"

#include <algorithm>
#include <atomic>
#include <new>
#include <thread>

namespace windrow {
namespace {

enum : std::uint32_t { kNone = 0, kWriting = 1, kReadable = 2 };

std::uint32_t state_of(const FailureRecord& record) noexcept {
  // std::atomic_ref wants a mutable object, although load() does not change it.
  return std::atomic_ref(const_cast<std::uint32_t&>(record.state)).load(std::memory_order_acquire);
}

}  // namespace

std::optional<Error> error_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const PeerFailure&) {
    throw;
  } catch (const AgreedError&) {
    throw;
  } catch (const Error& error) {
    return error;
  } catch (const std::bad_alloc&) {
    return Error(ExitStatus::resources, "the memory of a process ran out");
  } catch (const std::exception& error) {
    return Error(ExitStatus::internal, std::string(error.what()));
  }
  return std::nullopt;
}

bool raise_failure(FailureRecord& record, int world_rank, ExitStatus status, std::string_view message) noexcept {
  std::uint32_t expected = kNone;
  if (!std::atomic_ref(record.state).compare_exchange_strong(expected, kWriting)) return false;
  const std::size_t bytes = std::min(message.size(), record.message.size());
  std::copy_n(message.begin(), bytes, record.message.begin());
  record.message_bytes = static_cast<std::uint32_t>(bytes);
  record.world_rank = world_rank;
  record.status = static_cast<std::int32_t>(status);
  std::atomic_ref(record.state).store(kReadable, std::memory_order_release);
  return true;
}

void replace_failure(FailureRecord& record, const FailureRecord& agreed) noexcept {
  std::atomic_ref(record.state).store(kWriting, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_release);
  record.message = agreed.message;
  record.message_bytes = agreed.message_bytes;
  record.world_rank = agreed.world_rank;
  record.status = agreed.status;
  std::atomic_ref(record.state).store(kReadable, std::memory_order_release);
}

bool claim_abort(FailureRecord& record) noexcept {
  return std::atomic_ref(record.aborting).exchange(1, std::memory_order_relaxed) == 0;
}

bool is_failure_raised(const FailureRecord& record) noexcept {
  return state_of(record) != kNone;
}

AgreedError recorded_failure(const FailureRecord& record) {
  while (state_of(record) != kReadable) std::this_thread::yield();
  return {static_cast<ExitStatus>(record.status), record.world_rank,
          std::string(record.message.data(), record.message_bytes)};
}

}  // namespace windrow
