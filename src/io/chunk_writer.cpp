#include "io/chunk_writer.hpp"

#include <algorithm>
#include <cerrno>

#include "io/file_writer.hpp"
#include "io/node_shares.hpp"
#include "mpi/fault_point.hpp"

namespace windrow::io {
namespace {

constexpr int kSizeTag = 3;
constexpr int kChunkTag = 4;

/// Some of many bytes.
template <typename Bytes>
Bytes part(Bytes bytes, std::int64_t begin, std::int64_t size) {
  return bytes.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(size));
}

}  // namespace

ChunkWriter::ChunkWriter(const SharedArray& array, const Staging& staging, StagingShape shape, std::int64_t level)
    : array_(&array),
      topology_(&array.memory().topology()),
      staging_(staging),
      grid_(array.extents(), array.type()),
      compressor_(level, bytes_of(array.type()), grid_.bytes()),
      whole_(static_cast<std::size_t>(grid_.bytes())),
      received_(topology_->world_rank() == 0 ? whole_.size() : 0) {
  const NodeShares shares(machine_of(*topology_), array.shape(), kEveryNode);
  for (int node = 0; node < shares.nodes(); ++node) {
    const ByteRange bytes = shares.has(node);
    nodes_.push_back(
        {bytes,
         {grid_.first_from_row(bytes.begin / array.row_bytes()), grid_.first_from_row(bytes.end / array.row_bytes())},
         shape.chunks_per_round(topology_->ranks_per_node[static_cast<std::size_t>(node)])});
  }
  if (!topology_->is_leader()) return;
  const auto has = [&](int node) { return nodes_[static_cast<std::size_t>(node)].bytes; };
  const auto& [own, chunks, per_round] = here();
  if (chunks.begin > 0)
    if (const ByteRange before = grid_.array_bytes(chunks.begin - 1); before.end > own.begin)
      head_.emplace(*topology_, has, before);
  if (chunks.begin == chunks.end) return;
  if (const ByteRange last = grid_.array_bytes(chunks.end - 1); last.end > own.end)
    tail_.emplace(*topology_, has, last);
}

ChunkWriter::Chunks ChunkWriter::chunks_of_round(const Node& node, std::int64_t round) {
  const std::int64_t begin = std::min(node.chunks.begin + round * node.chunks_per_round, node.chunks.end);
  return {begin, std::min(begin + node.chunks_per_round, node.chunks.end)};
}

std::int64_t ChunkWriter::rounds() const {
  std::int64_t rounds = 0;
  for (const auto& [bytes, chunks, per_round] : nodes_)
    rounds = std::max(rounds, (chunks.end - chunks.begin + per_round - 1) / per_round);
  return rounds;
}

void ChunkWriter::write(ChunkFile* file, const std::function<void(std::int64_t)>& advance) {
  NodeMemory& memory = array_->memory();
  memory.together([&] {
    if (topology_->is_leader()) staging_.reset_draws();
  });
  if (topology_->is_leader()) exchange_borders();
  memory.together([] {});  // what the leaders have received is there for all
  const std::int64_t count = rounds();
  for (std::int64_t round = 0; round < count; ++round) {
    memory.together([&] {
      if (failure_) throw Error(*failure_);
      compress_round(round, advance);
    });
    if (file != nullptr)
      store_round(round, *file);
    else if (topology_->is_leader())
      send_round(round);
  }
  memory.together([&] {
    if (failure_) throw Error(*failure_);
  });
}

/// A chunk that begins on one node and ends on others is put together by the leader of the first.
void ChunkWriter::exchange_borders() {
  const std::span<const std::byte> rows = array_->read(array_->node_rows());
  if (head_) head_->gather(rows);
  if (!tail_) return;
  tail_->gather({});
  const ByteRange own = here().bytes;
  const ByteRange last = grid_.array_bytes(here().chunks.end - 1);
  auto end =
      std::ranges::copy(rows.last(static_cast<std::size_t>(own.end - last.begin)), staging_.border().begin()).out;
  end = std::ranges::copy(tail_->rest(), end).out;
  std::fill(end, staging_.border().begin() + grid_.bytes(), std::byte{});
}

void ChunkWriter::compress_round(std::int64_t round, const std::function<void(std::int64_t)>& advance) {
  const Chunks all = here().chunks;
  const Chunks now = chunks_of_round(here(), round);
  if (!drawn_) drawn_ = staging_.draw();
  // What is drawn and not of this round is for the next.
  for (; *drawn_ < now.end - all.begin; drawn_ = staging_.draw()) {
    compress(*drawn_, all.begin + *drawn_, advance);
    fault_point("write.rows");
    array_->memory().rendezvous().throw_if_failed();
  }
}

void ChunkWriter::compress(std::int64_t number, std::int64_t chunk, const std::function<void(std::int64_t)>& advance) {
  const std::span<std::byte> slot = part(staging_.slot(number), 0, grid_.bytes());
  staging_.bytes_in_slot(number) = compressor_.compress(content_of(chunk), slot);
  const ByteRange bytes = grid_.array_bytes(chunk);
  advance(std::min(bytes.end, here().bytes.end) - bytes.begin);
}

/// All of a chunk, with the zeros that fill it up.
std::span<const std::byte> ChunkWriter::content_of(std::int64_t chunk) {
  const ByteRange own = here().bytes;
  const ByteRange bytes = grid_.array_bytes(chunk);
  if (bytes.end > own.end) return part(staging_.border(), 0, grid_.bytes());
  const std::span<const std::byte> rows = array_->read(array_->node_rows());
  const std::span<const std::byte> elements = part(rows, bytes.begin - own.begin, bytes.bytes());
  // Pages that nobody has touched, and that cannot be had, are a bus error wherever no system call has told of them.
  if (!map_pages(elements) && errno == EFAULT)
    throw Error(ExitStatus::resources, "the rows of '{}' are not in memory, which is short", array_->name());
  if (bytes.bytes() == grid_.bytes()) return elements;
  std::ranges::fill(std::ranges::copy(elements, whole_.begin()).out, whole_.end(), std::byte{});
  return whole_;
}

void ChunkWriter::send_round(std::int64_t round) {
  const Chunks all = here().chunks;
  const Chunks now = chunks_of_round(here(), round);
  for (std::int64_t chunk = now.begin; chunk < now.end; ++chunk) {
    const std::int64_t number = chunk - all.begin;
    const std::int64_t& bytes = staging_.bytes_in_slot(number);
    topology_->leaders.send(std::as_bytes(std::span(&bytes, 1)), 0, kSizeTag);
    topology_->leaders.send(part(staging_.slot(number), 0, bytes), 0, kChunkTag);
  }
}

/// What is sent is received in any case.
void ChunkWriter::store_round(std::int64_t round, ChunkFile& file) {
  const Chunks own = chunks_of_round(nodes_.front(), round);
  for (std::int64_t chunk = own.begin; chunk < own.end; ++chunk)
    store(chunk, part(staging_.slot(chunk), 0, staging_.bytes_in_slot(chunk)), file);
  for (int node = 1; node < topology_->nodes(); ++node) {
    const auto [begin, end] = chunks_of_round(nodes_[static_cast<std::size_t>(node)], round);
    for (std::int64_t chunk = begin; chunk < end; ++chunk) {
      std::int64_t bytes = 0;
      topology_->leaders.receive(std::as_writable_bytes(std::span(&bytes, 1)), node, kSizeTag);
      const std::span<std::byte> received = part(std::span(received_), 0, bytes);
      topology_->leaders.receive(received, node, kChunkTag);
      store(chunk, received, file);
    }
  }
}

/// A failure waits until no message is on its way.
void ChunkWriter::store(std::int64_t chunk, std::span<const std::byte> bytes, ChunkFile& file) {
  if (failure_) return;
  failure_ = error_of([&] {
    fault_point("write.store");
    file.store(grid_.origin(chunk), bytes, std::ssize(bytes) < grid_.bytes());
  });
}

}  // namespace windrow::io
