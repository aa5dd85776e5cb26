#include "io/compressor.hpp"

#include <gtest/gtest.h>
#include <libdeflate.h>

#include <random>

namespace windrow::io::test {
namespace {

std::vector<std::byte> noise(std::size_t bytes) {
  std::mt19937 random(7);
  std::vector<std::byte> made(bytes);
  for (std::byte& byte : made) byte = static_cast<std::byte>(random() % 256);
  return made;
}

/// What every element width and any number of elements must give.
TEST(Shuffle, SortsBytesByTheirPlace) {
  for (const std::size_t width : std::vector<std::size_t>{4, 8})
    for (const std::size_t count : std::vector<std::size_t>{1, 2, 15, 16, 255, 256, 257, 1009}) {
      const std::vector<std::byte> elements = noise(count * width);
      std::vector<std::byte> out(elements.size());
      shuffle(elements, static_cast<std::int64_t>(width), out);
      for (std::size_t n = 0; n < count; ++n)
        for (std::size_t place = 0; place < width; ++place)
          ASSERT_EQ(out[place * count + n], elements[n * width + place]) << width << " x " << count;
    }
}

TEST(Compressor, DeflatesWhatIsShuffled) {
  constexpr std::size_t count = 65'003;
  std::vector<double> values(count);
  for (std::size_t n = 0; n < count; ++n) values[n] = static_cast<double>(n) * 0.5;
  const auto chunk = std::as_bytes(std::span(values));
  for (const std::int64_t level : {1, 4, 9}) {
    std::vector<std::byte> out(chunk.size());
    const std::int64_t bytes = Compressor(level, 8, std::ssize(chunk)).compress(chunk, out);
    ASSERT_LT(bytes, std::ssize(chunk) / 4);
    std::vector<std::byte> inflated(chunk.size());
    libdeflate_decompressor* const inflate = libdeflate_alloc_decompressor();
    EXPECT_EQ(libdeflate_zlib_decompress(inflate, out.data(), static_cast<std::size_t>(bytes), inflated.data(),
                                         inflated.size(), nullptr),
              LIBDEFLATE_SUCCESS);
    libdeflate_free_decompressor(inflate);
    for (std::size_t n = 0; n < count; n += 97)
      for (std::size_t place = 0; place < 8; ++place)
        ASSERT_EQ(inflated[place * count + n], chunk[n * 8 + place]) << "level " << level;
  }
}

TEST(Compressor, CopiesWhatDoesNotBecomeSmaller) {
  const std::vector<std::byte> chunk = noise(400'012);
  std::vector<std::byte> out(chunk.size());
  EXPECT_EQ(Compressor(9, 4, std::ssize(chunk)).compress(chunk, out), std::ssize(chunk));
  EXPECT_EQ(out, chunk);
  const std::vector<std::byte> one(4);
  std::vector<std::byte> out_of_one(4);
  EXPECT_EQ(Compressor(1, 4, 4).compress(one, out_of_one), 4);
  EXPECT_EQ(out_of_one, one);
}

}  // namespace
}  // namespace windrow::io::test
