#include "io/temporary.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "unit/io/support.hpp"

namespace windrow::io::test {
namespace {

constexpr std::size_t kNameMax = 255;

TEST(TemporaryName, TellsOutputHostAndProcess) {
  const TemporaryName name{"populate.h5", "node17.cluster", 4711, 88'392};
  EXPECT_EQ(file_name(name), ".populate.h5@node17.cluster.4711.88392.windrow-tmp");
  EXPECT_EQ(parse_temporary(file_name(name)), name);
  const TemporaryName awkward{"a@b.1.2.windrow-tmp", "host", 1, 2};
  EXPECT_EQ(parse_temporary(file_name(awkward)), awkward);
}

TEST(TemporaryName, OtherNamesAreNotTakenForOne) {
  for (const std::string& name :
       {std::string(""), std::string("."), std::string("populate.h5"), std::string(".windrow-tmp"),
        std::string(".a@h.1.2"), std::string("a@h.1.2.windrow-tmp"), std::string(".a@h.1.x.windrow-tmp"),
        std::string(".a@h.-1.2.windrow-tmp"), std::string(".a@h..2.windrow-tmp"), std::string(".ah.1.2.windrow-tmp"),
        std::string(".@h.1.2.windrow-tmp"), std::string(".a@.1.2.windrow-tmp"),
        std::string(".a@h.99999999999999999999.2.windrow-tmp")})
    EXPECT_FALSE(parse_temporary(name)) << name;
}

TEST(TemporaryName, OfALongOutputFitsAndStaysItsOwn) {
  const std::string a = std::string(254, 'x') + "a";
  const std::string b = std::string(254, 'x') + "b";
  EXPECT_LE(file_name(temporary_of_this_process(a, kNameMax)).size(), kNameMax);
  EXPECT_NE(shortened(a, kNameMax), shortened(b, kNameMax));
  EXPECT_EQ(shortened("populate.h5", kNameMax), "populate.h5");
  const TemporaryName name = temporary_of_this_process(a, kNameMax);
  EXPECT_EQ(parse_temporary(file_name(name)), name);
  EXPECT_LE(file_name({shortened(a, kNameMax), std::string(64, 'h') + "-pidns4294967295", INT64_MAX, INT64_MAX}).size(),
            kNameMax);
}

TEST(ProcessStart, IsKnownForTheLivingAndTellsNamesakes) {
  const auto mine = process_start(getpid());
  ASSERT_TRUE(mine);
  EXPECT_EQ(process_start(getpid()), mine);
  EXPECT_LE(process_start(getppid()).value_or(0), *mine);
  const pid_t child = fork();
  if (child == 0) _exit(0);
  waitpid(child, nullptr, 0);
  EXPECT_FALSE(process_start(child));
}

TEST(IsLive, ALockDecides) {
  TemporaryName name = temporary_of_this_process("a.h5", kNameMax);
  EXPECT_TRUE(is_live(name, LockState::held_by_another));
  EXPECT_FALSE(is_live(name, LockState::acquired));
  name.host = "elsewhere";
  EXPECT_TRUE(is_live(name, LockState::held_by_another));
  EXPECT_FALSE(is_live(name, LockState::acquired));
}

TEST(IsLive, WithoutLocksTheProcessDecides) {
  const TemporaryName mine = temporary_of_this_process("a.h5", kNameMax);
  EXPECT_TRUE(is_live(mine, LockState::unsupported));
  TemporaryName namesake = mine;
  namesake.start_ticks -= 1;
  EXPECT_FALSE(is_live(namesake, LockState::unsupported));
  TemporaryName elsewhere = namesake;
  elsewhere.host = "elsewhere";
  EXPECT_TRUE(is_live(elsewhere, LockState::unsupported));
}

TEST(IsLive, TheProcessesOfAnotherPidNamespaceAreNotKnown) {
  TemporaryName dead = temporary_of_this_process("a.h5", kNameMax);
  dead.start_ticks -= 1;
  EXPECT_FALSE(is_live(dead, LockState::unsupported));
  std::array<int, 2> pipe{};
  ASSERT_EQ(pipe2(pipe.data(), O_CLOEXEC), 0);
  const pid_t outer = fork();
  if (outer == 0) {
    if (unshare(CLONE_NEWPID) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWPID) != 0) _exit(2);
    const pid_t inner = fork();
    if (inner == 0) {
      const std::string host = temporary_of_this_process("a.h5", kNameMax).host;
      _exit(write(pipe[1], host.data(), host.size()) > 0 && is_live(dead, LockState::unsupported) ? 0 : 1);
    }
    int status = 0;
    waitpid(inner, &status, 0);
    _exit(WEXITSTATUS(status));
  }
  close(pipe[1]);
  std::array<char, 256> text{};
  const ssize_t length = read(pipe[0], text.data(), text.size());
  close(pipe[0]);
  int status = 0;
  waitpid(outer, &status, 0);
  if (WEXITSTATUS(status) == 2) GTEST_SKIP() << "no pid namespace for this user";
  EXPECT_EQ(WEXITSTATUS(status), 0) << "a process that is not seen may be alive";
  ASSERT_GT(length, 0);
  TemporaryName inside = dead;
  inside.host = std::string(text.data(), static_cast<std::size_t>(length));
  EXPECT_NE(inside.host, dead.host);
  EXPECT_TRUE(is_live(inside, LockState::unsupported)) << inside.host;
  EXPECT_EQ(parse_temporary(file_name(inside)), inside);
}

TEST(TryLock, ExcludesOthersUntilClosed) {
  const Scratch scratch;
  write_file(scratch / "a", "");
  const int first = open((scratch / "a").c_str(), O_RDWR | O_CLOEXEC);
  const int second = open((scratch / "a").c_str(), O_RDWR | O_CLOEXEC);
  EXPECT_EQ(try_lock(first), LockState::acquired);
  EXPECT_EQ(try_lock(second), LockState::held_by_another);
  close(first);
  EXPECT_EQ(try_lock(second), LockState::acquired);
  close(second);
  EXPECT_EQ(try_lock(-1), LockState::unsupported);
}

}  // namespace
}  // namespace windrow::io::test
