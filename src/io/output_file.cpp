#include "io/output_file.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/partition.hpp"
#include "io/checksums.hpp"
#include "io/chunk_writer.hpp"
#include "io/file_reader.hpp"
#include "io/node_checksums.hpp"
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
    : path_(std::move(path)), options_(options), is_first_(topology.world_rank() == 0) {
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

void OutputFile::begin(const Topology& topology, const FileSpec& spec, std::int64_t file_bytes) {
  compression_ = spec.compression;
  staging_ = StagingShape::of(spec, topology.ranks());
  std::vector<std::int64_t> offsets;
  together(topology.world, [&] {
    fault_point("start.skeleton");
    if (is_first_) target_->work_by_name([&] { layout_ = create_skeleton(temporary_, spec); });
    for (const ArrayLayout& array : layout_.arrays) offsets.push_back(array.data.offset);
    offsets.resize(spec.arrays.size());
  });
  topology.world.broadcast(std::as_writable_bytes(std::span(offsets)), 0);
  together(topology.world, [&] {
    layout_.arrays.resize(offsets.size());
    for (std::size_t n = 0; n < offsets.size(); ++n) layout_.arrays[n].data.offset = offsets[n];
    work_by_name([&] { rows_ = std::make_unique<FileWriter>(temporary_); });
    if (is_first_) rows_->reserve(file_bytes);
    fault_point("start.open");
  });
}

GroupWriter* OutputFile::attach(const SharedArray& array) {
  const std::int64_t offset = layout_.arrays.at(parts_.size()).data.offset;
  Part& part = parts_.emplace_back(Part{.shape = array.shape(), .array = &array});
  if (compression_ != 0) return nullptr;
  return &part.writer.emplace(array, *rows_, offset, options_.durable);
}

RowFile* OutputFile::attach_rows(const ArrayShape& shape, bool writes_here) {
  const std::int64_t offset = layout_.arrays.at(parts_.size()).data.offset;
  Part& part = parts_.emplace_back(Part{.shape = shape});
  if (!writes_here) return nullptr;
  work_by_name([&] { part.row_file.emplace(temporary_, offset, shape, options_.durable); });
  return &*part.row_file;
}

void OutputFile::write_rows(NodeMemory& memory, const std::function<void(std::int64_t)>& advance) {
  memory.together([&] {
    for (Part& part : parts_) {
      if (part.writer) part.writer->write_rest(advance);
      if (part.row_file) part.row_file->close();
    }
    fault_point("write.checksums");
  });
  // When all have written: what one syncs, is on the disk for all of its node.
  memory.together([&] {
    if (options_.durable && memory.topology().is_leader()) rows_->sync();
    rows_->close();
  });
}

OutputFile::Checksums OutputFile::gather_checksums(NodeMemory& memory) {
  const Topology& topology = memory.topology();
  const Together run_together = [&](const std::function<void()>& body) { memory.together(body); };
  std::deque<std::optional<NodeChecksums>> of_node;
  run_together([&] {
    fault_point("write.exchange");
    for (const Part& part : parts_) {
      of_node.emplace_back();
      if (topology.is_leader() && part.array != nullptr) of_node.back().emplace(*part.array);
    }
  });
  for (std::optional<NodeChecksums>& checksums : of_node)
    if (checksums) checksums->exchange();
  std::vector<std::vector<GroupChecksum>> collected(parts_.size());
  run_together([&] {
    for (std::size_t n = 0; n < parts_.size(); ++n) {
      if (of_node[n]) collected[n] = of_node[n]->collect();
      if (parts_[n].row_file) collected[n] = parts_[n].row_file->checksums();
    }
    fault_point("write.collect");
  });
  Checksums checksums;
  for (std::size_t n = 0; n < parts_.size(); ++n) {
    const std::vector<std::byte> found = gather(topology.world, run_together, std::as_bytes(std::span(collected[n])));
    run_together([&] {
      if (!is_first_) return;
      target_->work_by_name([&] { checksums.push_back(in_order(found, temporary_, layout_.arrays[n].data)); });
    });
  }
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
  Checksums checksums;
  if (compression_ != 0) {
    checksums = write_chunks(memory, advance);
  } else {
    write_rows(memory, advance);
    checksums = gather_checksums(memory);
  }
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
