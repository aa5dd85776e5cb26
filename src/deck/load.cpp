#include <cerrno>
#include <cstdio>
#include <memory>

#include "base/units.hpp"
#include "deck/reader.hpp"

namespace windrow::deck {
namespace {

// Far above any deck; it keeps a mistaken path (an output, a device) from filling the memory.
constexpr std::int64_t kMostBytes = kMiB;

std::string read_all(std::FILE* file, const std::string& name) {
  std::string text;
  char block[16384];
  while (const std::size_t bytes = std::fread(block, 1, sizeof block, file)) {
    text.append(block, bytes);
    if (static_cast<std::int64_t>(text.size()) > kMostBytes)
      throw Error(ExitStatus::usage, "{} has more than {}: is it a deck?", name, format_bytes(kMostBytes));
  }
  if (std::ferror(file) != 0) throw Error(ExitStatus::usage, "cannot read the deck {}: {}", name, errno_text(errno));
  return text;
}

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

}  // namespace

Source load(const std::string& path, std::vector<std::string> overrides) {
  if (path == "-") return {"<stdin>", read_all(stdin, "standard input"), std::move(overrides)};
  const std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path.c_str(), "rb"));
  if (!file) throw Error(ExitStatus::usage, "cannot open the deck {}: {}", path, errno_text(errno));
  return {path, read_all(file.get(), path), std::move(overrides)};
}

}  // namespace windrow::deck
