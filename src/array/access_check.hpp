#pragma once

#include <csignal>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "array/guarded_pages.hpp"
#include "array/layout.hpp"
#include "mpi/rendezvous.hpp"

namespace windrow {

/// What WINDROW_CHECK=1 looks for in a node's arrays:
///
/// - a store to rows without a lease of this phase, or a load of rows that this rank has neither leased nor called
///   read() for in this phase. A whole page of such rows traps; on the pages at the borders of a lease a store is found
///   when the phase ends, and a load is not seen;
/// - rows that a rank leased and another leased or called read() for in the same phase: found when the phase ends,
///   whoever came first.
///
/// Not seen are stores of the same bytes as before at a border, and what goes through MPI's own mapping.
class AccessCheck {
 public:
  /// Whether the environment of the node's leader asks for it. *Collective over* `node`. *Throws*: Error(usage) for a
  /// WINDROW_CHECK that is neither 0 nor 1, on all ranks.
  [[nodiscard]] static bool is_wanted(const NodeComm& node);

  /// For a new window. Local, as what follows.
  AccessCheck(const Topology& topology, SharedWindow& window, const WindowLayout& layout,
              const std::vector<ArrayShape>& shapes);
  AccessCheck(const AccessCheck&) = delete;
  AccessCheck& operator=(const AccessCheck&) = delete;
  ~AccessCheck();

  [[nodiscard]] GuardedPages& pages() { return pages_; }
  /// This rank reads, or writes, the bytes in this phase. *Throws*: Error(resources), on the calling rank.
  void read(ByteRange bytes);
  void write(ByteRange bytes);

  /// Ends the phase: a publish(), before and after which the check looks at what the ranks have done.
  /// *Collective over* the node. *Cost*: some messages. *Throws*: Error(internal), on the rank that finds a
  /// mistake, of its own at a border, on the leader of two ranks; PeerFailure.
  void end_phase(Rendezvous& rendezvous);

 private:
  struct Array {
    std::string name;
    ByteRange bytes;
    std::int64_t row_bytes = 0;
    std::int64_t first_row = 0;
  };
  struct Access;
  /// What a rank has accessed in a phase; rows one by one become few ranges.
  class Ranges {
   public:
    void add(ByteRange bytes);
    [[nodiscard]] std::vector<ByteRange> take();

   private:
    std::vector<ByteRange> ranges_;
    std::size_t merge_at_ = 1024;
  };

  static void on_fault(int number, siginfo_t* info, void* context);
  [[nodiscard]] Error fault(std::int64_t offset, bool is_store) const;
  [[nodiscard]] std::string row_at(std::int64_t offset) const;
  [[nodiscard]] std::vector<Access> take_accesses();
  /// Those of all ranks, on the leader.
  [[nodiscard]] std::vector<Access> gather(const std::vector<Access>& own) const;
  void compare(std::vector<Access> all) const;
  [[nodiscard]] Error conflict(const Access& one, const Access& other) const;

  const Topology* topology_;
  SharedWindow* window_;
  std::vector<Array> arrays_;
  GuardedPages pages_;
  std::int64_t phase_ = 1;
  Ranges reads_;
  Ranges writes_;
  AccessCheck* next_ = nullptr;  ///< all that live in this process, for the handler of signals
};

}  // namespace windrow
