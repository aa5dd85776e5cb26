#include "array/access_check.hpp"

#include <ucontext.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

#include "base/partition.hpp"
#include "mpi/environment.hpp"
#include "mpi/together.hpp"

namespace windrow {
namespace {

AccessCheck* first_check = nullptr;
struct sigaction action_before {};

/// Whether the access that faulted was a store, where the processor tells.
bool was_store([[maybe_unused]] const void* context) {
#if defined(__x86_64__)
  constexpr greg_t kWriteBit = 2;
  return (static_cast<const ucontext_t*>(context)->uc_mcontext.gregs[REG_ERR] & kWriteBit) != 0;
#else
  return true;
#endif
}

}  // namespace

/// A range that a rank has accessed in a phase; what ranks send to their leader.
struct AccessCheck::Access {
  ByteRange bytes;
  std::int64_t world_rank = 0;
  std::int64_t is_write = 0;
};

void AccessCheck::Ranges::add(ByteRange bytes) {
  if (!ranges_.empty() && ranges_.back().begin <= bytes.begin && bytes.begin <= ranges_.back().end) {
    ranges_.back().end = std::max(ranges_.back().end, bytes.end);
    return;
  }
  if (ranges_.size() >= merge_at_) {
    ranges_ = merged(std::move(ranges_));
    merge_at_ = std::max(merge_at_, 2 * ranges_.size());
  }
  ranges_.push_back(bytes);
}

std::vector<ByteRange> AccessCheck::Ranges::take() {
  return merged(std::exchange(ranges_, {}));
}

bool AccessCheck::is_wanted(const NodeComm& node) {
  const char* const value = std::getenv("WINDROW_CHECK");
  const std::string text = node.broadcast(value == nullptr ? "" : value, 0);
  if (!text.empty() && text != "0" && text != "1")
    throw Error(ExitStatus::usage, "WINDROW_CHECK={}: it must be 0 or 1", text);
  return text == "1";
}

AccessCheck::AccessCheck(const Topology& topology, SharedWindow& window, const WindowLayout& layout,
                         const std::vector<ArrayShape>& shapes)
    : topology_(&topology), window_(&window), pages_(window, layout.arrays_begin, topology.node.size()) {
  const int first_rank = topology.first_row_rank(topology.node_number);
  for (std::size_t n = 0; n < shapes.size(); ++n) {
    const WindowLayout::Item& item = layout.arrays[n];
    arrays_.push_back({item.name,
                       {item.offset, item.offset + item.bytes},
                       checked_multiply(shapes[n].extents.cols, bytes_of(shapes[n].type)),
                       row_block(shapes[n].extents.rows, topology.ranks(), first_rank).begin});
  }
  if (first_check == nullptr) {
    struct sigaction action {};
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGSEGV, &action, &action_before);
  }
  next_ = std::exchange(first_check, this);
}

AccessCheck::~AccessCheck() {
  AccessCheck** link = &first_check;
  while (*link != this) link = &(*link)->next_;
  *link = next_;
  if (first_check == nullptr) sigaction(SIGSEGV, &action_before, nullptr);
}

void AccessCheck::on_fault(int /*number*/, siginfo_t* info, void* context) {
  const auto* const address = static_cast<const std::byte*>(info->si_addr);
  for (const AccessCheck* check = first_check; check != nullptr; check = check->next_) {
    const std::span<const std::byte> window = check->window_->bytes();
    // Not one of the async-signal-safe functions: but the fault is a job's own access, which holds no lock of the C
    // library, and nothing goes on after this.
    if (std::to_address(window.begin()) <= address && address < std::to_address(window.end()))
      Environment::abort(check->fault(address - window.data(), was_store(context)));
  }
  // Not ours: the access is made again, and ends as it would have.
  sigaction(SIGSEGV, &action_before, nullptr);
}

std::string AccessCheck::row_at(std::int64_t offset) const {
  for (const Array& array : arrays_)
    if (array.bytes.begin <= offset && offset < array.bytes.end)
      return fmt::format("row {} of '{}'", array.first_row + (offset - array.bytes.begin) / array.row_bytes,
                         array.name);
  return "memory between the arrays";
}

Error AccessCheck::fault(std::int64_t offset, bool is_store) const {
  const int rank = topology_->world_rank();
  if (is_store)
    return {ExitStatus::internal,
            "WINDROW_CHECK: rank {} stores to {} without a lease, in phase {}\n"
            "  try: write only rows() of a lease, through its bytes or pieces, and before the phase ends",
            rank, row_at(offset), phase_};
  return {ExitStatus::internal,
          "WINDROW_CHECK: rank {} loads from {} without a read(), in phase {}\n"
          "  try: read() the rows anew after each publish()",
          rank, row_at(offset), phase_};
}

void AccessCheck::read(ByteRange bytes) {
  reads_.add(bytes);
  pages_.open_for_reading(bytes);
}

void AccessCheck::write(ByteRange bytes) {
  writes_.add(bytes);
  pages_.open_for_writing(bytes);
}

void AccessCheck::end_phase(Rendezvous& rendezvous) {
  if (const std::optional<std::int64_t> stray = pages_.close_all()) throw fault(*stray, true);
  rendezvous.publish();
  // All have come, and nobody can fail before all have sent: messages are safe here.
  compare(gather(take_accesses()));
  ++phase_;
}

std::vector<AccessCheck::Access> AccessCheck::take_accesses() {
  std::vector<Access> accesses;
  for (const ByteRange& bytes : writes_.take()) accesses.push_back({bytes, topology_->world_rank(), 1});
  for (const ByteRange& bytes : reads_.take()) accesses.push_back({bytes, topology_->world_rank(), 0});
  return accesses;
}

std::vector<AccessCheck::Access> AccessCheck::gather(const std::vector<Access>& own) const {
  const Together alone = [](const std::function<void()>& body) { body(); };
  const std::vector<std::byte> bytes = windrow::gather(topology_->node, alone, std::as_bytes(std::span(own)));
  std::vector<Access> all(bytes.size() / sizeof(Access));
  if (!bytes.empty()) std::memcpy(all.data(), bytes.data(), bytes.size());
  return all;
}

void AccessCheck::compare(std::vector<Access> all) const {
  const auto first_read =
      std::partition(all.begin(), all.end(), [](const Access& access) { return access.is_write != 0; });
  const std::span<Access> writes(all.begin(), first_read);
  const std::span<const Access> reads(first_read, all.end());
  const auto begin_of = [](const Access& access) { return access.bytes.begin; };
  std::ranges::sort(writes, {}, begin_of);
  // Of ranges sorted by their begin, neighbours overlap if any do; those of one rank do not.
  for (std::size_t n = 1; n < writes.size(); ++n)
    if (writes[n].bytes.begin < writes[n - 1].bytes.end) throw conflict(writes[n - 1], writes[n]);
  for (const Access& read : reads)
    for (auto write =
             std::ranges::upper_bound(writes, read.bytes.begin, {}, [](const Access& a) { return a.bytes.end; });
         write != writes.end() && write->bytes.begin < read.bytes.end; ++write)
      if (write->world_rank != read.world_rank) throw conflict(*write, read);
}

Error AccessCheck::conflict(const Access& one, const Access& other) const {
  const std::string row = row_at(std::max(one.bytes.begin, other.bytes.begin));
  if (other.is_write != 0)
    return {ExitStatus::internal,
            "WINDROW_CHECK: ranks {} and {} have both leased {} in phase {}\n"
            "  try: one lease for each row and phase, or a publish() in between",
            std::min(one.world_rank, other.world_rank),
            std::max(one.world_rank, other.world_rank),
            row,
            phase_};
  return {ExitStatus::internal,
          "WINDROW_CHECK: rank {} reads {} in phase {}, in which rank {} has it leased\n"
          "  try: a publish() between writing and reading",
          other.world_rank,
          row,
          phase_,
          one.world_rank};
}

}  // namespace windrow
