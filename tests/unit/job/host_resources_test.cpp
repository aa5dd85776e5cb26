#include "job/host_resources.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/error.hpp"
#include "base/units.hpp"

namespace windrow {
namespace {

namespace fs = std::filesystem;

/// A made-up system: the files that the kernel would show, below a folder of the test's own.
class System : public testing::Test {
 protected:
  void SetUp() override {
    write("proc/meminfo", "MemTotal:       16000000 kB\nMemFree:   10 kB\nMemAvailable:    8000000 kB\n");
  }
  ~System() override { fs::remove_all(root_); }

  void write(const std::string& path, const std::string& text) const {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }
  void write_group_v1(const std::string& group, std::int64_t limit, std::int64_t usage, std::int64_t cache = 0) const {
    const std::string path = "sys/fs/cgroup/memory" + group;
    write(path + "/memory.limit_in_bytes", fmt::format("{}\n", limit));
    write(path + "/memory.usage_in_bytes", fmt::format("{}\n", usage));
    write(path + "/memory.stat", fmt::format("cache 77\ninactive_file 0\nactive_file 0\ntotal_inactive_file {}\n"
                                             "total_active_file {}\n",
                                             cache / 2, cache - cache / 2));
  }
  void write_group_v2(const std::string& group, const std::string& limit, std::int64_t usage, std::int64_t cache = 0,
                      const std::string& top = "") const {
    const std::string path = "sys/fs/cgroup" + top + group;
    write(path + "/memory.max", limit + "\n");
    write(path + "/memory.current", fmt::format("{}\n", usage));
    write(path + "/memory.stat", fmt::format("anon 5\ninactive_file {}\nactive_file 0\nshmem 9\n", cache));
  }
  [[nodiscard]] HostResources found() const { return find_host_resources(root_.string()); }
  [[nodiscard]] std::string group_path(const std::string& path) const {
    return (root_ / "sys/fs/cgroup" / path).string();
  }

  fs::path root_ = fs::temp_directory_path() / fmt::format("windrow-system-{}", getpid());
};

constexpr std::int64_t kAvailable = 8'000'000 * kKiB;
// What version 1 has instead of "max".
constexpr std::int64_t kNoLimitV1 = 9'223'372'036'854'771'712;

TEST_F(System, WithoutGroupsTheMemoryOfTheHostIsTheLimit) {
  const HostResources resources = found();
  EXPECT_EQ(resources.memory_free, kAvailable);
  EXPECT_EQ(resources.host_memory_free, kAvailable);
  EXPECT_EQ(resources.memory_limit, "the memory of this host");
  EXPECT_EQ(resources.control_group, "");
}

TEST_F(System, WithoutAnythingNothingBounds) {
  fs::remove_all(root_);
  EXPECT_EQ(found().memory_free, kUnlimited);
}

TEST_F(System, AGroupOfVersion1) {
  write("proc/self/cgroup", "9:name=systemd:/\n4:cpu,memory:/jobs/a\n1:cpuset:/elsewhere\n0::/\n");
  write_group_v1("", kNoLimitV1, 1 * kGiB);
  write_group_v1("/jobs", kNoLimitV1, 1 * kGiB);
  write_group_v1("/jobs/a", 2 * kGiB, 1 * kGiB, 256 * kMiB);
  const HostResources resources = found();
  EXPECT_EQ(resources.memory_free, 1 * kGiB + 256 * kMiB) << "the cache of files is given up before anybody is killed";
  EXPECT_EQ(resources.control_group, group_path("memory/jobs/a"));
  EXPECT_EQ(resources.control_group_used, 1 * kGiB - 256 * kMiB);
  EXPECT_EQ(resources.memory_limit, "the control group " + group_path("memory/jobs/a"));
  EXPECT_EQ(resources.host_memory_free, kAvailable);
}

TEST_F(System, AGroupOfVersion2) {
  write("proc/self/cgroup", "0::/user.slice/run.scope\n");
  write_group_v2("/user.slice", "max", 3 * kGiB);
  write_group_v2("/user.slice/run.scope", "1073741824", 300 * kMiB, 100 * kMiB);
  EXPECT_EQ(found().memory_free, 1 * kGiB - 200 * kMiB);
  EXPECT_EQ(found().control_group, group_path("user.slice/run.scope"));
}

TEST_F(System, TheNarrowestOfNestedGroupsIsTheLimit) {
  write("proc/self/cgroup", "0::/slurm/job_7/step_0\n");
  write_group_v2("/slurm", "4294967296", 3 * kGiB + 512 * kMiB);
  write_group_v2("/slurm/job_7", "2147483648", 256 * kMiB);
  write_group_v2("/slurm/job_7/step_0", "max", 128 * kMiB);
  EXPECT_EQ(found().memory_free, 512 * kMiB);
  EXPECT_EQ(found().control_group, group_path("slurm"));
  write_group_v2("/slurm/job_7", "536870912", 256 * kMiB);
  EXPECT_EQ(found().memory_free, 256 * kMiB);
  EXPECT_EQ(found().control_group, group_path("slurm/job_7"));
}

TEST_F(System, MaxIsNoLimitAndHighIsOne) {
  write("proc/self/cgroup", "0::/a\n");
  write_group_v2("/a", "max", 1 * kGiB);
  EXPECT_EQ(found().memory_free, kAvailable);
  write("sys/fs/cgroup/a/memory.high", "max\n");
  EXPECT_EQ(found().memory_free, kAvailable);
  write("sys/fs/cgroup/a/memory.high", "1610612736\n");
  EXPECT_EQ(found().memory_free, 512 * kMiB);
}

TEST_F(System, AGroupBeyondItsLimitHasNothingFree) {
  write("proc/self/cgroup", "0::/a\n");
  write_group_v2("/a", "1073741824", 2 * kGiB);
  EXPECT_EQ(found().memory_free, 0);
}

TEST_F(System, AGroupWiderThanTheHostIsNotTheLimit) {
  write("proc/self/cgroup", "0::/a\n");
  write_group_v2("/a", "1099511627776", 2 * kGiB);
  EXPECT_EQ(found().memory_free, kAvailable);
  EXPECT_EQ(found().memory_limit, "the memory of this host");
}

TEST_F(System, AHybridHasTheMemoryInVersion1) {
  write("proc/self/cgroup", "4:memory:/jobs/a\n0::/jobs/a\n");
  write_group_v1("/jobs/a", 2 * kGiB, 1 * kGiB);
  write("sys/fs/cgroup/unified/jobs/a/cgroup.procs", "1\n");
  EXPECT_EQ(found().memory_free, 1 * kGiB);
  // And one that has it in version 2.
  write("proc/self/cgroup", "4:cpu:/jobs/a\n0::/jobs/a\n");
  write_group_v2("/jobs/a", "536870912", 0, 0, "/unified");
  EXPECT_EQ(found().memory_free, 512 * kMiB);
}

TEST_F(System, InAContainerThePathOfTheHostIsNotToBeSeen) {
  write("proc/self/cgroup", "4:memory:/docker/0123456789abcdef\n");
  write_group_v1("", 1 * kGiB, 256 * kMiB);
  EXPECT_EQ(found().memory_free, 768 * kMiB);
  EXPECT_EQ(found().control_group, group_path("memory"));
  fs::remove_all(root_ / "sys");
  write("proc/self/cgroup", "0::/docker/0123456789abcdef\n");
  write_group_v2("", "536870912", 256 * kMiB);
  EXPECT_EQ(found().memory_free, 256 * kMiB);
  // A name space of groups that was entered from elsewhere shows the way up and out.
  write("proc/self/cgroup", "0::/../../other\n");
  EXPECT_EQ(found().memory_free, 256 * kMiB);
}

TEST_F(System, ContainersAreKnownByTheirTraces) {
  const bool by_size = found().is_container;
  write(".dockerenv", "");
  EXPECT_TRUE(found().is_container);
  fs::remove(root_ / ".dockerenv");
  write("run/.containerenv", "engine=\"podman\"\n");
  EXPECT_TRUE(found().is_container);
  fs::remove(root_ / "run/.containerenv");
  EXPECT_EQ(found().is_container, by_size);
}

TEST_F(System, AFolderOfTheWindowsThatIsNotInMemoryIsToldByItsFileSystem) {
  EXPECT_EQ(found().shared_memory_disk, "");
  constexpr const char* variable = "OMPI_MCA_osc_sm_backing_directory";
  setenv(variable, "/proc", 1);
  if (found().shared_memory_folder != "/proc") GTEST_SKIP() << "this MPI has its windows where it wants";
  write("proc/self/mounts", "/dev/sda / ext4 rw 0 0\nproc /proc proc rw 0 0\n");
  EXPECT_EQ(found().shared_memory_disk, "proc");
  unsetenv(variable);
}

TEST(HostResources, AreThoseOfTheFolderOfTheWindows) {
  const HostResources resources = find_host_resources();
  EXPECT_TRUE(fs::is_directory(resources.shared_memory_folder)) << resources.shared_memory_folder;
  EXPECT_GT(resources.shared_memory_free, 0);
  EXPECT_GT(resources.memory_free, 0);
  EXPECT_GE(resources.host_memory_free, resources.memory_free);
  EXPECT_FALSE(resources.memory_limit.empty());
}

}  // namespace
}  // namespace windrow
