#include <array>

#include "jobs/sharing/way.hpp"

namespace windrow::jobs::sharing {

std::span<const Entry> ways() {
  static constexpr std::array table{
      Entry{"computation", "the numbers alone, not stored", "", Shape::fill, false, make_computation},
      Entry{"private", "private memory", "an array of each process", Shape::fill, false, make_private},
      Entry{"window", "shared window, in place", "Array, np.frombuffer", Shape::fill, true, make_window},
      Entry{"window-lock", "shared window, a lock for each fill", "with array.get_lock():", Shape::fill, true,
            make_window_lock},
      Entry{"elements", "element by element, converted", "Array(lock=False)[n] = x", Shape::fill, true, make_elements},
      Entry{"elements-lock", "element by element, a lock for each", "Array()[n] = x", Shape::fill, true,
            make_elements_lock},
      Entry{"read", "shared window, read in place", "shared_memory, Event", Shape::move, true, make_window_read},
      Entry{"messages", "messages", "Send and Recv of mpi4py", Shape::move, false, make_messages},
      Entry{"put", "MPI_Put into the reader's memory", "Win.Put of mpi4py", Shape::move, false, make_put},
      Entry{"get", "MPI_Get from the writer's memory", "Win.Get of mpi4py", Shape::move, false, make_get},
      Entry{"serialised", "serialised, through a pipe", "Queue.put and Queue.get", Shape::move, false, make_serialised},
      Entry{"pipe", "anonymous pipe", "Pipe().send_bytes", Shape::move, false, make_pipe},
      Entry{"fifo", "named FIFO", "os.mkfifo", Shape::move, false, make_fifo},
      Entry{"queue", "POSIX message queue", "posix_ipc.MessageQueue", Shape::move, false, make_queue},
      Entry{"disk-file", "file on a disk", "np.save and np.load", Shape::move, false, make_disk_file},
      Entry{"tmpfs-file", "file in memory", "np.save to /dev/shm", Shape::move, false, make_tmpfs_file},
      Entry{"mapped-file", "memory-mapped file", "np.memmap", Shape::move, false, make_mapped_file},
      Entry{"server-one", "server, asked by one rank", "Manager().list, one", Shape::serve_one, false, make_server_one},
      Entry{"server-all", "server, asked by all", "Manager().list", Shape::serve_all, false, make_server_all},
      Entry{"server-lost", "server, a fetched copy is changed", "list(proxy)[:] = x", Shape::serve_all, false,
            make_server_lost, "the change is lost: the server's numbers are the old ones"},
      Entry{"load-once", "read-only array, once a node", "a global, before fork", Shape::load, true, make_load_once},
      Entry{"load-each", "read-only array, a copy each rank", "initializer of a Pool", Shape::load, false,
            make_load_each},
  };
  return table;
}

std::int64_t parts(Shape shape, int node_ranks) {
  switch (shape) {
    case Shape::move:
      return node_ranks / 2;
    case Shape::serve_one:
      return node_ranks > 1 ? 1 : 0;
    case Shape::serve_all:
      return node_ranks - 1;
    case Shape::load:
      return std::int64_t{node_ranks} * node_ranks;
    case Shape::fill:
      break;
  }
  return node_ranks;
}

double number(std::int64_t n, int rank, std::int64_t time) {
  return static_cast<double>(rank + time + n % 1024);
}

void fill(std::span<double> part, int rank, std::int64_t time) {
  const auto base = static_cast<double>(rank + time);
  for (std::size_t begin = 0; begin < part.size(); begin += 1024) {
    const std::size_t count = std::min<std::size_t>(1024, part.size() - begin);
    double* const out = part.data() + begin;
    for (std::size_t n = 0; n < count; ++n) out[n] = base + static_cast<double>(static_cast<std::int32_t>(n));
  }
}

double sum(std::span<const double> part) {
  constexpr std::size_t lanes = 16;
  std::array<double, lanes> sums{};
  std::size_t n = 0;
  for (; n + lanes <= part.size(); n += lanes)
    for (std::size_t lane = 0; lane < lanes; ++lane) sums[lane] += part[n + lane];
  double all = 0.0;
  for (const double of_lane : sums) all += of_lane;
  for (; n < part.size(); ++n) all += part[n];
  return all;
}

void verify_sum(const Setting& setting, double found, int rank, std::int64_t time) {
  const std::int64_t whole = setting.numbers / 1024;
  const std::int64_t rest = setting.numbers % 1024;
  constexpr std::int64_t of_whole = std::int64_t{1023} * 512;
  const std::int64_t of_rest = rest * (rest - 1) / 2;
  const auto expected = static_cast<double>(setting.numbers * (rank + time) + whole * of_whole + of_rest);
  if (found != expected)
    throw Error(ExitStatus::verification, "the numbers of rank {} of a node sum up to {} after fill {}, not to {}",
                rank, found, time, expected);
}

}  // namespace windrow::jobs::sharing
