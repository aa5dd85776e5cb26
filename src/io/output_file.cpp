#include "io/output_file.hpp"

#include <cstring>

#include "io/file_writer.hpp"
#include "io/node_checksums.hpp"
#include "io/seal.hpp"
#include "io/skeleton.hpp"
#include "mpi/fault_point.hpp"
#include "mpi/together.hpp"

namespace windrow::io {
namespace {

/// What every leader needs of the layout: where its rows go.
struct Broadcast {
  std::string path;
  std::vector<std::int64_t> data_offsets;
};

Broadcast broadcast_layout(const WorldComm& world, const Together& run_together, const std::string& path,
                           const FileLayout& layout, std::size_t arrays) {
  Broadcast all{broadcast(world, run_together, path), {}};
  run_together([&] { all.data_offsets.resize(arrays); });
  for (std::size_t n = 0; n < layout.arrays.size(); ++n) all.data_offsets[n] = layout.arrays[n].data.offset;
  world.broadcast(std::as_writable_bytes(std::span(all.data_offsets)), 0);
  return all;
}

/// The node's rows of all arrays, straight from the window. A leader that has nobody beside it computes their checksums
/// on the way.
void write_rows(const Broadcast& file, std::span<const OutputFile::Rows> arrays, std::span<NodeChecksums> checksums,
                bool durable, const std::function<void(std::int64_t)>& advance) {
  FileWriter writer(file.path);
  for (std::size_t n = 0; n < arrays.size(); ++n) {
    const SharedArray& array = *arrays[n].array;
    const std::span<const std::byte> rows = array.read(array.node_rows());
    const std::int64_t offset = file.data_offsets[n] + array.node_rows().begin * array.row_bytes();
    const bool is_alone = array.memory().topology().node.size() == 1;
    if (!rows.empty()) writer.reserve(offset, std::ssize(rows));
    std::int64_t told = 0;
    writer.write(offset, rows, [&](std::int64_t done) {
      if (durable) writer.start_sync(offset + told, done - told);
      if (is_alone) checksums[n].compute_within(done);
      advance(done - told);
      told = done;
      fault_point("write.rows");
      array.memory().rendezvous().throw_if_failed();
    });
  }
  if (durable) writer.sync();
  writer.close();
}

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
}

}  // namespace

OutputFile OutputFile::reserve(const Topology& topology, const std::string& path, TargetOptions options) {
  if (topology.world_rank() != 0) return {std::nullopt, options.durable};
  return {OutputTarget::reserve(path, options), options.durable};
}

OutputFile::OutputFile(std::optional<OutputTarget> target, bool durable)
    : target_(std::move(target)), durable_(durable) {
  if (target_) unfinished_.emplace(target_->temporary_path());
}

std::vector<std::string> OutputFile::messages() const {
  return target_ ? target_->messages() : std::vector<std::string>{};
}

void OutputFile::write(NodeMemory& memory, std::span<const Rows> arrays, const std::function<FileSpec()>& make_spec,
                       const std::function<void(std::int64_t)>& advance) {
  const Topology& topology = memory.topology();
  const bool is_first = target_.has_value();
  const Together run_together = [&](const std::function<void()>& body) { memory.together(body); };
  FileLayout layout;
  run_together([&] {
    fault_point("write.skeleton");
    if (is_first) layout = create_skeleton(target_->temporary_path(), make_spec());
  });
  const Broadcast file =
      broadcast_layout(topology.world, run_together, is_first ? target_->temporary_path() : "", layout, arrays.size());

  std::vector<NodeChecksums> checksums;
  std::vector<std::vector<GroupChecksum>> computed;
  run_together([&] {
    fault_point("write.exchange");
    for (const Rows& rows : arrays) checksums.emplace_back(*rows.array, rows.groups);
    computed.resize(arrays.size());
  });
  for (NodeChecksums& of_array : checksums) of_array.exchange();
  run_together([&] {
    if (topology.is_leader()) write_rows(file, arrays, checksums, durable_, advance);
    for (std::size_t n = 0; n < arrays.size(); ++n) computed[n] = checksums[n].compute();
    fault_point("write.checksums");
  });

  fault_point("write.collect");
  std::vector<std::vector<std::byte>> gathered;
  for (const std::vector<GroupChecksum>& part : computed)
    gathered.push_back(gather(topology.world, run_together, std::as_bytes(std::span(part))));
  run_together([&] {
    fault_point("write.seal");
    if (!is_first) return;
    for (std::size_t n = 0; n < arrays.size(); ++n) write_checksums(file.path, layout.arrays[n], gathered[n]);
    write_seal(file.path, layout);
    fault_point("write.sync");
    target_->sync();
  });
  // Not before all agree: a run that fails on any rank until here leaves no output.
  run_together([&] {
    if (!is_first) return;
    fault_point("write.rename");
    // From here on the temporary is a complete result: finish() may have to keep it under another name.
    unfinished_.reset();
    target_->finish();
    fault_point("write.renamed");
  });
}

}  // namespace windrow::io
