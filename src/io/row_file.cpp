#include "io/row_file.hpp"

#include <algorithm>
#include <utility>

#include "base/partition.hpp"

namespace windrow::io {

RowFile::RowFile(const std::string& path, std::int64_t offset, ArrayShape shape, bool durable)
    : shape_(std::move(shape)),
      row_bytes_(checked_multiply(shape_.extents.cols, bytes_of(shape_.type))),
      offset_(offset),
      durable_(durable),
      writer_(path),
      reader_(path) {}

void RowFile::restart() {
  checksums_.clear();
  begun_.clear();
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
    check({begin, end}, part);
    writer_.write(offset_ + begin, part);
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
  reader_.read(offset_ + rows.begin * row_bytes_, content);
}

void RowFile::close() {
  if (durable_) writer_.sync();
  writer_.close();
}

}  // namespace windrow::io
