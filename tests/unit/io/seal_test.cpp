#include "io/seal.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "unit/io/support.hpp"

namespace windrow::io::test {
namespace {

constexpr std::int64_t kFileBytes = 30'000;

/// A seal of a file of two arrays, as write_seal would place it.
Seal some_seal() {
  Seal seal;
  seal.layout.arrays = {{"u", ElementType::float32, {23, 29}, {4096, 23 * 29 * 4}, {12'288, 8}},
                        {"longer name", ElementType::int64, {5, 1, true}, {8192, 24}, {16'384, 8}, true}};
  seal.metadata = {1, ~std::uint64_t{0}};
  seal.layout.seal.bytes = static_cast<std::int64_t>(encode(seal).size());
  seal.layout.seal.offset = kFileBytes - seal.layout.seal.bytes;
  return seal;
}

Outcome decoded(const std::vector<std::byte>& bytes) {
  return outcome_of([&] { static_cast<void>(decode(bytes, kFileBytes)); });
}

/// Sets the 64-bit word at `offset` and makes the seal's own checksum right again: what a forger would do.
std::vector<std::byte> forged(std::vector<std::byte> bytes, std::size_t offset, std::uint64_t word) {
  std::memcpy(&bytes[offset], &word, sizeof word);
  const std::uint64_t sum = checksum(std::span(bytes).first(bytes.size() - 16));
  std::memcpy(&bytes[bytes.size() - 16], &sum, sizeof sum);
  return bytes;
}

TEST(Seal, IsReadAsItWasWritten) {
  const Seal seal = some_seal();
  const std::vector<std::byte> bytes = encode(seal);
  EXPECT_EQ(sealed_bytes(std::span(bytes).last(kTrailerBytes)), static_cast<std::int64_t>(bytes.size()));
  const Seal read = decode(bytes, kFileBytes);
  EXPECT_EQ(read.format, 1);
  EXPECT_EQ(read.metadata, seal.metadata);
  EXPECT_EQ(read.layout.seal, seal.layout.seal);
  ASSERT_EQ(read.layout.arrays.size(), 2U);
  for (std::size_t a = 0; a < 2; ++a) {
    EXPECT_EQ(read.layout.arrays[a].name, seal.layout.arrays[a].name);
    EXPECT_EQ(read.layout.arrays[a].type, seal.layout.arrays[a].type);
    EXPECT_EQ(read.layout.arrays[a].extents, seal.layout.arrays[a].extents);
    EXPECT_EQ(read.layout.arrays[a].data, seal.layout.arrays[a].data);
    EXPECT_EQ(read.layout.arrays[a].checksums, seal.layout.arrays[a].checksums);
    EXPECT_EQ(read.layout.arrays[a].is_compressed, seal.layout.arrays[a].is_compressed);
  }
}

TEST(Seal, EveryChangedBitIsNoticed) {
  const std::vector<std::byte> bytes = encode(some_seal());
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::vector<std::byte> changed = bytes;
    changed[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    ASSERT_EQ(decoded(changed).status, ExitStatus::verification) << "bit " << bit;
  }
}

TEST(Seal, EveryOtherLengthIsRefused) {
  std::vector<std::byte> bytes = encode(some_seal());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    ASSERT_EQ(decoded({bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)}).status,
              ExitStatus::verification)
        << size;
    ASSERT_EQ(decoded({bytes.end() - static_cast<std::ptrdiff_t>(size), bytes.end()}).status, ExitStatus::verification)
        << size;
  }
}

TEST(Seal, ForgedNumbersAreBoundsChecked) {
  const std::vector<std::byte> bytes = encode(some_seal());
  ASSERT_EQ(decoded(forged(bytes, 0, 0x4C41455352444E57)).status, ExitStatus::done) << "the forger can sign";
  // Everything but the fingerprint of the metadata (words 3 and 4), which any number may be.
  for (std::size_t offset = 0; offset + 16 < bytes.size(); offset += 8) {
    if (offset == 24 || offset == 32) continue;
    for (const std::uint64_t word : {std::uint64_t{0x7FFFFFFFFFFFFFFF}, std::uint64_t{0xFFFFFFFFFFFFFFFF},
                                     std::uint64_t{0x8000000000000000}, std::uint64_t{0x1000000000000000}}) {
      const Outcome outcome = decoded(forged(bytes, offset, word));
      // Names and the seal's length, which its reader has used by then, are not numbers to check.
      const bool is_text = outcome.status == ExitStatus::done;
      const bool in_name_or_length = offset == 136 || offset >= 232;
      ASSERT_TRUE(outcome.status == ExitStatus::verification || (is_text && in_name_or_length))
          << offset << ' ' << word;
    }
  }
}

TEST(Seal, OverlappingRegionsAreRefused) {
  Seal seal = some_seal();
  seal.layout.arrays[1].data.offset = 4096 + 23 * 29 * 4 - 8;
  EXPECT_EQ(decoded(encode(seal)).status, ExitStatus::verification);
  seal = some_seal();
  seal.layout.arrays[1].data.offset = seal.layout.seal.offset - 8;
  EXPECT_EQ(decoded(encode(seal)).status, ExitStatus::verification);
}

TEST(Seal, OfALaterFormatIsNamed) {
  Seal seal = some_seal();
  seal.format = 7;
  EXPECT_NE(decoded(encode(seal)).message.find("it has format 7, this version reads formats up to 1"),
            std::string::npos);
}

TEST(WriteSeal, EndsTheFileWithItsSize) {
  const Scratch scratch;
  const std::string path = scratch / "a.h5";
  const FileLayout layout = write_counted(path, small_spec());
  const std::string content = read_file(path);
  EXPECT_EQ(static_cast<std::int64_t>(content.size()), layout.file_bytes());
  EXPECT_TRUE(content.ends_with("windrow\n"));
  EXPECT_EQ(content.substr(static_cast<std::size_t>(layout.seal.offset), 8), "WNDRSEAL");
}

}  // namespace
}  // namespace windrow::io::test
