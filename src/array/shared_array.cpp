#include "array/shared_array.hpp"

#include <algorithm>
#include <optional>

#include "base/partition.hpp"

namespace windrow {

SharedArray::SharedArray(NodeMemory& memory, ArrayShape shape, std::size_t number)
    : memory_(&memory),
      shape_(std::move(shape)),
      row_bytes_(checked_multiply(shape_.extents.cols, bytes_of(shape_.type))),
      offset_(memory.layout().arrays.at(number).offset),
      touched_(memory.control().extents.subspan(static_cast<std::size_t>(memory.layout().arrays[number].first_extent),
                                                static_cast<std::size_t>(memory.layout().arrays[number].extents))) {
  const Topology& topology = memory.topology();
  node_rows_ = machine_of(topology).rows_of_node(shape_.extents.rows, topology.node_number);
  row_block_ = windrow::row_block(shape_.extents.rows, topology.ranks(), topology.row_rank());
  const WindowLayout::Item& item = memory.layout().arrays[number];
  group_words_ = memory.control().groups.subspan(static_cast<std::size_t>(item.first_group),
                                                 static_cast<std::size_t>(item.groups));
}

ByteRange SharedArray::bytes_of_rows(RowRange rows) const {
  const std::int64_t begin = offset_ + (rows.begin - node_rows_.begin) * row_bytes_;
  return {begin, begin + rows.rows() * row_bytes_};
}

void SharedArray::check_on_node(RowRange rows) const {
  if (!rows.empty() && intersect(rows, node_rows_) != rows)
    throw Error(ExitStatus::internal, "rows {} to {} of '{}' are not on this node, which has {} to {}", rows.begin,
                rows.end, name(), node_rows_.begin, node_rows_.end);
}

std::span<const std::byte> SharedArray::read(RowRange rows) const {
  check_on_node(rows);
  if (rows.empty()) return {};
  const ByteRange bytes = bytes_of_rows(rows);
  if (AccessCheck* const check = memory_->check()) check->read(bytes);
  return memory_->window().bytes().subspan(static_cast<std::size_t>(bytes.begin),
                                           static_cast<std::size_t>(bytes.end - bytes.begin));
}

Lease SharedArray::lease_row_block() {
  if (row_block_leased_in_ == memory_->phase())
    throw Error(ExitStatus::internal, "the row block of '{}' is leased twice in a phase", name());
  row_block_leased_in_ = memory_->phase();
  return lease(row_block_);
}

Lease SharedArray::lease(RowRange rows) {
  check_on_node(rows);
  return {*this, rows, memory_->phase()};
}

void SharedArray::open_for_check(ByteRange bytes) {
  AccessCheck& check = *memory_->check();
  check.pages().unlock(bytes);
  touch(bytes);
  check.write(bytes);
}

bool SharedArray::is_touched(ByteRange bytes) const {
  return !touched_.first_gap({bytes.begin - offset_, bytes.end - offset_});
}

bool SharedArray::touch(ByteRange bytes) {
  bool is_fresh = fresh_.begin <= bytes.begin && bytes.end <= fresh_.end;
  while (const std::optional<ByteRange> gap = touched_.first_gap({bytes.begin - offset_, bytes.end - offset_})) {
    const std::int64_t begin = offset_ + gap->begin;
    const std::int64_t provided = memory_->window().touch(begin, offset_ + gap->end);
    touched_.add({gap->begin, std::min(provided, bytes_of_rows(node_rows_).end) - offset_});
    fresh_ = {std::max(begin, provided - kExtentBytes), provided};
    is_fresh = true;
  }
  return is_fresh;
}

void Lease::check_phase() const {
  if (phase_ != array_->memory().phase())
    throw Error(ExitStatus::internal, "rows {} to {} of '{}' are written after the phase of their lease", rows_.begin,
                rows_.end, array_->name());
}

std::span<std::byte> Lease::bytes() {
  check_phase();
  if (rows_.empty()) return {};
  const auto [begin, end] = array_->bytes_of_rows(rows_);
  if (array_->memory().check() != nullptr) array_->open_for_check({begin, end});
  array_->touch({begin, end});
  return array_->memory().window().bytes().subspan(static_cast<std::size_t>(begin),
                                                   static_cast<std::size_t>(end - begin));
}

Piece Lease::piece(ElementRange elements) {
  check_phase();
  const std::int64_t element_bytes = bytes_of(array_->type());
  const std::int64_t first_byte = array_->bytes_of_rows(rows_).begin;
  const std::int64_t first_element = rows_.begin * array_->extents().cols;
  const ByteRange bytes{first_byte + (elements.begin - first_element) * element_bytes,
                        first_byte + (elements.end - first_element) * element_bytes};
  if (array_->memory().check() != nullptr) array_->open_for_check(bytes);
  const bool is_fresh = array_->touch(bytes);
  return {.elements = elements, .destination = array_->memory().window().data() + bytes.begin, .is_fresh = is_fresh};
}

Piece Lease::piece_from(std::int64_t element) {
  const std::int64_t element_bytes = bytes_of(array_->type());
  const ByteRange bytes = array_->bytes_of_rows(rows_);
  const std::int64_t first_element = rows_.begin * array_->extents().cols;
  const std::int64_t begin = bytes.begin + (element - first_element) * element_bytes;
  const std::int64_t end = std::min((begin / kExtentBytes + 1) * kExtentBytes, bytes.end);
  return piece({element, element + (end - begin) / element_bytes});
}

void Lease::for_each_piece(const std::function<void(const Piece&)>& fill) {
  check_phase();
  if (rows_.empty()) return;
  const auto [begin, end] = array_->bytes_of_rows(rows_);
  if (array_->memory().check() != nullptr) array_->open_for_check({begin, end});
  const std::int64_t element_bytes = bytes_of(array_->type());
  const std::int64_t first_element = rows_.begin * array_->extents().cols;
  std::byte* const window = array_->memory().window().data();
  const auto fill_piece = [&, begin = begin](std::int64_t piece_begin, std::int64_t piece_end) {
    if (piece_begin >= piece_end) return;
    const bool is_fresh = array_->touch({piece_begin, piece_end});
    fill({.elements = {first_element + (piece_begin - begin) / element_bytes,
                       first_element + (piece_end - begin) / element_bytes},
          .destination = window + piece_begin,
          .is_fresh = is_fresh});
    array_->memory().rendezvous().throw_if_failed();
  };
  // An extent that begins before my rows comes at the end, unless it has memory: by then, who has the rows at its begin
  // has probably made it a huge page.
  const std::int64_t first_extent = std::min(round_up(begin, kExtentBytes), end);
  const bool is_touched = array_->is_touched({begin, first_extent});
  if (is_touched) fill_piece(begin, first_extent);
  for (std::int64_t piece = first_extent; piece < end; piece += kExtentBytes)
    fill_piece(piece, std::min(piece + kExtentBytes, end));
  if (!is_touched) fill_piece(begin, first_extent);
}

}  // namespace windrow
