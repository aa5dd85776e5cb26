#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/partition.hpp"
#include "io/checksums.hpp"
#include "io/file_writer.hpp"
#include "io/seal.hpp"
#include "io/skeleton.hpp"

namespace windrow::io::test {

/// A folder of its own for each test of each process, removed afterwards.
class Scratch {
 public:
  Scratch() {
    std::string pattern = (std::filesystem::temp_directory_path() / "windrow-unit-io-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no scratch folder");
    folder_ = pattern;
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  [[nodiscard]] std::string operator/(const std::string& name) const { return (folder_ / name).string(); }
  [[nodiscard]] std::string folder() const { return folder_.string(); }
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(folder_))
      found.push_back(entry.path().filename().string());
    return found;
  }

 private:
  std::filesystem::path folder_;
};

inline void write_file(const std::string& path, std::string_view content) {
  std::ofstream(path, std::ios::binary) << content;
}

inline std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Status and text of the Error that `action` throws; status done if it throws none.
struct Outcome {
  ExitStatus status = ExitStatus::done;
  std::string message;
};

template <typename Action>
Outcome outcome_of(Action&& action) {
  try {
    action();
  } catch (const Error& error) {
    return {error.status(), error.what()};
  }
  return {};
}

/// Runs `action` in a child process; its result, 0 to 255, or -1 if it did not end by itself.
template <typename Action>
int in_child(Action&& action) {
  const pid_t child = fork();
  if (child == 0) {
    try {
      _exit(action());
    } catch (const Error& error) {
      _exit(static_cast<int>(error.status()));
    } catch (const std::exception&) {
      _exit(99);
    }
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/// Elements 0, 1, 2, ... of an array, as bytes.
inline std::vector<std::byte> counted(const ArrayLayout& array) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(array.data.bytes));
  with_element(array.type, [&](auto element) {
    for (std::size_t at = 0; at < bytes.size(); at += sizeof element) {
      std::memcpy(&bytes[at], &element, sizeof element);
      element += 1;
    }
  });
  return bytes;
}

/// Both steps of a skeleton, one after the other.
inline FileLayout create_whole_skeleton(const std::string& path, const FileSpec& spec) {
  FileLayout layout = create_skeleton(path, spec, kPageBytes);
  complete_skeleton(path, spec, layout);
  return layout;
}

/// Writes a whole file, its arrays counted, and seals it.
inline FileLayout write_counted(const std::string& path, const FileSpec& spec) {
  write_file(path, "");
  FileLayout layout = create_whole_skeleton(path, spec);
  FileWriter writer(path);
  for (const ArrayLayout& array : layout.arrays) {
    const std::vector<std::byte> bytes = counted(array);
    std::vector<std::uint64_t> sums;
    for (std::size_t at = 0; at < bytes.size(); at += kGroupBytes)
      sums.push_back(checksum(std::span(bytes).subspan(at, std::min<std::size_t>(kGroupBytes, bytes.size() - at))));
    writer.write(array.data.offset, bytes);
    writer.write(array.checksums.offset, std::as_bytes(std::span(sums)));
  }
  writer.close();
  write_seal(path, layout);
  return layout;
}

/// Two arrays, one of them without columns, a scalar, and some of everything else.
inline FileSpec small_spec() {
  FileSpec spec;
  spec.title = "small";
  spec.source = "windrow unit test";
  spec.arrays = {{"array", ElementType::float64, {197, 23}, {{"expression", "i*cols + j"}}},
                 {"counts", ElementType::int32, {197, 1, true}, {}}};
  spec.scalars = {{"total", 4531.5, {{"expression", "sum(array)"}}}, {"samples", std::int64_t{1} << 40, {}}};
  spec.provenance.attributes = {{"version", "0.1.0"}, {"ranks", std::int64_t{4}}, {"load", 0.25}};
  spec.provenance.texts = {{"deck", "job = \"populate\"\n# Größe\n"}, {"empty", ""}};
  spec.provenance.hosts = {"node1", "node2"};
  spec.provenance.phases = {{"start", 0.125}, {"populate", 2.5}};
  spec.provenance.blocks = {{"array", {{0, 100, 3, 0.5, 0.25}, {100, 97, 1, 0.75, 0.125}}}};
  return spec;
}

}  // namespace windrow::io::test
