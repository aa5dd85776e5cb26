#include "io/staging.hpp"

#include <algorithm>
#include <atomic>

#include "io/chunk_grid.hpp"
#include "io/file_layout.hpp"

namespace windrow::io {
namespace {

/// In each half, for each rank: enough that ranks seldom wait for the last chunk of a round.
constexpr std::int64_t kMostChunksPerRound = 16;
/// The number that is drawn next, on a cache line of its own.
constexpr std::int64_t kHeadBytes = 64;

}  // namespace

StagingShape StagingShape::of(const FileSpec& spec, int ranks) {
  StagingShape shape;
  if (spec.compression == 0) return shape;
  for (const ArraySpec& array : spec.arrays) {
    const ChunkGrid grid(array.extents, array.type);
    const std::int64_t per_round = std::min((grid.count() - 1) / ranks + 1, kMostChunksPerRound);
    shape.slot_bytes = std::max(shape.slot_bytes, round_up(grid.bytes(), kHeadBytes));
    shape.slots_per_rank = std::max(shape.slots_per_rank, 2 * per_round + 1);
  }
  return shape;
}

std::int64_t StagingShape::bytes_per_rank() const {
  if (slots_per_rank == 0) return 0;
  const auto size_bytes = static_cast<std::int64_t>(sizeof(std::int64_t));
  return round_up(kHeadBytes + checked_multiply(slots_per_rank, slot_bytes + size_bytes), kPageBytes);
}

Staging::Staging(StagingShape shape, int ranks_of_node, std::span<std::byte> memory)
    : shape_(shape), ranks_(ranks_of_node), memory_(memory) {}

void Staging::reset_draws() noexcept {
  std::atomic_ref(*reinterpret_cast<std::int64_t*>(memory_.data())).store(0, std::memory_order_relaxed);
}

std::int64_t Staging::draw() noexcept {
  return std::atomic_ref(*reinterpret_cast<std::int64_t*>(memory_.data())).fetch_add(1, std::memory_order_relaxed);
}

std::span<std::byte> Staging::slot_at(std::int64_t place) const {
  const auto bytes = static_cast<std::size_t>(shape_.slot_bytes);
  return memory_.subspan(static_cast<std::size_t>(kHeadBytes) + static_cast<std::size_t>(place) * bytes, bytes);
}

std::span<std::byte> Staging::slot(std::int64_t number) const {
  return slot_at(number % (2 * chunks_per_round()));
}

std::span<std::byte> Staging::border() const {
  return slot_at(2 * chunks_per_round());
}

std::int64_t& Staging::bytes_in_slot(std::int64_t number) const {
  const std::int64_t behind_slots = kHeadBytes + ranks_ * shape_.slots_per_rank * shape_.slot_bytes;
  auto* const sizes = reinterpret_cast<std::int64_t*>(memory_.data() + behind_slots);
  return sizes[number % (2 * chunks_per_round())];
}

}  // namespace windrow::io
