// Random numbers against numpy's generator, a process of its own, both on the same core: the same number of doubles
// into an array whose pages are there. Rank 0 alone works.
#include <sched.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "base/error.hpp"
#include "expr/evaluator.hpp"
#include "harness.hpp"
#include "kernel/level.hpp"

namespace windrow::bench {
namespace {

constexpr Extents kExtents{1'000, 1'000};
constexpr int kTimes = 5;

void check(bool is_good, const char* call) {
  if (!is_good) throw Error(ExitStatus::internal, "{}: {}", call, errno_text(errno));
}

/// This process and those that it starts stay on one core.
void stay_on_this_core() {
  cpu_set_t core;
  CPU_ZERO(&core);
  CPU_SET(static_cast<std::size_t>(sched_getcpu()), &core);
  check(sched_setaffinity(0, sizeof core, &core) == 0, "sched_setaffinity");
}

/// The process of Python, which fills an array when it is told to.
class Numpy {
 public:
  Numpy() {
    int to[2];
    int from[2];
    check(pipe(to) == 0 && pipe(from) == 0, "pipe");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, to[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, from[1], STDOUT_FILENO);
    for (const int end : {to[0], to[1], from[0], from[1]}) posix_spawn_file_actions_addclose(&actions, end);
    char python[] = "/usr/bin/python3";
    char script[] = WINDROW_BENCH_FOLDER "/numpy_random.py";
    std::array<char*, 3> words{python, script, nullptr};
    const int code = posix_spawn(&process_, python, &actions, nullptr, words.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (code != 0) throw Error(ExitStatus::internal, "{}: {}", python, errno_text(code));
    close(to[0]);
    close(from[1]);
    requests_ = fdopen(to[1], "w");
    answers_ = fdopen(from[0], "r");
  }
  ~Numpy() {
    std::fclose(requests_);
    std::fclose(answers_);
    waitpid(process_, nullptr, 0);
  }
  Numpy(const Numpy&) = delete;
  Numpy& operator=(const Numpy&) = delete;

  /// Seconds for kTimes arrays of kExtents.
  double fill(const char* method) {
    double seconds = 0.0;
    check(std::fprintf(requests_, "%s %lld %d\n", method, static_cast<long long>(kExtents.elements()), kTimes) > 0 &&
              std::fflush(requests_) == 0 && std::fscanf(answers_, "%lf", &seconds) == 1,
          "numpy_random.py (it needs python3-numpy)");
    return seconds;
  }

 private:
  pid_t process_ = 0;
  FILE* requests_ = nullptr;
  FILE* answers_ = nullptr;
};

std::unique_ptr<Numpy> numpy;

Program numpy_fills(const char* method) {
  return [method](Clock& clock) {
    if (topology().world_rank() != 0) return;
    if (!numpy) {
      stay_on_this_core();
      numpy = std::make_unique<Numpy>();
    }
    clock.record(numpy->fill(method));
  };
}

Program windrow_fills(const char* expression, kernel::Level level) {
  return [expression, level](Clock& clock) {
    static std::vector<double> array(static_cast<std::size_t>(kExtents.elements()), 1.0);
    expr::Evaluator value{expr::Program::compile(expression), {.extents = kExtents, .streams = {"a"}}};
    const kernel::Level before = kernel::level();
    kernel::use_level(level);
    if (topology().world_rank() == 0) {
      const double begin = MPI_Wtime();
      for (int n = 0; n < kTimes; ++n)
        value.evaluate({0, kExtents.elements()}, 0, {.destination = array.data(), .store = kernel::Store::cached});
      clock.record(MPI_Wtime() - begin);
    }
    kernel::use_level(before);
  };
}

void declare_draws(const char* expression, const char* method, double aim) {
  for (const kernel::Level level : kernel::kLevels) {
    if (level == kernel::Level::baseline || level > kernel::best_level()) continue;
    const bool is_best = level == kernel::best_level();
    compare({.name = fmt::format("random/{}/{}", method, name_of(level)),
             .section = "random numbers",
             .what = fmt::format("`{}`, one core, {}", expression, name_of(level)),
             .against = fmt::format("numpy's `Generator.{}(out=)`, one core", method),
             .baseline = numpy_fills(method),
             .candidate = windrow_fills(expression, level),
             .aim = aim,
             .operations = kTimes * kExtents.elements(),
             .headline = is_best ? "draw random numbers, one core" : std::string(),
             .variant = is_best ? fmt::format("`{}`", expression) : std::string()});
  }
}

void declare_comparisons() {
  declare_draws("uniform()", "random", 3.0);
  declare_draws("normal()", "standard_normal", 2.0);
}

}  // namespace
}  // namespace windrow::bench

int main(int argc, char** argv) {
  using namespace windrow::bench;
  return run(argc, argv, declare_comparisons, [] { numpy.reset(); });
}
