// Feeds a fuzz target with the files of a folder and with changes of them: DRIVER FOLDER SECONDS [SEED]. The words in
// FOLDER.words, one a line, are inserted too. An input that ends the target, takes too long or wants too much memory is
// left in the file crash.NAME, where NAME is that of the folder: the only file of a folder that shows it again.
//
// This needs a compiler only. With clang -fsanitize=fuzzer the same targets link with libFuzzer instead, which is led
// by what the inputs reach.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fuzz/fuzz_target.hpp"

namespace {

using Input = std::string;

/// In the order of their names, so that a seed stands for the same inputs everywhere.
std::vector<Input> read_all(const std::filesystem::path& folder) {
  const std::filesystem::directory_iterator entries(folder);
  const std::set<std::filesystem::path> paths(begin(entries), end(entries));
  std::vector<Input> inputs;
  for (const std::filesystem::path& path : paths) {
    std::ifstream file(path, std::ios::binary);
    inputs.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return inputs;
}

std::vector<Input> read_lines(const std::filesystem::path& path) {
  std::vector<Input> lines;
  std::ifstream file(path);
  for (Input line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

class Mutation {
 public:
  Mutation(const std::vector<Input>& inputs, const std::vector<Input>& words, std::uint64_t seed)
      : inputs_(inputs), words_(words), random_(seed) {}

  Input next() {
    Input input = inputs_[below(inputs_.size())];
    for (std::size_t changes = 1 + below(8); changes > 0; --changes) change(input);
    return input;
  }

 private:
  std::size_t below(std::size_t end) { return std::uniform_int_distribution<std::size_t>(0, end - 1)(random_); }

  void change(Input& input) {
    const std::size_t at = below(input.size() + 1);
    switch (below(7)) {
      case 0:
        input.insert(at, 1, static_cast<char>(below(256)));
        break;
      case 1:
        input.erase(at, 1 + below(4));
        break;
      case 2:  // a part of another input
        input.insert(at, piece(inputs_[below(inputs_.size())]));
        break;
      case 3:  // a part of its own, again
        input.insert(at, piece(input));
        break;
      case 4:
        if (at < input.size()) input[at] = static_cast<char>(input[at] ^ (1 << below(8)));
        break;
      case 5:
        if (!words_.empty()) input.insert(at, words_[below(words_.size())]);
        break;
      default:  // a part, many times
        if (input.size() < kLongest) {
          const Input part = piece(input);
          for (std::size_t n = below(100); n > 0; --n) input.insert(at, part);
        }
        break;
    }
    if (input.size() > kLongest) input.resize(kLongest);
  }

  Input piece(const Input& input) {
    const std::size_t at = below(input.size() + 1);
    return input.substr(at, 1 + below(16));
  }

  static constexpr std::size_t kLongest = 8192;
  const std::vector<Input>& inputs_;
  const std::vector<Input>& words_;
  std::mt19937_64 random_;
};

/// The present input in a file, whatever becomes of this process.
class Remains {
 public:
  explicit Remains(std::string path)
      : path_(std::move(path)), descriptor_(open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)) {}
  Remains(const Remains&) = delete;
  Remains& operator=(const Remains&) = delete;
  ~Remains() {
    close(descriptor_);
    std::filesystem::remove(path_);
  }

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] bool keep(const Input& input) const {
    const auto size = static_cast<ssize_t>(input.size());
    return pwrite(descriptor_, input.data(), input.size(), 0) == size && ftruncate(descriptor_, size) == 0;
  }

 private:
  std::string path_;
  int descriptor_;
};

void end_slow_input(int /*signal*/) {
  constexpr std::string_view message = "an input takes too long\n";
  static_cast<void>(!write(STDERR_FILENO, message.data(), message.size()));
  _exit(1);
}

/// Of the processor's time, so that what else the machine does is no failure.
void allow_seconds(int seconds) {
  itimerval timer{};
  timer.it_value.tv_sec = seconds;
  setitimer(ITIMER_PROF, &timer, nullptr);
}

/// The sanitizer's own tables are larger by far; it is given its limit by its options.
void limit_memory() {
#ifndef __SANITIZE_ADDRESS__
  constexpr rlim_t most_bytes = rlim_t{512} << 20;
  const rlimit limit{.rlim_cur = most_bytes, .rlim_max = most_bytes};
  setrlimit(RLIMIT_DATA, &limit);
#endif
}

/// Feeds the inputs, then changes of them for some time; returns how many.
std::int64_t feed(const std::vector<Input>& inputs, Mutation mutation, const Remains& remains,
                  std::chrono::duration<double> time) {
  constexpr int most_seconds = 2;
  const auto end = std::chrono::steady_clock::now() + time;
  std::int64_t fed = 0;
  const auto feed_one = [&](const Input& input) {
    if (!remains.keep(input)) throw std::runtime_error("cannot write " + remains.path());
    allow_seconds(most_seconds);
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
    ++fed;
  };
  for (const Input& input : inputs) feed_one(input);
  while (std::chrono::steady_clock::now() < end) feed_one(mutation.next());
  allow_seconds(0);
  return fed;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 3) {
    std::cerr << "usage: " << arguments[0] << " FOLDER SECONDS [SEED]\n";
    return 2;
  }
  const std::filesystem::path folder = arguments[1];
  const std::vector<Input> inputs = read_all(folder);
  if (inputs.empty()) {
    std::cerr << folder << " has no inputs\n";
    return 2;
  }
  const std::vector<Input> words = read_lines(folder.string() + ".words");
  const std::chrono::duration<double> time(std::atof(arguments[2]));
  const std::uint64_t seed = count > 3 ? std::strtoull(arguments[3], nullptr, 10) : 1;
  const Remains remains("crash." + folder.filename().string());
  std::cout << "seed " << seed << "; an input that ends this is in " << remains.path() << '\n' << std::flush;
  std::signal(SIGPROF, end_slow_input);
  limit_memory();
  const std::int64_t fed = feed(inputs, Mutation(inputs, words, seed), remains, time);
  std::cout << fed << " inputs, " << inputs.size() << " of them from files\n";
}
