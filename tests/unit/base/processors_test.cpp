#include "base/processors.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <tuple>

namespace windrow {
namespace {

namespace fs = std::filesystem;

TEST(ProcessorSet, IsReadAndWrittenAsTheKernelDoes) {
  for (const char* const list : {"", "0", "0-1", "0-3,8", "0,2,4-5,8191", "23-196"})
    EXPECT_EQ(processor_list(processor_set(list)), list);
  EXPECT_EQ(processor_list(processor_set("\t0-1,2,3\n")), "0-3");
}

TEST(ProcessorSet, OfWhatIsNoListIsEmpty) {
  for (const char* const list : {"none", "-", ",", "8192", "3-1", "99999999999999999999"})
    EXPECT_EQ(processor_list(processor_set(list)), "") << list;
}

/// A made-up system: the files that the kernel would show, below a folder of the test's own.
class MadeUpSystem : public testing::Test {
 protected:
  ~MadeUpSystem() override { fs::remove_all(root_); }

  void write(const std::string& path, const std::string& text) const {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text << "\n";
  }
  void write_cpu(int number, const std::string& siblings) const {
    write(fmt::format("sys/devices/system/cpu/cpu{}/topology/thread_siblings_list", number), siblings);
  }
  /// "number:core:domain", with a bar behind what is not open.
  [[nodiscard]] std::string found() const {
    std::string text;
    for (const auto& [number, core, domain, is_open] : read_processors(root_.string()))
      text += fmt::format("{}{}:{}:{}{}", text.empty() ? "" : " ", number, core, domain, is_open ? "" : "|");
    return text;
  }

  fs::path root_ = fs::temp_directory_path() / fmt::format("windrow-processors-{}", getpid());
};

TEST_F(MadeUpSystem, TellsOfCoresAndDomains) {
  write("sys/devices/system/cpu/online", "0-3,6");
  for (const int number : {0, 2}) write_cpu(number, "0,2");
  for (const int number : {1, 3}) write_cpu(number, "1,3");
  write_cpu(6, "6");
  write("sys/devices/system/node/online", "0,3-4");
  write("sys/devices/system/node/node0/cpulist", "0,2");
  write("sys/devices/system/node/node3/cpulist", "1,3-9");
  write("sys/devices/system/node/node4/cpulist", "");
  write("proc/1/status", "Name:\tinit\nCpus_allowed:\tff\nCpus_allowed_list:\t0-7");
  EXPECT_EQ(found(), "0:0:0 1:1:3 2:0:0 3:1:3 6:6:3");
}

TEST_F(MadeUpSystem, WithoutCoresAndDomainsHasProcessorsAlone) {
  write("sys/devices/system/cpu/online", "0-2");
  EXPECT_EQ(found(), "0:0:0 1:1:0 2:2:0");
}

TEST_F(MadeUpSystem, OpensWhatAContainerHas) {
  write("sys/devices/system/cpu/online", "0-4");
  write("proc/1/status", "Cpus_allowed_list:\t1-2");
  EXPECT_EQ(found(), "0:0:0| 1:1:0 2:2:0 3:3:0| 4:4:0|");
}

TEST_F(MadeUpSystem, ThatTellsNothingHasTheProcessorsOfThisProcess) {
  const ProcessorSet own = processors_of_this_process();
  ASSERT_TRUE(own.any());
  EXPECT_EQ(read_processors(root_.string()).size(), own.count());
}

TEST(Processors, OfThisProcessAreThoseThatItWasGiven) {
  const ProcessorSet own = processors_of_this_process();
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  EXPECT_EQ(own.count(), static_cast<std::size_t>(CPU_COUNT(&before)));
  for (std::size_t number = 0; number < CPU_SETSIZE; ++number) {
    if (!own[number]) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(number, &one);
    ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
    EXPECT_EQ(processor_list(processors_of_this_process()), std::to_string(number));
  }
  ASSERT_EQ(sched_setaffinity(0, sizeof before, &before), 0);
}

TEST(Processors, AreTheSameWithHwlocAndWithoutIt) {
  const std::vector<Processor> found = find_processors();
  const std::vector<Processor> read = read_processors();
  ASSERT_EQ(found.size(), read.size());
  for (std::size_t n = 0; n < found.size(); ++n) {
    const auto all_of = [](const Processor& p) { return std::tuple(p.number, p.core, p.domain, p.is_open); };
    EXPECT_EQ(all_of(found[n]), all_of(read[n])) << n;
  }
}

}  // namespace
}  // namespace windrow
