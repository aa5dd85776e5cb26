#include "mpi/together.hpp"

#include <optional>

namespace windrow {

void together(const WorldComm& world, const std::function<void()>& body) {
  const std::optional<Error> error = error_of(body);
  const std::int64_t nobody = world.size();
  const std::int64_t first = world.minimum(error ? std::int64_t{world.rank()} : nobody);
  if (first == nobody) return;
  const auto root = static_cast<int>(first);
  const std::int64_t status = world.broadcast(error ? static_cast<std::int64_t>(error->status()) : 0, root);
  throw AgreedError(static_cast<ExitStatus>(status), root, world.broadcast(error ? error->what() : "", root));
}

}  // namespace windrow
