#include "mpi/launcher.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <mpi.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "base/error.hpp"

namespace windrow {
namespace {

namespace fs = std::filesystem;

#ifdef OPEN_MPI
constexpr bool kIsOpenMpi = true;
#else
constexpr bool kIsOpenMpi = false;
#endif

// Open MPI names its files osc_sm.HOST.JOB... and vader_segment.HOST.USER.JOB..., the job in hexadecimal digits.
constexpr const char* kWindowFile = "osc_sm.";
constexpr const char* kMessageFile = "vader_segment.";

// Read by a signal handler.
std::array<char, PATH_MAX> windows_folder{};
std::array<char, 32> windows_mark{};
std::atomic<bool> is_allocating = false;

using Entry = struct dirent64;

constexpr const char* kBackingFolder = "OMPI_MCA_osc_sm_backing_directory";

void set_default(const char* variable, const char* value) {
  setenv(variable, value, 0);
}

std::int64_t number_in(const char* variable) {
  const char* const text = std::getenv(variable);
  if (text == nullptr) return 0;
  std::int64_t number = 0;
  const std::string_view view(text);
  const auto [rest, error] = std::from_chars(view.data(), view.data() + view.size(), number);
  return error == std::errc{} && rest == view.data() + view.size() ? number : 0;
}

/// A segment that was made a moment ago may not be mapped yet.
bool is_young(const fs::path& path) {
  constexpr std::time_t young_s = 60;
  struct stat status {};
  return lstat(path.c_str(), &status) == 0 && std::time(nullptr) - status.st_mtime < young_s;
}

/// Whether any process of this user that is seen has a mapping of a file with this part in its path: a live run's
/// segments and sessions always have. A container may know the folder by another name.
bool is_mapped(const std::string& part) {
  std::error_code ignored;
  for (const fs::directory_entry& process : fs::directory_iterator("/proc", ignored)) {
    if (process.path().filename().string().find_first_not_of("0123456789") != std::string::npos) continue;
    std::ifstream maps(process.path() / "maps");
    for (std::string line; std::getline(maps, line);)
      if (line.find(part) != std::string::npos) return true;
  }
  return false;
}

bool is_own(const fs::path& path) {
  struct stat status {};
  return lstat(path.c_str(), &status) == 0 && status.st_uid == geteuid();
}

std::int64_t bytes_below(const fs::path& path) {
  std::error_code ignored;
  if (!fs::is_directory(path, ignored)) return static_cast<std::int64_t>(fs::file_size(path, ignored));
  std::int64_t bytes = 0;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(path, ignored))
    if (entry.is_regular_file(ignored)) bytes += static_cast<std::int64_t>(entry.file_size(ignored));
  return bytes;
}

/// Message segments and windows of Open MPI and MPICH: files of a live run are mapped by its ranks.
void find_segments(const fs::path& folder, std::vector<Leftover>& found) {
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    const bool is_segment =
        name.starts_with(kMessageFile) || name.starts_with(kWindowFile) || name.starts_with("mpich_shar_tmp");
    if (is_segment && is_own(entry.path()) && !is_young(entry.path()) && !is_mapped("/" + name))
      found.push_back({entry.path().string(), bytes_below(entry.path())});
  }
}

/// ".JOB.", as the names of this run's files have it: this process has its own file of messages mapped. "": there is
/// none, and mpirun has not told it either.
std::string mark_of_job() {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.find(kMessageFile) == std::string::npos) continue;
    const std::size_t end = line.rfind('.');
    const std::size_t begin = line.rfind('.', end - 1);
    return line.substr(begin, end - begin + 1);
  }
  const std::int64_t job = number_in("OMPI_MCA_ess_base_jobid");
  return job == 0 ? "" : fmt::format(".{:x}.", job);
}

/// The beginnings of the names that Open MPI gives to this host's folders. In a folder that hosts share, those of the
/// others are none of ours.
std::array<std::string, 2> names_of_session_folders() {
  const std::string host = host_name();
  return {"ompi." + host + ".", "ompi." + host.substr(0, host.find('.')) + "."};
}

/// What Open MPI calls the session of a process without mpirun: of family 0, job 1 and rank 0.
constexpr const char* kLoneSession = "jf.0/1/0";

/// Open MPI's session folders, ompi.HOST.UID/pid.PID: mpirun's process number is in the name, in a container the one
/// that it has there. Mpirun and its ranks have files below it mapped.
void find_sessions(const fs::path& folder, std::vector<Leftover>& found) {
  std::error_code ignored;
  const auto [full, brief] = names_of_session_folders();
  for (const fs::directory_entry& user : fs::directory_iterator(folder, ignored)) {
    const std::string user_name = user.path().filename().string();
    if (!(user_name.starts_with(full) || user_name.starts_with(brief)) || !is_own(user.path())) continue;
    for (const fs::directory_entry& session : fs::directory_iterator(user.path(), ignored)) {
      const std::string name = session.path().filename().string();
      const bool is_dead = name.starts_with("pid.") && !fs::exists("/proc/" + name.substr(4), ignored) &&
                           !is_young(session.path()) && !is_mapped(fmt::format("/{}/{}/", user_name, name));
      if (is_dead) found.push_back({session.path().string(), bytes_below(session.path())});
    }
  }
}

/// What a launcher has told this process.
struct Launch {
  std::int64_t processes = 0;
  std::int64_t number = 0;
  const char* binding = "";  ///< what has it bind each process to a core of its own
};

/// Of launchers that run inside each other the innermost counts: mpirun and mpiexec may stand in a step of Slurm,
/// whose processes are not theirs (in a batch script itself the step's variable is not set).
Launch launch() {
  struct Variables {
    const char* processes;
    const char* number;
    const char* binding;
  };
  constexpr std::array known{
      Variables{"OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "mpirun --bind-to core"},  // Open MPI's mpirun
      Variables{"PMI_SIZE", "PMI_RANK", "mpiexec -bind-to core"},                          // MPICH's mpiexec
      Variables{"SLURM_STEP_NUM_TASKS", "SLURM_PROCID", "srun --cpu-bind=cores"}};         // srun
  for (const auto& [processes, number, binding] : known)
    if (number_in(processes) > 0) return {number_in(processes), number_in(number), binding};
  return {};
}

}  // namespace

std::string host_name() {
  std::array<char, HOST_NAME_MAX + 1> buffer{};
  return gethostname(buffer.data(), HOST_NAME_MAX) == 0 ? buffer.data() : "/";  // nothing is called so
}

void set_launcher_defaults() {
  // Without a launcher there is nobody to talk to: no daemon is started for the one rank.
  if (launched_processes() == 1 && std::getenv("OMPI_COMM_WORLD_SIZE") == nullptr)
    set_default("OMPI_MCA_ess_singleton_isolated", "1");
}

namespace {

/// Also a folder that this user may write into may take no files: that of processes, /proc.
bool takes_files(const std::string& folder) {
  int file = open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (file < 0 && (errno == EOPNOTSUPP || errno == EISDIR)) {  // a file system, or a kernel, without nameless files
    std::string path = folder + "/windrow-XXXXXX";
    file = mkstemp(path.data());
    if (file >= 0) unlink(path.c_str());
  }
  if (file >= 0) close(file);
  return file >= 0 || errno == ENOSPC || errno == EDQUOT;  // that it is full is told with what is needed
}

}  // namespace

void use_shared_memory_folder(const std::string& folder) {
  if (!kIsOpenMpi)
    throw Error(ExitStatus::usage,
                "--shm-dir {}: only Open MPI can be told where its shared windows are to be; this MPI has them in {}",
                folder, shared_memory_folder());
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored) || !takes_files(folder))
    throw Error(ExitStatus::usage,
                "--shm-dir {}: on {} it is no folder that this user may write into; make it there, or name another one",
                folder, host_name());
  setenv(kBackingFolder, fs::absolute(folder).c_str(), 1);
}

std::string shared_memory_folder() {
  if (const char* const folder = std::getenv(kBackingFolder); kIsOpenMpi && folder != nullptr) return folder;
  // Open MPI's own rule: /dev/shm if it can be written to, else the folder of the session. MPICH's is alike.
  if (access("/dev/shm", W_OK) == 0) return "/dev/shm";
  return fs::temp_directory_path().string();
}

std::string choice_of_windows() {
  constexpr const char* variable = "OMPI_MCA_osc";
  const char* const choice = std::getenv(variable);
  return kIsOpenMpi && choice != nullptr ? fmt::format("{}={}", variable, choice) : "";
}

bool is_launched() {
  return launch().processes > 0;
}

std::int64_t launched_processes() {
  return std::max<std::int64_t>(launch().processes, 1);
}

std::int64_t launched_number() {
  return launch().number;
}

namespace {

bool is_launched_by_srun() {
  return number_in("OMPI_COMM_WORLD_SIZE") == 0 && number_in("SLURM_STEP_NUM_TASKS") == launched_processes();
}

constexpr const char* kRemedyForSrun = "try: srun --mpi=pmix ..., or mpirun inside the batch script";

}  // namespace

void warn_of_failing_start() {
  // Older kinds of PMI may be built in where PMIx is not, and tell nothing by the environment: it is no error yet.
  const bool has_pmi = std::getenv("PMIX_NAMESPACE") != nullptr || std::getenv("PMI_RANK") != nullptr;
  if (!is_launched_by_srun() || launched_processes() == 1 || has_pmi || launched_number() != 0) return;
  say(fmt::format(
      "windrow: srun has started {} processes without PMIx (seen on {}); where MPI cannot start by itself,\n"
      "  {}",
      launched_processes(), host_name(), kRemedyForSrun));
}

std::string binding_advice() {
  return launch().binding;
}

std::string more_cores_advice(std::int64_t ranks) {
  if (std::getenv("SLURM_JOB_ID") != nullptr)
    return fmt::format("a core for each rank (sbatch --ntasks-per-node={})", ranks);
  return "start the launcher where it may use all cores, without `taskset` or what else bounds it";
}

void refuse_lost_processes(int world_size) {
  const std::int64_t launched = launched_processes();
  if (world_size > 1 || launched == 1) return;
  throw Error(ExitStatus::usage,
              "the launcher started {} processes, but each of them finds itself alone (world size 1; seen on {}); "
              "nothing was written\n  {}",
              launched, host_name(),
              is_launched_by_srun() ? kRemedyForSrun
                                    : "try: the mpirun of the MPI that windrow was built with; see `windrow doctor`");
}

std::optional<int> terminal_columns() {
  int output = STDOUT_FILENO;
  if (std::getenv("OMPI_COMM_WORLD_SIZE") != nullptr)
    output = open(fmt::format("/proc/{}/fd/1", getppid()).c_str(), O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  std::optional<int> columns;
  if (output >= 0 && isatty(output) == 1) {
    winsize size{};
    columns = ioctl(output, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
  }
  if (output > STDOUT_FILENO) close(output);
  return columns;
}

UnfinishedWindow::UnfinishedWindow() noexcept {
  const std::string folder = shared_memory_folder();
  const std::string mark = mark_of_job();
  if (mark.empty() || mark.size() >= windows_mark.size() || folder.size() >= windows_folder.size()) return;
  windows_mark.fill('\0');
  mark.copy(windows_mark.data(), mark.size());
  windows_folder.fill('\0');
  folder.copy(windows_folder.data(), folder.size());
  is_allocating = true;
}

UnfinishedWindow::~UnfinishedWindow() {
  is_allocating = false;
}

void UnfinishedWindow::remove() noexcept {
  if (!is_allocating) return;
  const int folder = open(windows_folder.data(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  // The C library's readdir() allocates memory, which a signal handler must not.
  alignas(Entry) std::array<char, 4096> entries;
  for (long bytes = 1; bytes > 0;) {
    bytes = syscall(SYS_getdents64, folder, entries.data(), entries.size());
    for (long at = 0; at < bytes; at += reinterpret_cast<Entry*>(&entries[static_cast<std::size_t>(at)])->d_reclen) {
      const char* const name = reinterpret_cast<Entry*>(&entries[static_cast<std::size_t>(at)])->d_name;
      if (std::strncmp(name, kWindowFile, std::strlen(kWindowFile)) == 0 &&
          std::strstr(name, windows_mark.data()) != nullptr)
        unlinkat(folder, name, 0);
    }
  }
  if (folder >= 0) close(folder);
}

std::string session_folders() {
  std::error_code ignored;
  if (!kIsOpenMpi || is_launched()) return "";
  for (const std::string& beginning : names_of_session_folders()) {
    const fs::path user = fs::temp_directory_path(ignored) / fmt::format("{}{}", beginning, geteuid());
    if (fs::is_directory(user / kLoneSession, ignored)) return (user / kLoneSession).string();
  }
  return "";
}

std::vector<Leftover> find_leftovers() {
  std::vector<Leftover> found;
  // Without /proc nothing tells the living from the dead.
  if (!std::ifstream("/proc/self/maps")) return found;
  find_segments("/dev/shm", found);
  if (shared_memory_folder() != "/dev/shm") find_segments(shared_memory_folder(), found);
  find_sessions(fs::temp_directory_path(), found);
  return found;
}

}  // namespace windrow
