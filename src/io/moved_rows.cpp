#include "io/moved_rows.hpp"

#include <algorithm>
#include <cerrno>

#include "base/partition.hpp"
#include "mpi/fault_point.hpp"

namespace windrow::io {
namespace {

constexpr int kTag = 1;

/// Whole groups, so that each has its checksum from the piece that it is in.
constexpr std::int64_t kPieceBytes = 4 * kGroupBytes;

/// Some of the bytes of `all`, which are those of `whole`.
template <typename Bytes>
Bytes part(Bytes all, ByteRange whole, ByteRange bytes) {
  return all.subspan(static_cast<std::size_t>(bytes.begin - whole.begin), static_cast<std::size_t>(bytes.bytes()));
}

}  // namespace

MovedRows::MovedRows(NodeMemory& memory, const NodeShares& shares, FileWriter& file, std::int64_t offset, bool durable)
    : memory_(&memory),
      shares_(&shares),
      file_(&file),
      offset_(offset),
      durable_(durable),
      node_(memory.topology().node_number) {}

std::int64_t MovedRows::rounds() const {
  std::int64_t rounds = 0;
  for (int node = 0; node < shares_->nodes(); ++node)
    rounds = std::max(rounds, (shares_->moved(node).bytes() + kPieceBytes - 1) / kPieceBytes);
  return rounds;
}

ByteRange MovedRows::piece(int writer, std::int64_t round) const {
  const ByteRange all = shares_->moved(writer);
  const std::int64_t begin = std::min(all.begin + round * kPieceBytes, all.end);
  return {begin, std::min(begin + kPieceBytes, all.end)};
}

std::span<std::byte> MovedRows::buffer(std::int64_t round) {
  return std::span(buffers_[static_cast<std::size_t>(round % 2)])
      .first(static_cast<std::size_t>(piece(node_, round).bytes()));
}

void MovedRows::write(const Content& content, const std::function<void(std::int64_t)>& advance) {
  const bool is_leader = memory_->topology().is_leader();
  const std::int64_t count = rounds();
  if (count == 0) return;
  for (std::int64_t round = 0; round <= count; ++round) {
    memory_->together([&] {
      if (!is_leader) return;
      // What a write has met is told here, where no message is on its way; and its buffer is free now.
      if (background_) background_->wait(memory_->rendezvous().waiter());
      if (round > 0 && !piece(node_, round - 1).empty()) {
        background_->submit([this, round] { write_piece(round - 1); });
        advance(piece(node_, round - 1).bytes());
      }
      if (round < count) prepare(round, content);
    });
    if (is_leader && round < count) exchange(round, content);
  }
  memory_->together([&] {
    if (background_) background_->wait(memory_->rendezvous().waiter());
  });
}

/// All that can fail.
void MovedRows::prepare(std::int64_t round, const Content& content) {
  fault_point("write.move");
  moves_.clear();
  const ByteRange here = shares_->has(node_);
  const ByteRange own = piece(node_, round);
  // Pages that nobody has touched, and that cannot be had, are a bus error wherever no system call has told of them.
  const auto bring = [&](ByteRange bytes) {
    const std::span<const std::byte> rows = content(bytes);
    if (!map_pages(rows) && errno == EFAULT)
      throw Error(ExitStatus::resources, "rows that are to be written are not in memory, which is short");
    return rows;
  };
  // Rows go to earlier nodes.
  for (int writer = 0; writer <= node_; ++writer) {
    const ByteRange bytes = piece(writer, round);
    const bool is_elsewhere = bytes.end < here.begin || here.end < bytes.begin;
    if (bytes.empty() || (writer != node_ && is_elsewhere)) continue;
    SpreadPiece spread(
        memory_->topology(), [this](int node) { return shares_->has(node); }, bytes);
    if (writer != node_ && !spread.takes_part()) continue;
    moves_.push_back({writer, std::move(spread)});
    if (const ByteRange some = intersect(here, bytes); writer != node_ && !some.empty()) static_cast<void>(bring(some));
  }
  if (own.empty()) return;
  if (!background_) background_ = std::make_unique<Background>();
  auto& room = buffers_[static_cast<std::size_t>(round % 2)];
  if (std::ssize(room) < own.bytes()) room.resize(static_cast<std::size_t>(own.bytes()));
  if (const ByteRange bytes = intersect(here, own); !bytes.empty())
    std::ranges::copy(bring(bytes), part(buffer(round), own, bytes).begin());
}

/// All leaders go to the pieces in the order of the array: so all come through.
void MovedRows::exchange(std::int64_t round, const Content& content) {
  for (Move& move : moves_) exchange(move, round, content);
}

/// Where the writer has nothing of a piece, the first node that does gathers it and sends it on.
void MovedRows::exchange(Move& move, std::int64_t round, const Content& content) {
  const LeaderComm& leaders = memory_->topology().leaders;
  SpreadPiece& spread = move.piece;
  const ByteRange all = piece(move.writer, round);
  const ByteRange firsts = intersect(shares_->has(spread.first()), all);
  const ByteRange rest{firsts.end, all.end};
  const ByteRange here = intersect(shares_->has(node_), all);
  const std::span<const std::byte> own = here.empty() ? std::span<const std::byte>{} : content(here);
  spread.gather(own);
  if (node_ != move.writer) {
    if (node_ != spread.first()) return;
    leaders.send(own, move.writer, kTag);
    leaders.send(spread.rest(), move.writer, kTag);
  } else if (node_ == spread.first()) {
    std::ranges::copy(spread.rest(), part(buffer(round), all, rest).begin());
  } else {
    leaders.receive(part(buffer(round), all, firsts), spread.first(), kTag);
    leaders.receive(part(buffer(round), all, rest), spread.first(), kTag);
  }
}

void MovedRows::write_piece(std::int64_t round) {
  fault_point("write.moved");
  const ByteRange bytes = piece(node_, round);
  for (std::int64_t begin = bytes.begin; begin < bytes.end; begin += kGroupBytes) {
    const ByteRange group{begin, std::min(begin + kGroupBytes, bytes.end)};
    const std::span<const std::byte> rows = part(buffer(round), bytes, group);
    checksums_.push_back({begin / kGroupBytes, checksum(rows)});
    file_->write(offset_ + begin, rows);
    if (durable_) file_->start_sync(offset_ + begin, group.bytes());
  }
}

}  // namespace windrow::io
