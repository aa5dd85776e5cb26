#include "mpi/together.hpp"

#include <algorithm>
#include <optional>

#include "mpi/waiting.hpp"

namespace windrow {
namespace {

/// The lowest rank with an error, or the number of ranks. A rank without one waits for as long as it takes.
int first_failed(const Communicator& comm, const std::optional<Error>& error) {
  const std::int64_t rank = comm.rank();
  const std::int64_t mine = error ? rank : comm.size();
  std::int64_t first = 0;
  MPI_Request request = MPI_REQUEST_NULL;
  check_mpi(MPI_Iallreduce(&mine, &first, 1, MPI_INT64_T, MPI_MIN, comm.handle(), &request), "MPI_Iallreduce");
  FailureRecord own{};
  if (error) raise_failure(own, static_cast<int>(rank), error->status(), error->what());
  Waiter(own, comm.size()).wait_for_message(request);
  return static_cast<int>(first);
}

std::optional<AgreedError> agree(const Communicator& comm, const std::optional<Error>& error) {
  const int root = first_failed(comm, error);
  if (root == comm.size()) return std::nullopt;
  const std::int64_t status = comm.broadcast(error ? static_cast<std::int64_t>(error->status()) : 0, root);
  return AgreedError(static_cast<ExitStatus>(status), root, comm.broadcast(error ? error->what() : "", root));
}

}  // namespace

void together(const WorldComm& world, const std::function<void()>& body) {
  if (const std::optional<AgreedError> error = agree(world, error_of(body))) throw AgreedError(*error);
}

void together(const NodeComm& node, const std::function<void()>& body) {
  if (const std::optional<AgreedError> error = agree(node, error_of(body)))
    throw Error(error->status(), std::string(error->what()));
}

std::string broadcast(const WorldComm& world, const Together& run_together, std::string text) {
  run_together([] {});
  const std::int64_t length = world.broadcast(std::ssize(text), 0);
  run_together([&] { text.resize(static_cast<std::size_t>(length)); });
  world.broadcast(std::as_writable_bytes(std::span(text)), 0);
  return text;
}

std::vector<std::byte> gather(const Communicator& ranks, const Together& run_together,
                              std::span<const std::byte> part) {
  run_together([] {});
  const GatheredBytes sizes = ranks.gathered_bytes(std::ssize(part));
  std::vector<std::byte> gathered;
  run_together([&] {
    gathered.resize(static_cast<std::size_t>(sizes.total()));
    std::ranges::copy(part, gathered.begin());
  });
  ranks.gather(sizes, gathered);
  if (ranks.rank() != 0) return {};
  return gathered;
}

}  // namespace windrow
