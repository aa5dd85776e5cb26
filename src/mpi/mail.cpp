#include "mpi/mail.hpp"

#include <algorithm>

#include "mpi/count.hpp"

namespace windrow {
namespace {

/// A request that is under way. One that is not waited for to its end, since the run is over, is given up.
class Request {
 public:
  Request() = default;
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;
  ~Request() {
    if (handle_ == MPI_REQUEST_NULL) return;
    MPI_Cancel(&handle_);
    MPI_Request_free(&handle_);
  }

  [[nodiscard]] MPI_Request* handle() { return &handle_; }
  [[nodiscard]] bool wait(const Waiter& waiter, Deadline deadline) {
    return waiter.poll_until(
        [&] {
          int is_done = 0;
          check_mpi(MPI_Test(&handle_, &is_done, MPI_STATUS_IGNORE), "MPI_Test");
          return is_done != 0;
        },
        OnFailure::throw_peer_failure, deadline);
  }

 private:
  MPI_Request handle_ = MPI_REQUEST_NULL;
};

/// Calls `transfer` with each piece, at least one, until it returns false. Returns whether it never has.
template <typename Byte, typename Transfer>
bool for_each_piece(std::span<Byte> bytes, const Transfer& transfer) {
  do {
    const std::size_t piece = std::min(bytes.size(), static_cast<std::size_t>(kMessageBytes));
    if (!transfer(bytes.first(piece))) return false;
    bytes = bytes.subspan(piece);
  } while (!bytes.empty());
  return true;
}

}  // namespace

bool Mail::send(int kind, std::span<const std::byte> bytes, int destination, Deadline deadline) const {
  return for_each_piece(bytes, [&](std::span<const std::byte> piece) {
    Request request;
    check_mpi(MPI_Isend(piece.data(), mpi_count(std::ssize(piece)), MPI_BYTE, destination, first_kind_ + kind,
                        ranks_->handle(), request.handle()),
              "MPI_Isend");
    return request.wait(*waiter_, deadline);
  });
}

bool Mail::receive(int kind, std::span<std::byte> bytes, int source, Deadline deadline) const {
  return for_each_piece(bytes, [&](std::span<std::byte> piece) {
    Request request;
    check_mpi(MPI_Irecv(piece.data(), mpi_count(std::ssize(piece)), MPI_BYTE, source, first_kind_ + kind,
                        ranks_->handle(), request.handle()),
              "MPI_Irecv");
    return request.wait(*waiter_, deadline);
  });
}

std::optional<int> Mail::receive_from_any(int kind, std::span<std::byte> bytes, Deadline deadline) const {
  MPI_Status status;
  const bool is_there = waiter_->poll_until(
      [&] {
        int found = 0;
        check_mpi(MPI_Iprobe(MPI_ANY_SOURCE, first_kind_ + kind, ranks_->handle(), &found, &status), "MPI_Iprobe");
        return found != 0;
      },
      OnFailure::throw_peer_failure, deadline);
  if (!is_there || !receive(kind, bytes, status.MPI_SOURCE, deadline)) return std::nullopt;
  return status.MPI_SOURCE;
}

}  // namespace windrow
