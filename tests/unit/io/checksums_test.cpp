#include "io/checksums.hpp"
#include "base/partition.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "kernel/level.hpp"

namespace windrow::io {
namespace {

/// The input of xxHash's own test vectors.
std::vector<std::byte> sanity_buffer(std::size_t size) {
  constexpr std::uint64_t first = 2654435761U;
  constexpr std::uint64_t factor = 11400714785074694797ULL;
  std::vector<std::byte> buffer(size);
  std::uint64_t state = first;
  for (std::byte& byte : buffer) {
    byte = static_cast<std::byte>(state >> 56);
    state *= factor;
  }
  return buffer;
}

std::span<const std::byte> first_bytes(const std::vector<std::byte>& buffer, std::size_t size) {
  return std::span(buffer).first(size);
}

TEST(Checksum, IsXxh3) {
  // Source: the table of XXH3 64-bit test vectors of xxHash 0.8 (seed 0).
  const std::vector<std::pair<std::size_t, std::uint64_t>> known{
      {0, 0x2D06800538D394C2},   {1, 0xC44BDFF4074EECDB},   {6, 0x27B56A84CD2D7325},   {12, 0xA713DAF0DFBB77E7},
      {24, 0xA3FE70BF9D3510EB},  {48, 0x397DA259ECBA1F11},  {80, 0xBCDEFBBB2C47C90A},  {195, 0xCD94217EE362EC3A},
      {403, 0xCDEB804D65C6DEA4}, {512, 0x617E49599013CB6B}, {2048, 0xDD59E2C3A5F038E0}};
  const std::vector<std::byte> buffer = sanity_buffer(2048);
  for (const auto& [size, expected] : known) {
    EXPECT_EQ(checksum(first_bytes(buffer, size)), expected) << size;
    ChecksumStream stream;
    stream.feed(first_bytes(buffer, size));
    EXPECT_EQ(stream.finish(), expected) << size;
  }
}

TEST(Checksum, IsTheSameAtEveryLevel) {
  const std::vector<std::byte> buffer = sanity_buffer(static_cast<std::size_t>(kGroupBytes) + 70);
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{17}, std::size_t{240}, std::size_t{241}, std::size_t{1'023},
        std::size_t{1'024}, std::size_t{1'025}, std::size_t{65'537}, static_cast<std::size_t>(kGroupBytes)}) {
    // Aligned, and not.
    for (const std::size_t begin : {std::size_t{0}, std::size_t{3}, std::size_t{64}}) {
      const auto bytes = std::span<const std::byte>(buffer).subspan(begin, size);
      ChecksumStream stream;
      stream.feed(bytes);
      const std::uint64_t expected = stream.finish();
      for (const kernel::Level level : kernel::kLevels) {
        if (level > kernel::best_level()) continue;
        kernel::use_level(level);
        EXPECT_EQ(checksum(bytes), expected) << size << " bytes from " << begin << ", " << kernel::name_of(level);
      }
    }
  }
  kernel::use_level(kernel::best_level());
}

TEST(Fingerprint, IsXxh3Of128Bits) {
  Fingerprint fingerprint;
  // Source: XXH3_128bits of nothing, xxHash 0.8.
  const Fingerprint::Value nothing{0x6001C324468D497F, 0x99AA06D3014798D8};
  EXPECT_EQ(fingerprint.finish(), nothing);
}

TEST(ChecksumStream, PiecesDoNotMatter) {
  const std::vector<std::byte> buffer = sanity_buffer(100'003);
  ChecksumStream stream;
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{4096}, std::size_t{99'991}}) {
    for (std::size_t at = 0; at < buffer.size(); at += piece)
      stream.feed(std::span(buffer).subspan(at, std::min(piece, buffer.size() - at)));
    EXPECT_EQ(stream.finish(), checksum(buffer)) << piece;
  }
}

}  // namespace
}  // namespace windrow::io
