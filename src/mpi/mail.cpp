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
  void wait(const Waiter& waiter) {
    waiter.poll_until(
        [&] {
          int is_done = 0;
          check_mpi(MPI_Test(&handle_, &is_done, MPI_STATUS_IGNORE), "MPI_Test");
          return is_done != 0;
        },
        OnFailure::throw_peer_failure);
  }

 private:
  MPI_Request handle_ = MPI_REQUEST_NULL;
};

/// Calls `transfer` with each piece, at least one.
template <typename Byte, typename Transfer>
void for_each_piece(std::span<Byte> bytes, const Transfer& transfer) {
  do {
    const std::size_t piece = std::min(bytes.size(), static_cast<std::size_t>(kMessageBytes));
    transfer(bytes.first(piece));
    bytes = bytes.subspan(piece);
  } while (!bytes.empty());
}

}  // namespace

void Mail::send(int kind, std::span<const std::byte> bytes, int destination) const {
  for_each_piece(bytes, [&](std::span<const std::byte> piece) {
    Request request;
    check_mpi(MPI_Isend(piece.data(), mpi_count(std::ssize(piece)), MPI_BYTE, destination, first_kind_ + kind,
                        ranks_->handle(), request.handle()),
              "MPI_Isend");
    request.wait(*waiter_);
  });
}

void Mail::receive(int kind, std::span<std::byte> bytes, int source) const {
  for_each_piece(bytes, [&](std::span<std::byte> piece) {
    Request request;
    check_mpi(MPI_Irecv(piece.data(), mpi_count(std::ssize(piece)), MPI_BYTE, source, first_kind_ + kind,
                        ranks_->handle(), request.handle()),
              "MPI_Irecv");
    request.wait(*waiter_);
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
  if (!is_there) return std::nullopt;
  receive(kind, bytes, status.MPI_SOURCE);
  return status.MPI_SOURCE;
}

}  // namespace windrow
