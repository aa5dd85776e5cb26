#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "deck/reader.hpp"

namespace windrow::deck {
namespace {

namespace fs = std::filesystem;

class Load : public ::testing::Test {
 protected:
  Load() {
    std::string name = (fs::temp_directory_path() / "windrow-deck-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~Load() override { fs::remove_all(folder_); }

  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return (folder_ / name).string();
  }

  static std::string error_of(const std::string& path) {
    try {
      (void)load(path, {});
    } catch (const Error& error) {
      EXPECT_EQ(error.status(), ExitStatus::usage);
      return error.what();
    }
    return "";
  }

  fs::path folder_;
};

TEST_F(Load, TakesEveryByte) {
  const std::string text("\xEF\xBB\xBFjob = 'x'\r\n\0\xFF", 16);
  const std::string path = write("d.toml", text);
  const Source source = load(path, {"a=1"});
  EXPECT_EQ(source.name, path);
  EXPECT_EQ(source.text, text);
  EXPECT_EQ(source.overrides, std::vector<std::string>{"a=1"});
  EXPECT_EQ(load(write("empty.toml", ""), {}).text, "");
}

TEST_F(Load, SaysWhatIsWrongWithAPath) {
  const std::string missing = (folder_ / "none.toml").string();
  EXPECT_EQ(error_of(missing), "cannot open the deck " + missing + ": No such file or directory");
  EXPECT_EQ(error_of(folder_.string()), "cannot read the deck " + folder_.string() + ": Is a directory");
  EXPECT_EQ(error_of(""), "cannot open the deck : No such file or directory");
}

TEST_F(Load, UnreadableFile) {
  if (::geteuid() == 0) GTEST_SKIP() << "root reads everything";
  const std::string path = write("secret.toml", "job = 'x'");
  ::chmod(path.c_str(), 0);
  EXPECT_EQ(error_of(path), "cannot open the deck " + path + ": Permission denied");
}

TEST_F(Load, AHugeFileIsNoDeck) {
  const std::string path = write("huge.toml", "");
  fs::resize_file(path, 100'000'000);
  EXPECT_EQ(error_of(path), path + " has more than 1.0 MB: is it a deck?");
  EXPECT_EQ(error_of("/dev/zero"), "/dev/zero has more than 1.0 MB: is it a deck?");
}

TEST_F(Load, StandardInput) {
  const std::string path = write("in.toml", "job = 'x'\n");
  const int saved = ::dup(STDIN_FILENO);
  ASSERT_NE(std::freopen(path.c_str(), "rb", stdin), nullptr);
  const Source source = load("-", {});
  EXPECT_EQ(source.name, "<stdin>");
  EXPECT_EQ(source.text, "job = 'x'\n");
  ::dup2(saved, STDIN_FILENO);
  ::close(saved);
}

}  // namespace
}  // namespace windrow::deck
