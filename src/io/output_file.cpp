#include "io/output_file.hpp"

#include <cstring>

#include "base/partition.hpp"
#include "io/checksums.hpp"
#include "io/node_checksums.hpp"
#include "io/seal.hpp"
#include "io/shared_temporary.hpp"
#include "io/skeleton.hpp"
#include "mpi/fault_point.hpp"
#include "mpi/together.hpp"

namespace windrow::io {
namespace {

/// Puts the checksums of all ranks where they belong.
void write_checksums(const std::string& path, const ArrayLayout& layout, std::span<const std::byte> gathered) {
  std::vector<std::uint64_t> checksums(static_cast<std::size_t>(group_count(layout.data.bytes)));
  for (; !gathered.empty(); gathered = gathered.subspan(sizeof(GroupChecksum))) {
    GroupChecksum group;
    std::memcpy(&group, gathered.data(), sizeof group);
    checksums.at(static_cast<std::size_t>(group.group)) = group.checksum;
  }
  FileWriter writer(path);
  writer.write(layout.checksums.offset, std::as_bytes(std::span(checksums)));
  writer.close();
}

}  // namespace

OutputFile OutputFile::reserve(const Topology& topology, const std::string& path, TargetOptions options) {
  if (topology.world_rank() != 0) return {std::nullopt, options.durable};
  return {OutputTarget::reserve(path, options), options.durable};
}

OutputFile::OutputFile(std::optional<OutputTarget> target, bool durable)
    : target_(std::move(target)), durable_(durable) {}

std::vector<std::string> OutputFile::messages() const {
  return target_ ? target_->messages() : std::vector<std::string>{};
}

void OutputFile::share(const Topology& topology) {
  temporary_ = share_temporary(topology, is_first() ? target_->temporary_path() : "");
  if (!is_first()) guard_.emplace(temporary_, UnfinishedFile::Role::guard);
}

void OutputFile::begin(const Topology& topology, const FileSpec& spec, std::int64_t file_bytes) {
  std::vector<std::int64_t> offsets;
  together(topology.world, [&] {
    fault_point("start.skeleton");
    if (is_first()) layout_ = create_skeleton(temporary_, spec);
    for (const ArrayLayout& array : layout_.arrays) offsets.push_back(array.data.offset);
    offsets.resize(spec.arrays.size());
  });
  topology.world.broadcast(std::as_writable_bytes(std::span(offsets)), 0);
  together(topology.world, [&] {
    layout_.arrays.resize(offsets.size());
    for (std::size_t n = 0; n < offsets.size(); ++n) layout_.arrays[n].data.offset = offsets[n];
    rows_ = std::make_unique<FileWriter>(temporary_);
    if (is_first()) rows_->reserve(file_bytes);
    fault_point("start.open");
  });
}

GroupWriter& OutputFile::attach(const SharedArray& array) {
  const std::int64_t offset = layout_.arrays.at(parts_.size()).data.offset;
  return parts_.emplace_back(Part{&array, GroupWriter(array, *rows_, offset, durable_)}).writer;
}

void OutputFile::write_rows(NodeMemory& memory, const std::function<void(std::int64_t)>& advance) {
  memory.together([&] {
    for (Part& part : parts_) part.writer.write_rest(advance);
    fault_point("write.checksums");
  });
  // When all have written: what one syncs, is on the disk for all of its node.
  memory.together([&] {
    if (durable_ && memory.topology().is_leader()) rows_->sync();
    rows_->close();
  });
}

std::vector<std::vector<std::byte>> OutputFile::gather_checksums(NodeMemory& memory) {
  const Topology& topology = memory.topology();
  const Together run_together = [&](const std::function<void()>& body) { memory.together(body); };
  std::vector<NodeChecksums> of_node;
  run_together([&] {
    fault_point("write.exchange");
    if (!topology.is_leader()) return;
    for (const Part& part : parts_) of_node.emplace_back(*part.array);
  });
  for (NodeChecksums& checksums : of_node) checksums.exchange();
  std::vector<std::vector<GroupChecksum>> collected;
  run_together([&] {
    collected.resize(parts_.size());
    for (std::size_t n = 0; n < of_node.size(); ++n) collected[n] = of_node[n].collect();
    fault_point("write.collect");
  });
  std::vector<std::vector<std::byte>> gathered;
  for (const std::vector<GroupChecksum>& part : collected)
    gathered.push_back(gather(topology.world, run_together, std::as_bytes(std::span(part))));
  return gathered;
}

void OutputFile::finish(NodeMemory& memory, const std::function<FileSpec()>& make_spec,
                        const std::function<void(std::int64_t)>& advance) {
  write_rows(memory, advance);
  const std::vector<std::vector<std::byte>> checksums = gather_checksums(memory);
  memory.together([&] {
    fault_point("write.provenance");
    if (!is_first()) return;
    target_->check_in_place();
    complete_skeleton(temporary_, make_spec(), layout_);
    for (std::size_t n = 0; n < checksums.size(); ++n) write_checksums(temporary_, layout_.arrays[n], checksums[n]);
    fault_point("write.seal");
    write_seal(temporary_, layout_);
    FileWriter whole(temporary_);
    whole.cut(layout_.file_bytes());
    whole.close();
    fault_point("write.sync");
    target_->sync();
  });
  // Not before all agree: a run that fails on any rank until here leaves no output. Now it is complete, and rank 0's.
  guard_.reset();
  memory.together([&] {
    if (!is_first()) return;
    fault_point("write.rename");
    target_->finish();
    fault_point("write.renamed");
  });
}

}  // namespace windrow::io
