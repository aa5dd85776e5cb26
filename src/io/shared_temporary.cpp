#include "io/shared_temporary.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <thread>

#include "base/error.hpp"

namespace windrow::io {
namespace {

const std::string& host_of(const Topology& topology, int node) {
  const int host = topology.host_of_node[static_cast<std::size_t>(node)];
  return topology.host_names[static_cast<std::size_t>(host)];
}

/// Why the file is not to be seen here; 0 if it is. The clients of a file system that is reached by network may learn
/// late of a new file. Its name is no other file's: number and device, which some of them make up, need not be alike.
int look_for(const std::string& path) {
  using namespace std::chrono_literals;
  struct stat status {};
  const auto deadline = std::chrono::steady_clock::now() + 3s;
  while (stat(path.c_str(), &status) != 0) {
    if (errno != ENOENT || std::chrono::steady_clock::now() > deadline) return errno;
    std::this_thread::sleep_for(50ms);
  }
  return 0;
}

}  // namespace

void check_sees_temporary(const Topology& topology, const std::string& path) {
  if (const int error_number = look_for(path); error_number != 0)
    throw Error(ExitStatus::io,
                "{} does not see the output's temporary {} that rank 0 has made on {}: {}\n"
                "  try: an output.file in a folder that all nodes share, by its full path",
                host_of(topology, topology.node_number), path, topology.host_names.front(), errno_text(error_number));
}

}  // namespace windrow::io
