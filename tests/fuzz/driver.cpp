// Feeds a fuzz target with the files of a folder and with changes of them: DRIVER FOLDER SECONDS [SEED]. An input that
// kills the target is left in the file crash.
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "fuzz/fuzz_target.hpp"

namespace {

using Input = std::string;

std::vector<Input> read_all(const std::filesystem::path& folder) {
  std::vector<Input> inputs;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream file(entry.path(), std::ios::binary);
    inputs.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return inputs;
}

class Mutation {
 public:
  Mutation(const std::vector<Input>& inputs, std::uint64_t seed) : inputs_(inputs), random_(seed) {}

  Input next() {
    Input input = inputs_[below(inputs_.size())];
    for (std::size_t changes = 1 + below(8); changes > 0; --changes) change(input);
    return input;
  }

 private:
  std::size_t below(std::size_t end) { return std::uniform_int_distribution<std::size_t>(0, end - 1)(random_); }

  void change(Input& input) {
    const std::size_t at = below(input.size() + 1);
    switch (below(6)) {
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
  std::mt19937_64 random_;
};

void feed(const Input& input) {
  std::ofstream("crash", std::ios::binary) << input;
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 3) {
    std::cerr << "usage: " << arguments[0] << " FOLDER SECONDS [SEED]\n";
    return 2;
  }
  const std::vector<Input> inputs = read_all(arguments[1]);
  if (inputs.empty()) {
    std::cerr << arguments[1] << " has no inputs\n";
    return 2;
  }
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(std::atof(arguments[2]));
  const std::uint64_t seed = count > 3 ? std::strtoull(arguments[3], nullptr, 10) : std::random_device()();
  std::cout << "seed " << seed << '\n' << std::flush;
  for (const Input& input : inputs) feed(input);
  Mutation mutation(inputs, seed);
  std::int64_t runs = 0;
  for (; std::chrono::steady_clock::now() < end; ++runs) feed(mutation.next());
  std::filesystem::remove("crash");
  std::cout << inputs.size() << " inputs and " << runs << " changes of them\n";
}
