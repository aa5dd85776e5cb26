#include "io/output_file.hpp"

#include <cstring>

#include "io/file_writer.hpp"
#include "io/node_checksums.hpp"
#include "io/seal.hpp"
#include "io/skeleton.hpp"
#include "mpi/environment.hpp"

namespace windrow::io {
namespace {

/// What every leader needs of the layout: where its rows go.
struct Broadcast {
  std::string path;
  std::vector<std::int64_t> data_offsets;
};

Broadcast broadcast_layout(const Topology& topology, const std::string& path, const FileLayout& layout,
                           std::size_t arrays) {
  Broadcast all{topology.world.broadcast(path, 0), std::vector<std::int64_t>(arrays)};
  for (std::size_t n = 0; n < layout.arrays.size(); ++n) all.data_offsets[n] = layout.arrays[n].data.offset;
  topology.world.broadcast(std::as_writable_bytes(std::span(all.data_offsets)), 0);
  return all;
}

/// The node's rows of all arrays, straight from the window.
void write_rows(const Broadcast& file, std::span<const OutputFile::Rows> arrays, bool durable,
                const std::function<void(std::int64_t)>& advance) {
  FileWriter writer(file.path);
  for (std::size_t n = 0; n < arrays.size(); ++n) {
    const SharedArray& array = *arrays[n].array;
    std::int64_t told = 0;
    writer.write(file.data_offsets[n] + array.node_rows().begin * array.row_bytes(), array.read(array.node_rows()),
                 [&](std::int64_t done) {
                   advance(done - told);
                   told = done;
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
  OutputFile file(OutputTarget::reserve(path, options), options.durable);
  remove_if_killed(file.target_->temporary_path());
  return file;
}

std::vector<std::string> OutputFile::messages() const {
  return target_ ? target_->messages() : std::vector<std::string>{};
}

void OutputFile::write(NodeMemory& memory, std::span<const Rows> arrays, const std::function<FileSpec()>& make_spec,
                       const std::function<void(std::int64_t)>& advance) {
  const Topology& topology = memory.topology();
  const bool is_first = target_.has_value();
  FileLayout layout;
  memory.together([&] {
    if (is_first) layout = create_skeleton(target_->temporary_path(), make_spec());
  });
  const Broadcast file = broadcast_layout(topology, is_first ? target_->temporary_path() : "", layout, arrays.size());

  std::vector<NodeChecksums> checksums;
  for (const Rows& rows : arrays) checksums.emplace_back(*rows.array, rows.groups);
  std::vector<std::vector<GroupChecksum>> computed(arrays.size());
  memory.together([&] {
    if (topology.is_leader()) write_rows(file, arrays, durable_, advance);
    for (std::size_t n = 0; n < arrays.size(); ++n) computed[n] = checksums[n].compute();
  });

  std::vector<std::vector<std::byte>> gathered;
  for (const std::vector<GroupChecksum>& part : computed)
    gathered.push_back(topology.world.gather(std::as_bytes(std::span(part)), 0));
  memory.together([&] {
    if (!is_first) return;
    for (std::size_t n = 0; n < arrays.size(); ++n) write_checksums(file.path, layout.arrays[n], gathered[n]);
    write_seal(file.path, layout);
    // From here on the temporary is a complete result: finish() may have to keep it under another name.
    remove_if_killed("");
    target_->finish();
  });
}

}  // namespace windrow::io
