#include "io/seal.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <string_view>
#include <utility>

#include "base/partition.hpp"
#include "base/units.hpp"
#include "io/file_writer.hpp"

namespace windrow::io {
namespace {

static_assert(std::endian::native == std::endian::little, "files are native little-endian");

constexpr std::string_view kBegin = "WNDRSEAL";
constexpr std::string_view kEnd = "windrow\n";
constexpr std::int64_t kWord = 8;
constexpr std::int64_t kHeadWords = 6;
constexpr std::int64_t kArrayWords = 11;
constexpr std::int64_t kLongestGroup = kGiB;

std::int64_t padded(std::int64_t bytes) {
  return round_up(bytes, kWord);
}

std::int64_t array_bytes(const std::string& name) {
  return kArrayWords * kWord + padded(static_cast<std::int64_t>(name.size()));
}

class Encoder {
 public:
  void number(std::uint64_t value) { raw(&value, sizeof value); }
  void number(std::int64_t value) { number(static_cast<std::uint64_t>(value)); }
  void region(const Region& region) {
    number(region.offset);
    number(region.bytes);
  }
  void text(std::string_view text) {
    raw(text.data(), text.size());
    bytes_.resize(static_cast<std::size_t>(padded(static_cast<std::int64_t>(bytes_.size()))));
  }
  [[nodiscard]] std::vector<std::byte>& bytes() { return bytes_; }

 private:
  void raw(const void* from, std::size_t size) {
    const auto* first = static_cast<const std::byte*>(from);
    bytes_.insert(bytes_.end(), first, first + size);
  }
  std::vector<std::byte> bytes_;
};

[[noreturn]] void refuse() {
  throw Error(ExitStatus::verification, "its seal contradicts itself");
}

class Decoder {
 public:
  explicit Decoder(std::span<const std::byte> bytes) : rest_(bytes) {}

  std::uint64_t unsigned_number() {
    std::uint64_t value = 0;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  /// A number that must lie between two others.
  std::int64_t number(std::int64_t least, std::int64_t most) {
    const auto value = static_cast<std::int64_t>(unsigned_number());
    if (value < least || value > most) refuse();
    return value;
  }
  /// A region of the first `limit` bytes of a file.
  Region region(std::int64_t limit) {
    const std::int64_t offset = number(0, limit);
    return {offset, number(0, limit - offset)};
  }
  std::string text(std::int64_t bytes) {
    const auto all = take(static_cast<std::size_t>(padded(bytes))).first(static_cast<std::size_t>(bytes));
    std::string text(all.size(), '\0');
    std::ranges::transform(all, text.begin(), [](std::byte byte) { return static_cast<char>(byte); });
    return text;
  }
  [[nodiscard]] std::int64_t bytes_left() const { return static_cast<std::int64_t>(rest_.size()); }

 private:
  std::span<const std::byte> take(std::size_t size) {
    if (size > rest_.size()) refuse();
    const auto taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }
  std::span<const std::byte> rest_;
};

bool holds(std::span<const std::byte> bytes, std::string_view text) {
  return std::ranges::equal(bytes, text, {}, {}, [](char c) { return static_cast<std::byte>(c); });
}

/// Product of extents that a stranger wrote.
std::int64_t product(std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  if (__builtin_mul_overflow(a, b, &result)) refuse();
  return result;
}

ArrayLayout decode_array(Decoder& decoder, std::int64_t limit) {
  constexpr std::int64_t any = std::numeric_limits<std::int64_t>::max();
  ArrayLayout array;
  array.data = decoder.region(limit);
  array.checksums = decoder.region(limit);
  const std::int64_t group_bytes = decoder.number(1, kLongestGroup);
  array.extents.rows = decoder.number(1, any);
  array.extents.cols = decoder.number(1, any);
  array.extents.one_dimensional = decoder.number(1, 2) == 1;
  array.type = kElementTypes[static_cast<std::size_t>(decoder.number(0, std::ssize(kElementTypes) - 1))];
  array.is_compressed = decoder.number(0, 1) == 1;
  array.name = decoder.text(decoder.number(1, decoder.bytes_left()));
  const std::int64_t bytes = product(product(array.extents.rows, array.extents.cols), bytes_of(array.type));
  if (group_bytes != kGroupBytes || (bytes != array.data.bytes && !array.is_compressed) ||
      array.checksums.bytes != product(group_count(array.data.bytes), sizeof(std::uint64_t)))
    refuse();
  return array;
}

/// The element types' numbers in a seal are their places in kElementTypes.
std::int64_t number_of(ElementType type) {
  return std::ranges::find(kElementTypes, type) - kElementTypes.begin();
}

void check_disjoint(const FileLayout& layout) {
  std::vector<Region> regions;
  for (const ArrayLayout& array : layout.arrays) regions.insert(regions.end(), {array.data, array.checksums});
  std::ranges::sort(regions, {}, &Region::offset);
  for (std::size_t r = 1; r < regions.size(); ++r)
    if (regions[r - 1].end() > regions[r].offset) refuse();
  if (!std::ranges::is_sorted(layout.arrays, {}, [](const ArrayLayout& array) { return array.data.offset; })) refuse();
}

}  // namespace

std::int64_t seal_bytes(const FileSpec& spec) {
  std::int64_t bytes = kHeadWords * kWord + kTrailerBytes;
  for (const ArraySpec& array : spec.arrays) bytes += array_bytes(array.name);
  return bytes;
}

std::vector<std::byte> encode(const Seal& seal) {
  Encoder out;
  out.text(kBegin);
  out.number(seal.format);
  out.number(seal.layout.file_bytes());
  for (const std::uint64_t half : seal.metadata) out.number(half);
  out.number(static_cast<std::int64_t>(seal.layout.arrays.size()));
  for (const ArrayLayout& array : seal.layout.arrays) {
    out.region(array.data);
    out.region(array.checksums);
    out.number(kGroupBytes);
    out.number(array.extents.rows);
    out.number(array.extents.cols);
    out.number(std::int64_t{array.extents.one_dimensional ? 1 : 2});
    out.number(number_of(array.type));
    out.number(std::int64_t{array.is_compressed ? 1 : 0});
    out.number(static_cast<std::int64_t>(array.name.size()));
    out.text(array.name);
  }
  out.number(static_cast<std::int64_t>(out.bytes().size()) + kTrailerBytes);
  out.number(checksum(out.bytes()));
  out.text(kEnd);
  return std::move(out.bytes());
}

std::int64_t sealed_bytes(std::span<const std::byte> trailer) {
  if (static_cast<std::int64_t>(trailer.size()) != kTrailerBytes || !holds(trailer.last(kEnd.size()), kEnd)) return 0;
  return static_cast<std::int64_t>(Decoder(trailer).unsigned_number());
}

Seal decode(std::span<const std::byte> bytes, std::int64_t file_bytes) {
  if (static_cast<std::int64_t>(bytes.size()) < kHeadWords * kWord + kTrailerBytes) refuse();
  const std::size_t hashed = bytes.size() - static_cast<std::size_t>(kTrailerBytes - kWord);
  if (!holds(bytes.first(kBegin.size()), kBegin) || !holds(bytes.last(kEnd.size()), kEnd) ||
      Decoder(bytes.subspan(hashed)).unsigned_number() != checksum(bytes.first(hashed)))
    throw Error(ExitStatus::verification, "its seal is damaged");
  Decoder in(bytes.subspan(kBegin.size(), bytes.size() - kBegin.size() - static_cast<std::size_t>(kTrailerBytes)));
  Seal seal;
  seal.format = in.number(1, std::numeric_limits<std::int64_t>::max());
  if (seal.format > kFileFormat)
    throw Error(ExitStatus::verification, "it has format {}, this version reads formats up to {}", seal.format,
                kFileFormat);
  const std::int64_t sealed_file_bytes = in.number(0, std::numeric_limits<std::int64_t>::max());
  if (sealed_file_bytes != file_bytes)
    throw Error(ExitStatus::verification, "it has {} bytes, and had {} when it was sealed", file_bytes,
                sealed_file_bytes);
  for (std::uint64_t& half : seal.metadata) half = in.unsigned_number();
  const auto size = static_cast<std::int64_t>(bytes.size());
  seal.layout.seal = {file_bytes - size, size};
  const std::int64_t arrays = in.number(0, in.bytes_left() / (kArrayWords * kWord));
  for (std::int64_t a = 0; a < arrays; ++a) seal.layout.arrays.push_back(decode_array(in, seal.layout.seal.offset));
  if (in.bytes_left() != 0) refuse();
  check_disjoint(seal.layout);
  return seal;
}

Fingerprint::Value fingerprint_metadata(const FileReader& file, const FileLayout& layout) {
  Fingerprint fingerprint;
  std::vector<std::byte> buffer(static_cast<std::size_t>(kMiB));
  std::int64_t at = 0;
  const auto feed_up_to = [&](std::int64_t end) {
    while (at < end) {
      const auto piece = std::span(buffer).first(static_cast<std::size_t>(std::min(end - at, kMiB)));
      file.read(at, piece);
      fingerprint.feed(piece);
      at += static_cast<std::int64_t>(piece.size());
    }
  };
  for (const ArrayLayout& array : layout.arrays) {
    feed_up_to(array.data.offset);
    at = array.data.end();
  }
  feed_up_to(layout.seal.offset);
  return fingerprint.finish();
}

void write_seal(const std::string& path, const FileLayout& layout) {
  const std::vector<std::byte> bytes =
      encode({.format = kFileFormat, .layout = layout, .metadata = fingerprint_metadata(FileReader(path), layout)});
  if (static_cast<std::int64_t>(bytes.size()) != layout.seal.bytes)
    throw Error(ExitStatus::internal, "the seal of {} has {} bytes, {} are reserved", path, bytes.size(),
                layout.seal.bytes);
  FileWriter writer(path);
  writer.write(layout.seal.offset, bytes);
  writer.close();
}

}  // namespace windrow::io
