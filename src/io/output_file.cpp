#include "io/output_file.hpp"

#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/partition.hpp"
#include "io/checksums.hpp"
#include "io/chunk_writer.hpp"
#include "io/file_reader.hpp"
#include "io/moved_rows.hpp"
#include "io/seal.hpp"
#include "io/shared_temporary.hpp"
#include "io/skeleton.hpp"
#include "mpi/fault_point.hpp"
#include "mpi/together.hpp"

namespace windrow::io {
namespace {

/// Of a group of what has just been written to a file.
std::uint64_t checksum_of(const FileReader& file, const Region& data, std::int64_t group) {
  const std::int64_t begin = data.offset + group * kGroupBytes;
  std::vector<std::byte> bytes(static_cast<std::size_t>(std::min(kGroupBytes, data.end() - begin)));
  file.read(begin, bytes);
  return checksum(bytes);
}

std::vector<std::uint64_t> checksums_of(const FileReader& file, const Region& data) {
  std::vector<std::uint64_t> checksums;
  for (std::int64_t group = 0; group < group_count(data.bytes); ++group)
    checksums.push_back(checksum_of(file, data, group));
  return checksums;
}

/// Puts the checksums that ranks have found in order, and finds those that none has.
std::vector<std::uint64_t> in_order(std::span<const std::byte> gathered, const std::string& path, const Region& data) {
  std::vector<std::optional<std::uint64_t>> found(static_cast<std::size_t>(group_count(data.bytes)));
  for (; !gathered.empty(); gathered = gathered.subspan(sizeof(GroupChecksum))) {
    GroupChecksum group;
    std::memcpy(&group, gathered.data(), sizeof group);
    found.at(static_cast<std::size_t>(group.group)) = group.checksum;
  }
  std::vector<std::uint64_t> checksums;
  const FileReader file(path);
  for (std::size_t group = 0; group < found.size(); ++group)
    checksums.push_back(found[group] ? *found[group] : checksum_of(file, data, static_cast<std::int64_t>(group)));
  return checksums;
}

void write_checksums(const std::string& path, const ArrayLayout& layout, const std::vector<std::uint64_t>& checksums) {
  FileWriter writer(path);
  writer.write(layout.checksums.offset, std::as_bytes(std::span(checksums)));
  writer.close();
}

}  // namespace

OutputFile::OutputFile(const Topology& topology, std::string path, TargetOptions options)
    : path_(std::move(path)),
      options_(options),
      is_first_(topology.world_rank() == 0),
      machine_(machine_of(topology)),
      node_(topology.node_number) {
  if (is_first_) temporary_ = OutputTarget::temporary_path_of(path_, options_);
}

void OutputFile::guard(const Topology& topology) {
  const Together run_together = [&](const std::function<void()>& body) { together(topology.world, body); };
  temporary_ = broadcast(topology.world, run_together, temporary_);
  if (!is_first_) guard_.emplace(temporary_, UnfinishedFile::Role::guard);
}

void OutputFile::reserve() {
  if (is_first_) target_ = OutputTarget::reserve(path_, temporary_, options_);
}

std::vector<std::string> OutputFile::messages() const {
  return target_ ? target_->messages() : std::vector<std::string>{};
}

void OutputFile::check_is_seen(const Topology& topology) const {
  if (is_first_)
    target_->check_in_place();
  else if (topology.is_leader())
    check_sees_temporary(topology, temporary_);
}

void OutputFile::work_by_name(const std::function<void()>& work) const {
  if (is_first_) return target_->work_by_name(work);
  try {
    work();
  } catch (const std::exception&) {
    if (access(temporary_.c_str(), F_OK) != 0 && errno == ENOENT) throw error_of_loss(path_, temporary_);
    throw;
  }
}

void OutputFile::begin(const Topology& topology, const FileSpec& spec, std::int64_t file_bytes, std::int64_t writers) {
  compression_ = spec.compression;
  writers_ = writers;
  staging_ = StagingShape::of(spec, topology.ranks());
  std::vector<std::int64_t> offsets;
  together(topology.world, [&] {
    fault_point("start.skeleton");
    if (is_first_) target_->work_by_name([&] { layout_ = create_skeleton(temporary_, spec, unit_of_arrays()); });
    for (const ArrayLayout& array : layout_.arrays) offsets.push_back(array.data.offset);
    offsets.resize(spec.arrays.size());
  });
  topology.world.broadcast(std::as_writable_bytes(std::span(offsets)), 0);
  together(topology.world, [&] {
    layout_.arrays.resize(offsets.size());
    for (std::size_t n = 0; n < offsets.size(); ++n) layout_.arrays[n].data.offset = offsets[n];
    work_by_name([&] { rows_ = std::make_unique<FileWriter>(temporary_); });
    if (is_first_) {
      const auto begins = static_cast<std::int64_t>(compression_ == 0 ? spec.arrays.size() + 1 : 0);
      rows_->reserve(checked_add(file_bytes, begins * (unit_of_arrays() - kPageBytes)));
    }
    fault_point("start.open");
  });
}

/// Arrays begin where a block of the file system does, if several nodes write: then so do groups, which are no smaller.
/// A block that is larger is one of a file system that keeps its hosts from each other's bytes by itself.
std::int64_t OutputFile::unit_of_arrays() const {
  if (writing_nodes(machine_.nodes(), writers_) == 1) return kPageBytes;
  const auto block = static_cast<std::uint64_t>(FileReader(temporary_).block_bytes());
  return std::clamp(static_cast<std::int64_t>(std::bit_ceil(block)), kPageBytes, kMostUnitBytes);
}

GroupWriter* OutputFile::attach(const SharedArray& array) {
  const std::int64_t offset = layout_.arrays.at(parts_.size()).data.offset;
  Part& part = parts_.emplace_back(Part{.shares = {machine_, array.shape(), writers_}, .array = &array});
  if (compression_ != 0 || !part.shares.writes(node_)) return nullptr;
  return &part.writer.emplace(array, *rows_, offset, options_.durable);
}

RowFile* OutputFile::attach_rows(const ArrayShape& shape, bool writes_here) {
  const std::int64_t offset = layout_.arrays.at(parts_.size()).data.offset;
  Part& part = parts_.emplace_back(Part{.shares = {machine_, shape, writers_}});
  if (!writes_here) return nullptr;
  work_by_name([&] { part.row_file.emplace(temporary_, offset, shape, part.shares, node_, options_.durable); });
  return &*part.row_file;
}

OutputFile::Checksums OutputFile::write_rows(NodeMemory& memory, const std::function<void(std::int64_t)>& advance) {
  memory.together([&] {
    for (Part& part : parts_) {
      if (part.writer) part.writer->write_rest(advance);
      if (part.row_file) part.row_file->close();
    }
    fault_point("write.checksums");
  });
  memory.together([&] { fault_point("write.exchange"); });
  std::vector<std::vector<GroupChecksum>> found;
  for (std::size_t number = 0; number < parts_.size(); ++number) found.push_back(move_rows(memory, number, advance));
  // When all have written: what one syncs, is on the disk for all of its node.
  memory.together([&] {
    if (options_.durable && memory.topology().is_leader()) rows_->sync();
    rows_->close();
    fault_point("write.collect");
  });
  Checksums checksums;
  for (std::size_t number = 0; number < parts_.size(); ++number)
    checksums.push_back(gather_checksums(memory, number, found[number]));
  return checksums;
}

/// Writes what is not written yet of an array. Returns the checksums of the groups that this node has written, on its
/// leader.
std::vector<GroupChecksum> OutputFile::move_rows(NodeMemory& memory, std::size_t number,
                                                 const std::function<void(std::int64_t)>& advance) {
  Part& part = parts_[number];
  if (part.array == nullptr && machine_.nodes() > 1) gather_held(memory, part);
  MovedRows moved(memory, part.shares, *rows_, layout_.arrays[number].data.offset, options_.durable);
  const std::int64_t first = part.shares.has(node_).begin;
  moved.write(
      [&](ByteRange bytes) {
        if (part.array == nullptr) return part.row_file->held(bytes);
        return part.array->read(part.array->node_rows())
            .subspan(static_cast<std::size_t>(bytes.begin - first), static_cast<std::size_t>(bytes.bytes()));
      },
      advance);
  std::vector<GroupChecksum> all;
  memory.together([&] {
    all = moved.checksums();
    const auto add = [&](const std::vector<GroupChecksum>& more) { all.insert(all.end(), more.begin(), more.end()); };
    if (part.writer && memory.topology().is_leader()) add(part.writer->checksums());
    if (part.row_file) add(part.row_file->checksums());
  });
  return all;
}

/// What the ranks of a node hold of rows that pass through, to its leader.
void OutputFile::gather_held(NodeMemory& memory, Part& part) {
  const Topology& topology = memory.topology();
  const Together run_together = [&](const std::function<void()>& body) { memory.together(body); };
  std::vector<std::byte> own;
  run_together([&] {
    if (part.row_file && !topology.is_leader()) own = part.row_file->held();
  });
  const std::vector<std::byte> all = gather(topology.node, run_together, own);
  run_together([&] {
    if (topology.is_leader()) part.row_file->hold(all);
  });
}

/// Of all groups of an array, in order, on world rank 0.
std::vector<std::uint64_t> OutputFile::gather_checksums(NodeMemory& memory, std::size_t number,
                                                        const std::vector<GroupChecksum>& own) {
  const Together run_together = [&](const std::function<void()>& body) { memory.together(body); };
  const std::vector<std::byte> found = gather(memory.topology().world, run_together, std::as_bytes(std::span(own)));
  std::vector<std::uint64_t> checksums;
  run_together([&] {
    if (!is_first_) return;
    target_->work_by_name([&] { checksums = in_order(found, temporary_, layout_.arrays[number].data); });
  });
  return checksums;
}

OutputFile::Checksums OutputFile::write_chunks(NodeMemory& memory, const std::function<void(std::int64_t)>& advance) {
  memory.together([&] {
    rows_->close();  // HDF5 opens the file anew
    memory.touch_staging();
  });
  Checksums checksums;
  for (std::size_t n = 0; n < parts_.size(); ++n) {
    const SharedArray& array = *parts_[n].array;
    std::optional<ChunkWriter> writer;
    std::optional<ChunkFile> file;
    memory.together([&] {
      writer.emplace(array, Staging(staging_, memory.topology().node.size(), memory.staging()), staging_, compression_);
      if (is_first_) target_->work_by_name([&] { file.emplace(temporary_, array.name()); });
    });
    writer->write(file ? &*file : nullptr, advance);
    memory.together([&] {
      fault_point("write.checksums");
      if (!is_first_) return;
      target_->check_in_place();  // the size of another file would be taken for this one's
      target_->work_by_name([&] {
        layout_.arrays[n].data = file->close();
        checksums.push_back(checksums_of(FileReader(temporary_), layout_.arrays[n].data));
      });
    });
  }
  return checksums;
}

/// All but the arrays.
void OutputFile::complete(const FileSpec& spec, const Checksums& checksums) {
  complete_skeleton(temporary_, spec, layout_);
  for (std::size_t n = 0; n < checksums.size(); ++n) write_checksums(temporary_, layout_.arrays[n], checksums[n]);
  fault_point("write.seal");
  write_seal(temporary_, layout_);
  FileWriter whole(temporary_);
  whole.cut(layout_.file_bytes());
  whole.close();
}

void OutputFile::finish(NodeMemory& memory, const std::function<FileSpec()>& make_spec,
                        const std::function<void(std::int64_t)>& advance) {
  const Checksums checksums = compression_ != 0 ? write_chunks(memory, advance) : write_rows(memory, advance);
  memory.together([&] {
    fault_point("write.provenance");
    if (!is_first_) return;
    target_->check_in_place();
    target_->work_by_name([&] { complete(make_spec(), checksums); });
    fault_point("write.sync");
    target_->sync();
  });
  // Not before all agree: a run that fails on any rank until here leaves no output. Now it is complete, and rank 0's.
  guard_.reset();
  memory.together([&] {
    if (!is_first_) return;
    fault_point("write.rename");
    target_->finish();
    fault_point("write.renamed");
  });
}

}  // namespace windrow::io
