#include "base/limits.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <fstream>
#include <sstream>
#include <string>

namespace windrow {
namespace {

/// The first mount of a type, of those that are not hidden behind another one.
std::string mount_of(const std::string& wanted) {
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    const std::size_t dash = line.find(" - ");
    if (dash == std::string::npos || line.compare(dash + 3, wanted.size() + 1, wanted + " ") != 0) continue;
    // number, parent, major:minor, root, folder
    std::istringstream words(line);
    std::string device;
    std::string folder;
    words >> folder >> folder >> device >> folder >> folder;
    struct stat status {};
    if (stat(folder.c_str(), &status) == 0 &&
        device == std::to_string(major(status.st_dev)) + ":" + std::to_string(minor(status.st_dev)))
      return folder;
  }
  return "";
}

TEST(DeviceInMemory, IsToldForATmpfsAlone) {
  EXPECT_FALSE(device_in_memory("/proc"));
  EXPECT_FALSE(device_in_memory("/a/folder/that/is/missing"));
  const std::string tmpfs = mount_of("tmpfs");
  if (tmpfs.empty()) GTEST_SKIP() << "no tmpfs is mounted";
  struct stat status {};
  ASSERT_EQ(stat(tmpfs.c_str(), &status), 0);
  EXPECT_EQ(device_in_memory(tmpfs), status.st_dev) << tmpfs;
}

}  // namespace
}  // namespace windrow
