#include "mpi/environment.hpp"

#include <fcntl.h>
#include <mpi.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "mpi/communicator.hpp"
#include "mpi/launcher.hpp"
#include "mpi/waiting.hpp"

namespace windrow {
namespace {

// Read by a signal handler: a plain array, written before its first byte is.
std::array<char, PATH_MAX> unfinished_output{};
std::atomic<bool> is_maker = false;
// The status that the run has ended with; -1: it has not.
std::atomic<int> status_of_run = -1;
static_assert(std::atomic<int>::is_always_lock_free);
std::function<void(const Error&)> tell_of_abort;
double grace = 10.0;

// What the kernel sends where the launcher has died: no launcher sends it.
const int kLauncherDied = SIGRTMIN;
pid_t launcher = 0;
// The standard error of the mpirun that started this process; empty: another program did.
std::array<char, 32> launchers_standard_error{};

// What MPI_Finalize would remove, if it came to that; empty: nothing.
std::array<char, PATH_MAX> session{};
constexpr int kSessionFolders = 4;

/// Those that others use are not empty, or are made anew as they are needed.
void remove_session() {
  for (int folder = 0; folder < kSessionFolders && session[0] != '\0' && rmdir(session.data()) == 0; ++folder)
    *std::strrchr(session.data(), '/') = '\0';
}

/// What a rank says that its launcher is about to end. mpirun sleeps while it ends its ranks, and may end itself before
/// it has passed on what they said meanwhile: they say it in its place.
void tell_past_launcher(std::string_view message) {
  const int direct = launchers_standard_error[0] != '\0' && getppid() == launcher
                         ? open(launchers_standard_error.data(), O_WRONLY | O_APPEND | O_NONBLOCK | O_CLOEXEC)
                         : -1;
  if (direct >= 0 && ::write(direct, message.data(), message.size()) == static_cast<ssize_t>(message.size())) return;
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, message.data(), message.size());
}

extern "C" void remove_unfinished_and_die(int signal_number) {
  // Threads of MPI hear it, too, for instance when a stopped process goes on: the main thread must not work meanwhile.
  if (gettid() != getpid()) {
    tgkill(getpid(), getpid(), signal_number);
    return;
  }
  // It is sent also when a thread of the launcher ends.
  if (signal_number == kLauncherDied && getppid() == launcher) return;
  // mpirun, seeing the first status that is not 0, sends a signal to the ranks that are still in MPI_Finalize.
  if (const int status = status_of_run.load(); status >= 0) _exit(status);
  if (!is_maker.load() && signal_number != kLauncherDied) {
    // mpirun kills all ranks as soon as one has died: the rank that has made something goes first.
    const timespec half_a_second{0, 500'000'000};
    nanosleep(&half_a_second, nullptr);
  }
  // Who removes it tells. A rank that aborts the run has told why, and removed it: the signal is mpirun's answer.
  if (unfinished_output[0] != '\0' && unlink(unfinished_output.data()) == 0)
    tell_past_launcher("\nwindrow: ended by a signal; the output was not written\n");
  UnfinishedWindow::remove();
  remove_session();
  std::signal(signal_number, SIG_DFL);
  std::raise(signal_number);
}

// Open MPI's mpirun, when it ends a run, begins with SIGCONT, sleeps for a second, and sends SIGTERM. What ranks print
// in that second it passes on behind what they say last.
constexpr std::chrono::seconds kEnding{2};
std::atomic<std::chrono::steady_clock::time_point> ending_until{};
static_assert(std::atomic<std::chrono::steady_clock::time_point>::is_always_lock_free);

extern "C" void expect_end(int) {
  ending_until = std::chrono::steady_clock::now() + kEnding;
}

// What remains of Open MPI's own use of shared memory: it stores to pages that it has not asked for.
std::array<char, PATH_MAX + 256> bus_error_message{};

std::atomic<FailureRecord*> abort_claim = nullptr;
static_assert(std::atomic<FailureRecord*>::is_always_lock_free);

extern "C" void tell_shortage_and_die(int signal_number, siginfo_t* info, void*) {
  if (info->si_code == BUS_ADRERR) {
    // One rank of a node dies. mpirun, seeing a second death while it ends the others, sends SIGKILL right behind
    // SIGTERM, before rank 0 has removed the output.
    FailureRecord* const record = abort_claim.load();
    if (record != nullptr && !claim_abort(*record)) {
      const timespec until_mpirun_ends_it{10, 0};
      nanosleep(&until_mpirun_ends_it, nullptr);
    }
    [[maybe_unused]] const ssize_t written =
        ::write(STDERR_FILENO, bus_error_message.data(), std::strlen(bus_error_message.data()));
    if (unfinished_output[0] != '\0') unlink(unfinished_output.data());
    remove_session();
    _exit(static_cast<int>(ExitStatus::resources));
  }
  std::signal(signal_number, SIG_DFL);
  std::raise(signal_number);
}

/// After MPI_Init: Open MPI has a handler of its own, which prints addresses.
void install_bus_error_handler() {
  const std::string folder = shared_memory_folder();
  fmt::format_to_n(bus_error_message.data(), bus_error_message.size() - 1,
                   "windrow: shared memory ran out while MPI was sending messages through it\n"
                   "  try: free what others hold in {0} and /dev/shm (`df -h {0} /dev/shm`)\n",
                   folder);
  struct sigaction action {};
  action.sa_sigaction = tell_shortage_and_die;
  action.sa_flags = SA_SIGINFO;
  // With it mpirun begins to end the others: it must not wake those that wait for that.
  sigaddset(&action.sa_mask, SIGCONT);
  sigaction(SIGBUS, &action, nullptr);
}

void install_handlers() {
  struct sigaction action {};
  action.sa_handler = remove_unfinished_and_die;
  sigaddset(&action.sa_mask, SIGCONT);
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2}) {
    // What nohup, or a shell for its background, has us ignore stays ignored.
    struct sigaction before {};
    if (sigaction(number, nullptr, &before) == 0 && before.sa_handler == SIG_IGN) continue;
    sigaction(number, &action, nullptr);
  }
  sigaction(kLauncherDied, &action, nullptr);
  action.sa_handler = expect_end;
  action.sa_flags = SA_RESTART;
  sigaction(SIGCONT, &action, nullptr);
  // A write beyond the file size limit is to return EFBIG, one to a closed pipe EPIPE.
  for (const int number : {SIGXFSZ, SIGPIPE}) std::signal(number, SIG_IGN);
}

/// Ranks whose launcher dies, as mpirun does of a second Ctrl-C, end at once, and not when MPI notices.
void die_with_launcher() {
  if (!is_launched()) return;
  launcher = getppid();
  prctl(PR_SET_PDEATHSIG, kLauncherDied);
  // Not the daemon that mpirun starts on another host: nobody reads what that one says.
  std::string name;
  std::getline(std::ifstream(fmt::format("/proc/{}/comm", launcher)), name);
  if (name == "mpirun" || name == "mpiexec" || name == "orterun")
    *fmt::format_to_n(launchers_standard_error.data(), launchers_standard_error.size() - 1, "/proc/{}/fd/2", launcher)
         .out = '\0';
}

// Of ranks that end the run at the same moment one tells why. They announce it to each other by messages, which reach
// all hosts, and which need no rank that may hang; so long they wait for each other's, far longer than a message takes.
constexpr std::chrono::milliseconds kAnnouncement{500};
// The others are ended by the launcher meanwhile, if the one that tells can do it.
constexpr std::chrono::seconds kUntilEnded{10};
constexpr int kAnnouncementTag = 1;

/// The lowest rank that has announced that it ends the run, among announcements not looked at before; none: INT_MAX.
int lowest_announced() noexcept {
  int lowest = INT_MAX;
  int is_there = 0;
  MPI_Status status;
  while (MPI_Iprobe(MPI_ANY_SOURCE, kAnnouncementTag, MPI_COMM_WORLD, &is_there, &status) == MPI_SUCCESS &&
         is_there != 0 &&
         MPI_Recv(nullptr, 0, MPI_BYTE, status.MPI_SOURCE, kAnnouncementTag, MPI_COMM_WORLD, MPI_STATUS_IGNORE) ==
             MPI_SUCCESS)
    lowest = std::min(lowest, status.MPI_SOURCE);
  return lowest;
}

/// Whether this rank is the one that tells: the lowest of those that announce it, which nobody does who has heard of
/// another. So none tells beside another unless a message takes half of kAnnouncement, and some rank always tells:
/// where MPI has failed, each does.
bool is_to_tell() noexcept {
  // MPI_COMM_WORLD has no other messages than these.
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  int size = 1;
  int rank = 0;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  if (size == 1) return true;
  if (lowest_announced() != INT_MAX) return false;
  for (int other = 0; other < size; ++other) {
    MPI_Request sent = MPI_REQUEST_NULL;
    if (other != rank) MPI_Isend(nullptr, 0, MPI_BYTE, other, kAnnouncementTag, MPI_COMM_WORLD, &sent);
    if (sent != MPI_REQUEST_NULL) MPI_Request_free(&sent);
  }
  const auto deadline = std::chrono::steady_clock::now() + kAnnouncement;
  while (std::chrono::steady_clock::now() < deadline) {
    if (lowest_announced() < rank) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

// MPI_Init has brought all ranks here over the launcher's connections; messages of their own take milliseconds, but
// some of a great many ranks come late.
std::chrono::seconds until_met(int ranks) {
  return std::chrono::seconds(30 + ranks / 1000);
}

/// Has all ranks hear of each other. Open MPI waits for ever where messages do not get through: behind a firewall, or
/// where one rank could not map what others send through.
void meet() {
  MPI_Request request = MPI_REQUEST_NULL;
  check_mpi(MPI_Ibarrier(MPI_COMM_WORLD, &request), "MPI_Ibarrier");
  FailureRecord none{};
  const auto have_met = [&] {
    int done = 0;
    check_mpi(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "MPI_Test");
    return done != 0;
  };
  int rank = 0;
  check_mpi(MPI_Comm_rank(MPI_COMM_WORLD, &rank), "MPI_Comm_rank");
  // No message says who tells: the others leave it to rank 0.
  const std::chrono::seconds limit = until_met(Environment::world_size());
  const auto deadline = std::chrono::steady_clock::now() + (rank == 0 ? limit : limit + kUntilEnded);
  if (Waiter(none, Environment::world_size()).poll_until(have_met, OnFailure::abort_after_grace, deadline)) return;
  Environment::abort(
      Error(ExitStatus::resources,
            "the ranks have started, but messages between them have not got through for {} seconds (seen on {})\n"
            "  try: memory for messages on each host (`df -h {}`); between hosts, an interface on which no firewall "
            "stands (mpirun --mca btl_tcp_if_include 10.0.0.0/24 ...)",
            limit.count(), processor_name(), shared_memory_folder()));
}

}  // namespace

void read_grace() {
  const char* const text = std::getenv("WINDROW_GRACE");
  if (text == nullptr) return;
  const char* const end = text + std::strlen(text);
  double seconds = 0.0;
  const auto [rest, error] = std::from_chars(text, end, seconds);
  if (error != std::errc{} || rest != end || !(seconds >= 1.0))
    throw Error(ExitStatus::usage, "WINDROW_GRACE={}: it must be a number of seconds, 1 at least", text);
  grace = seconds;
}

Environment::Environment() {
  install_handlers();
  die_with_launcher();
  set_launcher_defaults();
  int provided = 0;
  warn_of_failing_start();
  check_mpi(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided), "MPI_Init_thread");
  install_bus_error_handler();
  if (const std::string path = session_folders(); path.size() < session.size()) path.copy(session.data(), path.size());
  meet();
}

Environment::~Environment() {
  MPI_Finalize();
}

void Environment::abort(const Error& error) noexcept {
  if (!is_to_tell()) std::this_thread::sleep_for(kUntilEnded);
  say(fmt::format("windrow: {}", error.what()));
  std::fflush(nullptr);
  try {
    if (tell_of_abort) tell_of_abort(error);
  } catch (const std::exception& failure) {
    say(fmt::format("windrow: {}", failure.what()));
  }
  if (unfinished_output[0] != '\0') unlink(unfinished_output.data());
  UnfinishedWindow::remove();
  // MPI_Abort has a signal sent to this process, too.
  status_of_run = static_cast<int>(error.status());
  MPI_Abort(MPI_COMM_WORLD, static_cast<int>(error.status()));
  _exit(static_cast<int>(error.status()));
}

void Environment::end_with(ExitStatus status) noexcept {
  std::fflush(nullptr);
  status_of_run = static_cast<int>(status);
}

double Environment::grace_s() noexcept {
  return is_maker.load() ? grace - 0.5 : grace;
}

bool Environment::is_perhaps_ending() noexcept {
  return std::chrono::steady_clock::now() < ending_until.load();
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

UnfinishedFile::UnfinishedFile(const std::string& path, Role role) noexcept
    : is_mine_(!path.empty() && path.size() < unfinished_output.size()) {
  if (!is_mine_) return;
  is_maker = role == Role::maker;
  std::copy(path.begin() + 1, path.end(), unfinished_output.begin() + 1);
  unfinished_output[path.size()] = '\0';
  std::atomic_signal_fence(std::memory_order_release);
  unfinished_output[0] = path[0];
}

UnfinishedFile::UnfinishedFile(UnfinishedFile&& other) noexcept : is_mine_(std::exchange(other.is_mine_, false)) {}

UnfinishedFile& UnfinishedFile::operator=(UnfinishedFile&& other) noexcept {
  std::swap(is_mine_, other.is_mine_);
  return *this;
}

UnfinishedFile::~UnfinishedFile() {
  if (!is_mine_) return;
  unfinished_output[0] = '\0';
  is_maker = false;
}

AbortClaim::AbortClaim(FailureRecord& record) noexcept {
  abort_claim = &record;
}

AbortClaim::~AbortClaim() {
  abort_claim = nullptr;
}

AbortListener::AbortListener(std::function<void(const Error&)> tell) {
  tell_of_abort = std::move(tell);
}

AbortListener::~AbortListener() {
  tell_of_abort = nullptr;
}

}  // namespace windrow
