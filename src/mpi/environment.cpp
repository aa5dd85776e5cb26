#include "mpi/environment.hpp"

#include <mpi.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <climits>
#include <csignal>
#include <cstdio>
#include <ctime>

#include "mpi/communicator.hpp"
#include "mpi/launcher.hpp"

namespace windrow {
namespace {

// Read by a signal handler: a plain array, written before its first byte is.
std::array<char, PATH_MAX> unfinished_output{};

extern "C" void remove_unfinished_and_die(int signal_number) {
  if (unfinished_output[0] != '\0') {
    unlink(unfinished_output.data());
    constexpr std::string_view message = "\nwindrow: ended by a signal; the output was not written\n";
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, message.data(), message.size());
  } else {
    // mpirun kills all ranks as soon as one has died: the rank that has something to remove goes first.
    const timespec half_a_second{0, 500'000'000};
    nanosleep(&half_a_second, nullptr);
  }
  std::signal(signal_number, SIG_DFL);
  std::raise(signal_number);
}

void install_handlers() {
  struct sigaction action {};
  action.sa_handler = remove_unfinished_and_die;
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2}) sigaction(number, &action, nullptr);
  // A write beyond the file size limit is to return EFBIG, one to a closed pipe EPIPE.
  for (const int number : {SIGXFSZ, SIGPIPE}) std::signal(number, SIG_IGN);
}

}  // namespace

Environment::Environment() {
  install_handlers();
  set_launcher_defaults();
  int provided = 0;
  check_mpi(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided), "MPI_Init_thread");
}

Environment::~Environment() {
  MPI_Finalize();
}

void Environment::abort(const Error& error) noexcept {
  say(fmt::format("windrow: {}", error.what()));
  std::fflush(nullptr);
  if (unfinished_output[0] != '\0') unlink(unfinished_output.data());
  MPI_Abort(MPI_COMM_WORLD, static_cast<int>(error.status()));
  _exit(static_cast<int>(error.status()));
}

int Environment::world_size() {
  int size = 0;
  check_mpi(MPI_Comm_size(MPI_COMM_WORLD, &size), "MPI_Comm_size");
  return size;
}

std::string Environment::library_version() {
  std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
  int length = 0;
  check_mpi(MPI_Get_library_version(text.data(), &length), "MPI_Get_library_version");
  const std::string_view version(text.data(), static_cast<std::size_t>(length));
  return std::string(version.substr(0, version.find_first_of(",\n")));
}

void remove_if_killed(const std::string& path) noexcept {
  unfinished_output[0] = '\0';
  if (path.empty() || path.size() >= unfinished_output.size()) return;
  std::copy(path.begin() + 1, path.end(), unfinished_output.begin() + 1);
  unfinished_output[path.size()] = '\0';
  std::atomic_signal_fence(std::memory_order_release);
  unfinished_output[0] = path[0];
}

}  // namespace windrow
