#include "array/replicated_array.hpp"

#include <utility>

#include "base/partition.hpp"

namespace windrow {

ReplicatedArray::ReplicatedArray(NodeMemory& memory, ArrayShape shape, std::size_t number)
    : memory_(&memory), shape_(std::move(shape)), place_(memory.layout().replicas[number]) {}

RowRange ReplicatedArray::share() const {
  return row_block(shape_.extents.rows, memory_->topology().node.size(), memory_->topology().node_rank());
}

std::span<std::byte> ReplicatedArray::fill_share() {
  const std::int64_t row_bytes = shape_.extents.cols * bytes_of(shape_.type);
  const ByteRange bytes{place_.begin + share().begin * row_bytes, place_.begin + share().end * row_bytes};
  memory_->window().touch(bytes.begin, bytes.end);
  return memory_->window().bytes().subspan(static_cast<std::size_t>(bytes.begin),
                                           static_cast<std::size_t>(bytes.bytes()));
}

std::span<const std::byte> ReplicatedArray::read() const {
  return memory_->window().bytes().subspan(static_cast<std::size_t>(place_.begin),
                                           static_cast<std::size_t>(place_.bytes()));
}

}  // namespace windrow
