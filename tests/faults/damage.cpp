// Damages an output in every way that counts, one at a time, and has it verified after each:
//   damage FILE SEED
// prints a line "KIND TRIED REFUSED" for each kind of damage, and fails unless every one of them was refused as changed
// and the file, mended again, is whole.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/partition.hpp"
#include "io/checksums.hpp"
#include "io/verify.hpp"

namespace {

using windrow::ExitStatus;
using windrow::io::ArrayLayout;

class Damage {
 public:
  Damage(std::string path, unsigned seed)
      : path_(std::move(path)),
        report_(windrow::io::verify(path_)),
        file_(open(path_.c_str(), O_RDWR | O_CLOEXEC)),
        random_(seed) {}
  Damage(const Damage&) = delete;
  Damage& operator=(const Damage&) = delete;
  ~Damage() { close(file_); }

  /// Every byte that is no array's element, in three ways.
  void flip_metadata() {
    Count count{"metadata"};
    for (std::int64_t at = 0; at < report_.file_bytes; ++at) {
      const auto array = std::ranges::find_if(
          report_.arrays, [&](const ArrayLayout& one) { return one.data.offset <= at && at < one.data.end(); });
      if (array != report_.arrays.end()) {
        at = array->data.end() - 1;
        continue;
      }
      const unsigned bit = 1U << static_cast<unsigned>(at % 8);
      for (const unsigned bits : {bit, 0xFFU, 0xFFU ^ bit}) flip(count, at, bits);
    }
  }

  /// A thousand bytes of elements, at places that the seed chooses.
  void flip_data() {
    Count count{"data"};
    for (int sample = 0; sample < 1000; ++sample) {
      const ArrayLayout& array = report_.arrays[random_() % report_.arrays.size()];
      const auto byte = static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(array.data.bytes));
      flip(count, array.data.offset + byte, 1U << (random_() % 8));
    }
  }

  /// Lengths that lack whole pages, from the whole file down to nothing; and bytes too many.
  void change_length() {
    Count cut{"truncations"};
    const std::vector<char> whole = read(0, report_.file_bytes);
    const auto cut_to = [&](std::int64_t bytes) {
      if (ftruncate(file_, bytes) != 0) std::abort();
      check(cut);
    };
    cut_to(report_.file_bytes - 1);
    for (std::int64_t bytes = (report_.file_bytes - 1) / 4096 * 4096; bytes >= 0; bytes -= 4096) cut_to(bytes);
    write(0, whole);
    Count longer{"appended"};
    for (const std::int64_t more : {1, 7, 8, 24, 4096, 1 << 20}) {
      for (const char filler : {'\0', 'x'}) {
        write(report_.file_bytes, std::vector<char>(static_cast<std::size_t>(more), filler));
        check(longer);
        if (ftruncate(file_, report_.file_bytes) != 0) std::abort();
      }
      // The file's own end once more.
      const std::int64_t end_bytes = std::min(more, report_.file_bytes);
      write(report_.file_bytes, read(report_.file_bytes - end_bytes, end_bytes));
      check(longer);
      if (ftruncate(file_, report_.file_bytes) != 0) std::abort();
    }
  }

  /// Any two whole groups of an array change places.
  void swap_groups() {
    Count count{"swapped groups"};
    for (const ArrayLayout& array : report_.arrays) {
      const std::int64_t groups = array.data.bytes / windrow::kGroupBytes;
      for (std::int64_t a = 0; a < groups; ++a)
        for (std::int64_t b = a + 1; b < groups; ++b) {
          swap(array, a, b);
          check(count);
          swap(array, a, b);
        }
    }
  }

  /// Whether all was refused, and the file is what it was.
  [[nodiscard]] bool is_well() const {
    static_cast<void>(windrow::io::verify(path_));
    return all_refused_;
  }

 private:
  struct Count {
    explicit Count(const char* what) : kind(what) {}
    Count(const Count&) = delete;
    Count& operator=(const Count&) = delete;
    ~Count() { fmt::print("{} {} {}\n", kind, tried, refused); }
    const char* kind;
    std::int64_t tried = 0;
    std::int64_t refused = 0;
  };

  void check(Count& count) {
    ++count.tried;
    try {
      static_cast<void>(windrow::io::verify(path_));
    } catch (const windrow::Error& error) {
      if (error.status() == ExitStatus::verification) {
        ++count.refused;
        return;
      }
      fmt::print(stderr, "damage: {}\n", error.what());
    }
    all_refused_ = false;
  }

  void flip(Count& count, std::int64_t at, unsigned bits) {
    const std::vector<char> byte = read(at, 1);
    write(at, {static_cast<char>(static_cast<unsigned char>(byte[0]) ^ bits)});
    check(count);
    write(at, byte);
  }

  void swap(const ArrayLayout& array, std::int64_t a, std::int64_t b) const {
    const std::int64_t bytes = windrow::kGroupBytes;
    const std::vector<char> first = read(array.data.offset + a * bytes, bytes);
    const std::vector<char> second = read(array.data.offset + b * bytes, bytes);
    write(array.data.offset + a * bytes, second);
    write(array.data.offset + b * bytes, first);
  }

  [[nodiscard]] std::vector<char> read(std::int64_t offset, std::int64_t bytes) const {
    std::vector<char> content(static_cast<std::size_t>(bytes));
    if (pread(file_, content.data(), content.size(), offset) != bytes) std::abort();
    return content;
  }

  void write(std::int64_t offset, const std::vector<char>& content) const {
    if (pwrite(file_, content.data(), content.size(), offset) != std::ssize(content)) std::abort();
  }

  std::string path_;
  windrow::io::VerifyReport report_;
  int file_;
  std::mt19937_64 random_;
  bool all_refused_ = true;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  try {
    Damage damage(argv[1], static_cast<unsigned>(std::strtoul(argv[2], nullptr, 10)));
    damage.flip_metadata();
    damage.flip_data();
    damage.change_length();
    damage.swap_groups();
    return damage.is_well() ? 0 : 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "damage: {}\n", error.what());
    return 1;
  }
}
