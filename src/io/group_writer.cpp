#include "io/group_writer.hpp"

#include <algorithm>

#include "base/partition.hpp"
#include "mpi/fault_point.hpp"

namespace windrow::io {

GroupWriter::GroupWriter(const SharedArray& array, FileWriter& file, std::int64_t offset, bool durable)
    : array_(&array), file_(&file), offset_(offset), durable_(durable), groups_(array) {}

void GroupWriter::filled(ElementRange elements) {
  if (array_->memory().check() != nullptr || elements.empty()) return;
  const std::int64_t element = bytes_of(array_->type());
  const ByteRange bytes{elements.begin * element, elements.end * element};
  const std::int64_t first = bytes.begin / kGroupBytes;
  for (std::int64_t group = first; group < first + group_count(bytes); ++group) {
    const auto [begin, end] = groups_.bytes_of(group);
    if (groups_.fill(group, std::min(bytes.end, end) - std::max(bytes.begin, begin)) && groups_.is_whole(group))
      write(group, array_->read(array_->node_rows()));
  }
}

void GroupWriter::write_rest(const std::function<void(std::int64_t)>& advance) {
  if (groups_.begin() == groups_.end()) return;
  const std::span<const std::byte> rows = array_->read(array_->node_rows());
  // Everybody begins with rows of its own, so that nobody waits for what another has just taken.
  const std::int64_t count = groups_.end() - groups_.begin();
  const std::int64_t own = array_->row_block().begin * array_->row_bytes() / kGroupBytes - groups_.begin();
  for (std::int64_t n = 0; n < count; ++n) {
    const std::int64_t group = groups_.begin() + (own + n) % count;
    if (!groups_.is_whole(group) || !groups_.take(group)) continue;
    write(group, rows);
    advance(groups_.bytes_of(group).bytes());
    array_->memory().rendezvous().throw_if_failed();
  }
}

std::vector<GroupChecksum> GroupWriter::checksums() {
  std::vector<GroupChecksum> all;
  for (std::int64_t group = groups_.begin(); group < groups_.end(); ++group)
    if (groups_.is_whole(group)) all.push_back({group, groups_.checksum(group)});
  return all;
}

void GroupWriter::write(std::int64_t group, std::span<const std::byte> rows) {
  const ByteRange bytes = groups_.bytes_of(group);
  const std::int64_t at = bytes.begin - array_->node_rows().begin * array_->row_bytes();
  const auto content = rows.subspan(static_cast<std::size_t>(at), static_cast<std::size_t>(bytes.bytes()));
  const auto check = [&] { groups_.checksum(group) = checksum(content); };
  // First, while all of it is in the caches; but pages that nobody has touched, and that cannot be had, are an error of
  // write() and a bus error anywhere else.
  const bool is_mapped = map_pages(content);
  if (is_mapped) check();
  file_->write(offset_ + bytes.begin, content);
  if (!is_mapped) check();
  if (durable_) file_->start_sync(offset_ + bytes.begin, bytes.bytes());
  fault_point("write.rows");
}

}  // namespace windrow::io
