#include "io/file_writer.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <fcntl.h>

#include "unit/io/support.hpp"

namespace windrow::io::test {
namespace {

std::vector<std::byte> pattern(std::size_t size) {
  std::vector<std::byte> bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i % 251);
  return bytes;
}

TEST(FileWriter, WritesBytesWhereTheyBelong) {
  const Scratch scratch;
  const std::string path = scratch / "a";
  write_file(path, "");
  const std::vector<std::byte> bytes = pattern(2'109'497);
  FileWriter writer(path);
  writer.write(1000, bytes);
  writer.write(3, std::span(bytes).first(5));
  writer.write(0, {});
  writer.sync();
  writer.close();
  const std::string content = read_file(path);
  ASSERT_EQ(content.size(), bytes.size() + 1000);
  EXPECT_EQ(std::memcmp(content.data() + 1000, bytes.data(), bytes.size()), 0);
  EXPECT_EQ(std::memcmp(content.data() + 3, bytes.data(), 5), 0);
}

TEST(FileWriter, WritesBeyondFourGibibytes) {
  const Scratch scratch;
  const std::string path = scratch / "a";
  write_file(path, "");
  constexpr std::int64_t offset = (std::int64_t{5} << 30) + 3;
  FileWriter(path).write(offset, pattern(10));
  EXPECT_EQ(static_cast<std::int64_t>(std::filesystem::file_size(path)), offset + 10);
}

TEST(FileWriter, RoomIsReservedWithoutAChangeOfTheFile) {
  const Scratch scratch;
  const std::string path = scratch / "a";
  write_file(path, "abc");
  FileWriter writer(path);
  writer.reserve(std::int64_t{1} << 20);
  writer.start_sync(0, 3);
  writer.write(1, pattern(1));
  EXPECT_EQ(read_file(path), std::string("a\0c", 3));
  struct stat status {};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  const int file = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  const bool can = fallocate(file, FALLOC_FL_KEEP_SIZE, 0, 1) == 0;
  close(file);
  EXPECT_TRUE(!can || status.st_blocks * 512 >= std::int64_t{1} << 20) << status.st_blocks;
}

TEST(FileWriter, RoomBehindTheEndIsGivenBack) {
  const Scratch scratch;
  const std::string path = scratch / "a";
  write_file(path, "abc");
  FileWriter writer(path);
  writer.reserve(std::int64_t{1} << 20);
  writer.cut(3);
  EXPECT_EQ(read_file(path), "abc");
  struct stat status {};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_LE(status.st_blocks * 512, 1 << 16);
}

TEST(FileWriter, MoreRoomThanThereIsIsAShortage) {
  const Scratch scratch;
  const std::string path = scratch / "a";
  write_file(path, "");
  // More than a file can have: what is merely more than there is would be taken for a moment, from everybody.
  constexpr std::int64_t bytes = std::int64_t{1} << 62;
  const int file = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  const bool can = fallocate(file, FALLOC_FL_KEEP_SIZE, 0, 1) == 0;
  close(file);
  if (!can) GTEST_SKIP() << "this file system reserves nothing";
  const Outcome outcome = outcome_of([&] { FileWriter(path).reserve(bytes); });
  EXPECT_EQ(outcome.status, ExitStatus::resources);
  EXPECT_NE(outcome.message.find("are to be reserved"), std::string::npos) << outcome.message;
}

TEST(FileWriter, SaysWhyAFileCannotBeOpened) {
  const Scratch scratch;
  const Outcome missing = outcome_of([&] { FileWriter(scratch / "missing"); });
  EXPECT_EQ(missing.status, ExitStatus::io);
  EXPECT_NE(missing.message.find("missing for writing: No such file or directory"), std::string::npos);
  EXPECT_EQ(outcome_of([&] { FileWriter(scratch.folder()); }).status, ExitStatus::io);
}

TEST(FileWriter, AFullDiskIsAShortageThatNamesWhatIsMissing) {
  const Scratch scratch;
  const std::string path = scratch / "a";
  write_file(path, "");
  const int status = in_child([&] {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1'000'000, 1'000'000};
    setrlimit(RLIMIT_FSIZE, &limit);
    FileWriter writer(path);
    const Outcome outcome = outcome_of([&] { writer.write(500'000, pattern(600'000)); });
    const bool named = outcome.message.find("(100000 bytes) from byte 1000000 on are not written") != std::string::npos;
    return named ? static_cast<int>(outcome.status) : 100;
  });
  EXPECT_EQ(status, static_cast<int>(ExitStatus::resources));
  if (std::filesystem::exists("/dev/full")) {
    FileWriter full("/dev/full");
    EXPECT_EQ(outcome_of([&] { full.write(0, pattern(10)); }).status, ExitStatus::resources);
  }
}

TEST(FileWriter, MemoryThatCannotBeReadIsAnErrorNotASignal) {
  const Scratch scratch;
  const std::string path = scratch / "a";
  write_file(path, "");
  const int status = in_child([&] {
    // A mapping longer than its file: touching the second page would be SIGBUS.
    const std::string source = scratch / "source";
    write_file(source, "x");
    const int descriptor = open(source.c_str(), O_RDONLY | O_CLOEXEC);
    void* const pages = mmap(nullptr, 8192, PROT_READ, MAP_SHARED, descriptor, 0);
    FileWriter writer(path);
    writer.write(0, {static_cast<const std::byte*>(pages), 8192});
    return 0;
  });
  EXPECT_EQ(status, static_cast<int>(ExitStatus::resources));
}

}  // namespace
}  // namespace windrow::io::test
