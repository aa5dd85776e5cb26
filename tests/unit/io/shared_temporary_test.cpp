#include "io/shared_temporary.hpp"

#include "unit/io/support.hpp"

namespace windrow::io::test {
namespace {

TEST(SharedTemporary, IsRemovedUnlessItIsComplete) {
  const Scratch scratch;
  const std::string path = scratch / "temporary";
  for (const std::string& content : {std::string(), std::string("short"), std::string(1000, 'x')}) {
    write_file(path, content);
    remove_incomplete(path);
    EXPECT_FALSE(std::filesystem::exists(path)) << content;
  }
  remove_incomplete(path);
  remove_incomplete("");
  write_counted(path, small_spec());
  remove_incomplete(path);
  EXPECT_TRUE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace windrow::io::test
