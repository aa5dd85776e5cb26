#include "io/isolated.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <exception>
#include <fstream>
#include <new>
#include <utility>

#include "base/error.hpp"

namespace windrow::io {
namespace {

// A minute reads tens of gigabytes, and no more than a block is asked for at once.
constexpr rlim_t kMostSeconds = 60;

class Pipe {
 public:
  Pipe() {
    if (pipe2(ends_.data(), O_CLOEXEC) != 0)
      throw Error(ExitStatus::resources, "cannot make a pipe: {}", errno_text(errno));
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    for (const int end : ends_)
      if (end >= 0) close(end);
  }

  void close_writing_end() { close(std::exchange(ends_[1], -1)); }

  void write(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t written = ::write(ends_[1], bytes.data(), bytes.size());
      if (written < 0 && errno != EINTR) return;
      if (written > 0) bytes.remove_prefix(static_cast<std::size_t>(written));
    }
  }

  [[nodiscard]] std::string read_all() const {
    std::string all;
    std::array<char, 4096> bytes{};
    for (;;) {
      const ssize_t got = ::read(ends_[0], bytes.data(), bytes.size());
      if (got > 0) all.append(bytes.data(), static_cast<std::size_t>(got));
      if (got == 0 || (got < 0 && errno != EINTR)) return all;
    }
  }

 private:
  std::array<int, 2> ends_{-1, -1};
};

void limit(int resource, rlim_t most) {
  rlimit limits{};
  getrlimit(static_cast<__rlimit_resource>(resource), &limits);
  limits.rlim_cur = std::min(most, limits.rlim_max);
  setrlimit(static_cast<__rlimit_resource>(resource), &limits);
}

std::int64_t address_space_bytes() {
  std::int64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * sysconf(_SC_PAGESIZE);
}

/// What this process's handlers say is about a run; the child's end is told by its parent.
void become_a_child(std::int64_t spare_bytes) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (const int number : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTERM, SIGINT, SIGXCPU})
    std::signal(number, SIG_DFL);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_CPU, kMostSeconds);
  const std::int64_t before = address_space_bytes();
  if (before > 0) limit(RLIMIT_AS, static_cast<rlim_t>(before + spare_bytes));
}

// The first character of an answer: 'r', a result; else the exit status of an error.
constexpr char kResult = 'r';

std::string answer_of(const std::function<std::string()>& body) {
  const auto failed = [](ExitStatus status, const char* message) {
    return static_cast<char>('0' + static_cast<int>(status)) + std::string(message);
  };
  try {
    return kResult + body();
  } catch (const Error& error) {
    return failed(error.status(), error.what());
  } catch (const std::bad_alloc&) {
    return failed(ExitStatus::resources, "memory is short");
  } catch (const std::exception& error) {
    return failed(ExitStatus::internal, error.what());
  }
}

std::string_view end_of(int status) {
  if (!WIFSIGNALED(status)) return "the library ended the process";
  if (WTERMSIG(status) == SIGXCPU) return "the library did not come to an end";
  if (WTERMSIG(status) == SIGKILL) return "the process that read it was killed; is memory short?";
  return "the library crashed";
}

}  // namespace

std::string isolated(std::string_view doing, std::int64_t spare_bytes, const std::function<std::string()>& body) {
  Pipe pipe;
  const pid_t child = fork();
  if (child < 0) throw Error(ExitStatus::resources, "cannot {}: no new process: {}", doing, errno_text(errno));
  if (child == 0) {
    become_a_child(spare_bytes);
    pipe.write(answer_of(body));
    _exit(0);
  }
  pipe.close_writing_end();
  const std::string answer = pipe.read_all();
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (answer.empty())
    throw Error(ExitStatus::io, "cannot {}: {}{}", doing, end_of(status),
                WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? "" : "; the file is damaged");
  if (answer.front() == kResult) return answer.substr(1);
  throw Error(static_cast<ExitStatus>(answer.front() - '0'), answer.substr(1));
}

}  // namespace windrow::io
