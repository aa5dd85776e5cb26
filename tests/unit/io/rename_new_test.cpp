#include "io/rename_new.hpp"

#include <gtest/gtest.h>

#include <cerrno>

#include "unit/io/support.hpp"

namespace windrow::io::test {
namespace {

using Rename = int (*)(const std::string&, const std::string&) noexcept;

class RenameNew : public testing::TestWithParam<Rename> {};

TEST_P(RenameNew, GivesTheNameAndNeverReplaces) {
  const Scratch scratch;
  write_file(scratch / "from", "content");
  EXPECT_EQ(GetParam()(scratch / "from", scratch / "to"), 0);
  EXPECT_EQ(scratch.names(), std::vector<std::string>{"to"});
  EXPECT_EQ(read_file(scratch / "to"), "content");

  write_file(scratch / "from", "other");
  EXPECT_EQ(GetParam()(scratch / "from", scratch / "to"), EEXIST);
  EXPECT_EQ(read_file(scratch / "to"), "content");
  EXPECT_EQ(read_file(scratch / "from"), "other");
  std::filesystem::create_symlink("nowhere", scratch / "link");
  EXPECT_EQ(GetParam()(scratch / "from", scratch / "link"), EEXIST);

  EXPECT_EQ(GetParam()(scratch / "missing", scratch / "new"), ENOENT);
  EXPECT_EQ(GetParam()(scratch / "from", scratch / "missing/new"), ENOENT);
}

INSTANTIATE_TEST_SUITE_P(EveryWay, RenameNew,
                         testing::Values(rename_new, rename_new_at_once, rename_new_by_link, rename_new_by_look));

}  // namespace
}  // namespace windrow::io::test
