#include "io/row_file.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/partition.hpp"

namespace windrow::io {

RowFile::RowFile(const std::string& path, std::int64_t offset, ArrayShape shape, const NodeShares& shares, int node,
                 bool durable)
    : shape_(std::move(shape)),
      row_bytes_(checked_multiply(shape_.extents.cols, bytes_of(shape_.type))),
      offset_(offset),
      has_(shares.has(node)),
      direct_(intersect(shares.has(node), shares.direct(node))),
      durable_(durable),
      writer_(path),
      reader_(path) {}

void RowFile::restart() {
  checksums_.clear();
  begun_.clear();
  held_pieces_.clear();
}

void RowFile::write(RowRange rows, std::span<const std::byte> content) {
  write(ByteRange{rows.begin * row_bytes_, rows.end * row_bytes_}, content);
}

void RowFile::write(ElementRange elements, std::span<const std::byte> content) {
  const std::int64_t width = bytes_of(shape_.type);
  const ByteRange bytes{elements.begin * width, elements.end * width};
  // What lies between may come from another process: such a group is read back in the end.
  std::erase_if(begun_, [&](const Begun& begun) { return begun.end != bytes.begin; });
  write(bytes, content);
}

void RowFile::write(ByteRange bytes, std::span<const std::byte> content) {
  // A group at a time, so that the kernel copies what the checksum has brought into the caches.
  for (std::int64_t begin = bytes.begin; begin < bytes.end;) {
    const std::int64_t end = std::min((begin / kGroupBytes + 1) * kGroupBytes, bytes.end);
    const auto part =
        content.subspan(static_cast<std::size_t>(begin - bytes.begin), static_cast<std::size_t>(end - begin));
    if (is_held({begin, end})) {
      hold({begin, end}, part);
    } else {
      check({begin, end}, part);
      writer_.write(offset_ + begin, part);
    }
    begin = end;
  }
  if (durable_) writer_.start_sync(offset_ + bytes.begin, bytes.bytes());
}

void RowFile::check(ByteRange bytes, std::span<const std::byte> content) {
  const std::int64_t group = bytes.begin / kGroupBytes;
  const std::int64_t group_end = std::min((group + 1) * kGroupBytes, shape_.bytes());
  const bool is_begin = bytes.begin == group * kGroupBytes;
  if (is_begin && bytes.end == group_end) {
    checksums_.push_back({group, checksum(content)});
    return;
  }
  if (is_begin) begun_.push_back({group, bytes.begin, {}});
  const auto found = std::ranges::find(begun_, bytes.begin, &Begun::end);
  if (found == begun_.end()) return;  // its begin is another rank's
  found->stream.feed(content);
  found->end = bytes.end;
  if (bytes.end != group_end) return;
  checksums_.push_back({group, found->stream.finish()});
  begun_.erase(found);
}

void RowFile::read(RowRange rows, std::span<std::byte> content) const {
  const ByteRange bytes{rows.begin * row_bytes_, rows.end * row_bytes_};
  const auto place = [&](ByteRange some) {
    return content.subspan(static_cast<std::size_t>(some.begin - bytes.begin), static_cast<std::size_t>(some.bytes()));
  };
  for (const ByteRange some : {ByteRange{bytes.begin, direct_.begin}, ByteRange{direct_.end, bytes.end}})
    if (const ByteRange out = intersect(some, bytes); !out.empty()) std::ranges::copy(held(out), place(out).begin());
  if (const ByteRange in = intersect(bytes, direct_); !in.empty()) reader_.read(offset_ + in.begin, place(in));
}

std::int64_t RowFile::held_at(std::int64_t byte) const {
  return byte - has_.begin - (byte < direct_.end ? 0 : direct_.bytes());
}

void RowFile::hold(ByteRange bytes, std::span<const std::byte> content) {
  held_.resize(static_cast<std::size_t>(has_.bytes() - direct_.bytes()));
  std::ranges::copy(content, held_.begin() + held_at(bytes.begin));
  held_pieces_.push_back(bytes);
}

std::span<const std::byte> RowFile::held(ByteRange bytes) const {
  return std::span(held_).subspan(static_cast<std::size_t>(held_at(bytes.begin)),
                                  static_cast<std::size_t>(bytes.bytes()));
}

std::vector<std::byte> RowFile::held() const {
  std::vector<std::byte> pieces;
  for (const ByteRange& piece : held_pieces_) {
    const auto head = std::as_bytes(std::span(&piece, 1));
    const auto content = held(piece);
    pieces.insert(pieces.end(), head.begin(), head.end());
    pieces.insert(pieces.end(), content.begin(), content.end());
  }
  return pieces;
}

void RowFile::hold(std::span<const std::byte> pieces) {
  while (!pieces.empty()) {
    ByteRange piece;
    std::memcpy(&piece, pieces.data(), sizeof piece);
    const auto size = static_cast<std::size_t>(piece.bytes());
    hold(piece, pieces.subspan(sizeof piece, size));
    pieces = pieces.subspan(sizeof piece + size);
  }
}

void RowFile::close() {
  if (durable_) writer_.sync();
  writer_.close();
}

}  // namespace windrow::io
