#include "io/output_target.hpp"

#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <array>
#include <chrono>
#include <future>

#include "unit/io/support.hpp"

namespace windrow::io::test {
namespace {

OutputTarget reserve(const std::string& path) {
  return OutputTarget::reserve(path, {});
}

Outcome reserved(const std::string& path, TargetOptions options = {}) {
  return outcome_of([&] { static_cast<void>(OutputTarget::reserve(path, options)); });
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// A process that reserves an output and holds it until it is let go or killed.
class OtherRun {
 public:
  explicit OtherRun(const std::string& path) {
    EXPECT_EQ(pipe2(go_.data(), O_CLOEXEC), 0);
    EXPECT_EQ(pipe2(ready_.data(), O_CLOEXEC), 0);
    process_ = fork();
    if (process_ == 0) {
      char byte = 'n';
      try {
        const OutputTarget target = reserve(path);
        byte = 'y';
        if (write(ready_[1], &byte, 1) == 1) static_cast<void>(!read(go_[0], &byte, 1));
      } catch (const Error&) {
        static_cast<void>(!write(ready_[1], &byte, 1));
      }
      _exit(0);
    }
    char byte = 'n';
    EXPECT_EQ(read(ready_[0], &byte, 1), 1);
    has_it_ = byte == 'y';
  }
  OtherRun(const OtherRun&) = delete;
  OtherRun& operator=(const OtherRun&) = delete;
  ~OtherRun() { end(SIGKILL); }
  [[nodiscard]] bool has_it() const { return has_it_; }
  [[nodiscard]] pid_t process() const { return process_; }
  void end(int with_signal) {
    if (process_ < 0) return;
    kill(process_, with_signal);
    waitpid(process_, nullptr, 0);
    process_ = -1;
    for (const int descriptor : {go_[0], go_[1], ready_[0], ready_[1]}) close(descriptor);
  }

 private:
  std::array<int, 2> go_{};
  std::array<int, 2> ready_{};
  pid_t process_ = -1;
  bool has_it_ = false;
};

TEST(OutputTarget, BecomesTheOutputInOneStep) {
  const Scratch scratch;
  const std::string path = scratch / "populate.h5";
  OutputTarget target = reserve(path);
  EXPECT_EQ(target.path(), path);
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_EQ(std::filesystem::path(target.temporary_path()).parent_path(), scratch.folder());
  write_file(target.temporary_path(), "result");
  target.finish();
  EXPECT_EQ(scratch.names(), std::vector<std::string>{"populate.h5"});
  EXPECT_EQ(read_file(path), "result");
  EXPECT_TRUE(target.messages().empty());
}

TEST(OutputTarget, LeavesNothingWhenItIsNotFinished) {
  const Scratch scratch;
  { const OutputTarget target = reserve(scratch / "a.h5"); }
  EXPECT_TRUE(scratch.names().empty());
  OutputTarget target = reserve(scratch / "a.h5");
  target.discard();
  target.discard();
  EXPECT_TRUE(scratch.names().empty());
  // Moved-from and assigned-over targets clean up once and the right file.
  OutputTarget first = reserve(scratch / "a.h5");
  OutputTarget moved = std::move(first);
  first.discard();
  EXPECT_TRUE(std::filesystem::exists(moved.temporary_path()));
  moved = reserve(scratch / "b.h5");
  EXPECT_EQ(scratch.names().size(), 1U);
}

TEST(OutputTarget, AnExistingOutputIsRefusedWithTheRemedy) {
  const Scratch scratch;
  const std::string path = scratch / "a.h5";
  write_file(path, "old");
  const Outcome outcome = reserved(path);
  EXPECT_EQ(outcome.status, ExitStatus::io);
  for (const char* part : {"a.h5 exists already", "--overwrite", "output.overwrite = true", "output.file"})
    EXPECT_TRUE(contains(outcome.message, part)) << outcome.message;
  EXPECT_EQ(scratch.names(), std::vector<std::string>{"a.h5"});
}

TEST(OutputTarget, OverwritesOnlyAtTheEnd) {
  const Scratch scratch;
  const std::string path = scratch / "a.h5";
  write_file(path, "old");
  OutputTarget target = OutputTarget::reserve(path, {.overwrite = true, .durable = false});
  write_file(target.temporary_path(), "new");
  EXPECT_EQ(read_file(path), "old");
  target.finish();
  EXPECT_EQ(read_file(path), "new");
  EXPECT_EQ(scratch.names().size(), 1U);
}

unsigned permissions(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 ? status.st_mode & 0777U : 0;
}

TEST(OutputTarget, AReplacedFileKeepsItsPermissions) {
  const Scratch scratch;
  const std::string path = scratch / "a.h5";
  const mode_t mask = umask(022);
  for (const mode_t mode : {0600U, 0440U, 0666U}) {
    write_file(path, "old");
    ASSERT_EQ(chmod(path.c_str(), mode), 0);
    OutputTarget target = OutputTarget::reserve(path, {.overwrite = true, .durable = false});
    EXPECT_EQ(permissions(target.temporary_path()), 0600U) << "secret until it is known whom it is for";
    target.finish();
    EXPECT_EQ(permissions(path), mode);
  }
  // Also if the old file is taken away meanwhile.
  ASSERT_EQ(chmod(path.c_str(), 0640), 0);
  OutputTarget target = OutputTarget::reserve(path, {.overwrite = true, .durable = false});
  std::filesystem::remove(path);
  target.finish();
  EXPECT_EQ(permissions(path), 0640U);
  OutputTarget fresh = OutputTarget::reserve(scratch / "b.h5", {.overwrite = true, .durable = false});
  fresh.finish();
  EXPECT_EQ(permissions(scratch / "b.h5"), 0644U);
  umask(mask);
}

TEST(OutputTarget, AReplacedFileKeepsItsOwnerOrGivesItsGroupNothing) {
  if (geteuid() != 0) GTEST_SKIP() << "a file of somebody else wants root";
  const Scratch scratch;
  const std::string path = scratch / "a.h5";
  constexpr unsigned other = 4711;
  constexpr unsigned nobody = 65'534;
  write_file(path, "old");
  ASSERT_EQ(chown(path.c_str(), other, other), 0);
  ASSERT_EQ(chmod(path.c_str(), 0664), 0);
  const auto replace = [&] { OutputTarget::reserve(path, {.overwrite = true, .durable = false}).finish(); };
  replace();
  struct stat status {};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, other);
  EXPECT_EQ(status.st_gid, other);
  ASSERT_EQ(chmod(scratch.folder().c_str(), 0777), 0);
  EXPECT_EQ(in_child([&] {
              if (setgroups(0, nullptr) != 0 || setgid(nobody) != 0 || setuid(nobody) != 0) return 100;
              replace();
              return 0;
            }),
            0);
  EXPECT_EQ(permissions(path), 0644U) << "for a group that the file was not meant for";
}

TEST(OutputTarget, AFileThatAppearsMeanwhileIsNotReplaced) {
  const Scratch scratch;
  const std::string path = scratch / "a.h5";
  OutputTarget target = reserve(path);
  write_file(target.temporary_path(), "result");
  write_file(path, "somebody else's");
  write_file(scratch / "a.1.h5", "taken too");
  const Outcome outcome = outcome_of([&] { target.finish(); });
  EXPECT_EQ(outcome.status, ExitStatus::io);
  EXPECT_TRUE(contains(outcome.message, "the complete result is in " + scratch / "a.2.h5")) << outcome.message;
  EXPECT_EQ(read_file(path), "somebody else's");
  EXPECT_EQ(read_file(scratch / "a.2.h5"), "result");
  EXPECT_EQ(scratch.names().size(), 3U);
}

TEST(OutputTarget, ATemporaryThatSomebodyRemovedIsALostResult) {
  const Scratch scratch;
  OutputTarget target = reserve(scratch / "a.h5");
  std::filesystem::remove(target.temporary_path());
  const Outcome outcome = outcome_of([&] { target.finish(); });
  EXPECT_EQ(outcome.status, ExitStatus::io);
  EXPECT_TRUE(contains(outcome.message, "the result is lost")) << outcome.message;
}

TEST(OutputTarget, ATemporaryThatSomebodyReplacedIsNotTheResult) {
  const Scratch scratch;
  OutputTarget target = reserve(scratch / "a.h5");
  std::filesystem::rename(target.temporary_path(), scratch / "moved");
  write_file(target.temporary_path(), "somebody else's");
  const Outcome outcome = outcome_of([&] { target.finish(); });
  EXPECT_EQ(outcome.status, ExitStatus::io);
  EXPECT_TRUE(contains(outcome.message, "somebody has removed, moved or replaced")) << outcome.message;
  EXPECT_FALSE(std::filesystem::exists(scratch / "a.h5"));
}

TEST(OutputTarget, AnOverwrittenNameThatBecameAFolderKeepsTheResult) {
  const Scratch scratch;
  const std::string path = scratch / "a.h5";
  OutputTarget target = OutputTarget::reserve(path, {.overwrite = true, .durable = true});
  write_file(target.temporary_path(), "result");
  std::filesystem::create_directory(path);
  EXPECT_EQ(outcome_of([&] { target.finish(); }).status, ExitStatus::io);
  EXPECT_EQ(read_file(scratch / "a.1.h5"), "result");
}

TEST(OutputTarget, ImpossiblePlacesAreFoundOutAtOnce) {
  const Scratch scratch;
  write_file(scratch / "file", "");
  ASSERT_EQ(mkfifo((scratch / "fifo").c_str(), 0600), 0);
  const auto expect = [&](const std::string& path, const std::string& part) {
    const Outcome outcome = reserved(path, {.overwrite = true, .durable = true});
    EXPECT_EQ(outcome.status, ExitStatus::io) << path;
    EXPECT_TRUE(contains(outcome.message, part)) << outcome.message;
  };
  expect("", "needs a name");
  expect(scratch / "", "names a directory");
  expect(scratch / "..", "names a directory");
  expect(scratch.folder(), "it is a directory");
  expect(scratch / "missing/a.h5", "does not exist");
  expect(scratch / "file/a.h5", "not a folder");
  expect(scratch / "fifo", "it is a pipe, not a regular file");
  if (geteuid() == 0) expect("/dev/full", "it is a device, not a regular file");
  expect(scratch / std::string(256, 'x'), "the name has 256 bytes, 255 are allowed");
  EXPECT_EQ(scratch.names().size(), 2U);
  EXPECT_EQ(reserved(scratch / std::string(255, 'x')).message, "");
}

TEST(OutputTarget, AFolderThatIsNotWritableIsRefused) {
  const Scratch scratch;
  ASSERT_EQ(chmod(scratch.folder().c_str(), 0555), 0);
  const int status = in_child([&] {
    constexpr unsigned nobody = 65'534;
    if (geteuid() == 0 && (setgroups(0, nullptr) != 0 || setgid(nobody) != 0 || setuid(nobody) != 0)) return 100;
    const Outcome outcome = reserved(scratch / "a.h5");
    return contains(outcome.message, "is not writable") ? static_cast<int>(outcome.status) : 101;
  });
  EXPECT_EQ(status, static_cast<int>(ExitStatus::io));
  ASSERT_EQ(chmod(scratch.folder().c_str(), 0755), 0);
}

TEST(OutputTarget, ALinkStandsForItsTarget) {
  const Scratch scratch;
  std::filesystem::create_directory(scratch / "data");
  std::filesystem::create_symlink("data/real.h5", scratch / "a.h5");
  OutputTarget target = OutputTarget::reserve(scratch / "a.h5", {.overwrite = true, .durable = false});
  write_file(target.temporary_path(), "result");
  target.finish();
  EXPECT_TRUE(std::filesystem::is_symlink(scratch / "a.h5"));
  EXPECT_EQ(read_file(scratch / "data/real.h5"), "result");
  EXPECT_TRUE(contains(reserved(scratch / "a.h5").message, "exists already"));
  std::filesystem::create_symlink("loop", scratch / "loop");
  EXPECT_EQ(reserved(scratch / "loop").status, ExitStatus::io);
}

TEST(OutputTarget, WhatSpeaksAgainstItIsFoundOutWithoutTouchingAnything) {
  const Scratch scratch;
  const auto checked = [](const std::string& path, TargetOptions options = {}) {
    return outcome_of([&] { check_output(path, options); });
  };
  write_file(scratch / "old.h5", "old");
  for (const std::string& path : {scratch / "old.h5", scratch / "missing/a.h5", scratch.folder(), std::string()}) {
    EXPECT_EQ(checked(path).status, ExitStatus::io) << path;
    EXPECT_EQ(checked(path).message, reserved(path).message);
  }
  EXPECT_EQ(checked(scratch / "new.h5").message, "");
  EXPECT_EQ(checked(scratch / "old.h5", {.overwrite = true}).message, "");
  EXPECT_EQ(scratch.names(), std::vector<std::string>{"old.h5"});
}

TEST(OutputTarget, WhatRemovingAnOldOutputFreesIsWhatItTakesOfTheDisk) {
  const Scratch scratch;
  EXPECT_EQ(bytes_freed_by_removal(scratch / "a.h5"), 0) << "is not there";
  write_file(scratch / "a.h5", std::string(100'000, 'x'));
  std::filesystem::resize_file(scratch / "a.h5", 10'000'000);
  std::filesystem::create_symlink("a.h5", scratch / "link.h5");
  for (const char* const name : {"a.h5", "link.h5"}) {
    EXPECT_GE(bytes_freed_by_removal(scratch / name), 100'000) << name;
    EXPECT_LT(bytes_freed_by_removal(scratch / name), 1'000'000) << name << ": most of it is a hole";
  }
  std::filesystem::create_hard_link(scratch / "a.h5", scratch / "other.h5");
  EXPECT_EQ(bytes_freed_by_removal(scratch / "a.h5"), 0) << "the bytes stay under the other name";
}

TEST(OutputTarget, ASecondRunIsRefusedWhileTheFirstLives) {
  const Scratch scratch;
  const std::string path = scratch / "a.h5";
  OtherRun other(path);
  ASSERT_TRUE(other.has_it());
  const Outcome outcome = reserved(path);
  EXPECT_EQ(outcome.status, ExitStatus::io);
  EXPECT_TRUE(contains(outcome.message,
                       fmt::format("another run is writing it (host {}, process {})", host_name(), other.process())))
      << outcome.message;
  EXPECT_EQ(reserved(scratch / "b.h5").message, "") << "another output is free";
  const OutputTarget same_process = reserve(scratch / "c.h5");
  const std::string told = reserved(scratch / "c.h5").message;
  EXPECT_TRUE(contains(told, "another run is writing it"));
  EXPECT_TRUE(contains(told, "\n  try: again in a moment"));
}

TEST(OutputTarget, WhatAKilledRunLeftIsRemovedAndTold) {
  const Scratch scratch;
  const std::string path = scratch / "a.h5";
  OtherRun other(path);
  const pid_t process = other.process();
  other.end(SIGKILL);
  ASSERT_EQ(scratch.names().size(), 1U);
  const std::string left = scratch.names().front();
  write_file(scratch / ".other.h5@host.1.2.windrow-tmp", "of another output");
  const OutputTarget target = reserve(path);
  ASSERT_EQ(target.messages().size(), 1U);
  EXPECT_TRUE(contains(target.messages()[0], left)) << target.messages()[0];
  EXPECT_TRUE(contains(target.messages()[0], fmt::format("process {}", process))) << target.messages()[0];
  EXPECT_EQ(scratch.names().size(), 2U);
}

TEST(OutputTarget, OfRunsThatStartTogetherExactlyOneWins) {
  const Scratch scratch;
  for (int repeat = 0; repeat < 10; ++repeat) {
    const std::string path = scratch / fmt::format("{}.h5", repeat);
    std::array<int, 2> start{};
    std::array<int, 2> result{};
    std::array<int, 2> end{};
    for (auto* both : {&start, &result, &end}) ASSERT_EQ(pipe2(both->data(), O_CLOEXEC), 0);
    constexpr int runs = 6;
    std::array<pid_t, runs> processes{};
    for (pid_t& process : processes) {
      process = fork();
      if (process != 0) continue;
      close(start[1]);
      close(end[1]);
      char byte = 'n';
      static_cast<void>(!read(start[0], &byte, 1));  // ends when the parent closes its side
      try {
        const OutputTarget target = reserve(path);
        byte = 'y';
        static_cast<void>(!write(result[1], &byte, 1));
        static_cast<void>(!read(end[0], &byte, 1));
      } catch (const Error&) {
        byte = 'n';
        static_cast<void>(!write(result[1], &byte, 1));
      }
      _exit(0);
    }
    close(start[1]);
    int winners = 0;
    for (int run = 0; run < runs; ++run) {
      char byte = '?';
      ASSERT_EQ(read(result[0], &byte, 1), 1);
      winners += byte == 'y' ? 1 : 0;
    }
    EXPECT_EQ(winners, 1);
    close(end[1]);
    for (const pid_t process : processes) waitpid(process, nullptr, 0);
    for (const int descriptor : {start[0], result[0], result[1], end[0]}) close(descriptor);
  }
}

TEST(OutputTarget, ARunWaitsWhileAnotherOneStarts) {
  using namespace std::chrono_literals;
  const Scratch scratch;
  const int folder = open(scratch.folder().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  ASSERT_EQ(try_lock(folder), LockState::acquired);
  auto starting = std::async(std::launch::async, [&] { return reserve(scratch / "a.h5"); });
  EXPECT_EQ(starting.wait_for(100ms), std::future_status::timeout);
  EXPECT_TRUE(scratch.names().empty());
  close(folder);
  EXPECT_TRUE(std::filesystem::exists(starting.get().temporary_path()));
}

TEST(FreeDiskBytes, IsWhatTheFolderHas) {
  const Scratch scratch;
  const std::int64_t free = free_disk_bytes(scratch / "a.h5");
  EXPECT_GT(free, 0);
  EXPECT_LE(free, static_cast<std::int64_t>(std::filesystem::space(scratch.folder()).capacity));
  EXPECT_GT(free_disk_bytes("a.h5"), 0) << "a bare name means the current folder";
  EXPECT_EQ(outcome_of([&] { static_cast<void>(free_disk_bytes(scratch / "missing/a.h5")); }).status, ExitStatus::io);
  ASSERT_EQ(symlink("missing/a.h5", (scratch / "link.h5").c_str()), 0);
  EXPECT_EQ(outcome_of([&] { static_cast<void>(free_disk_bytes(scratch / "link.h5")); }).status, ExitStatus::io)
      << "the folder of what the link points to";
}

}  // namespace
}  // namespace windrow::io::test
