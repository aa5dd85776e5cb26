#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "array/blocks.hpp"

namespace windrow {

/// The second level of a pool: blocks that a node does not come to are lent to idle ranks of other nodes, which compute
/// them in memory of their own and send the rows back. Rows stay where they are placed; only their values travel.
///
/// A rank asks a rank of the next node, the one of its own number there (modulo the number of ranks), for a block at a
/// time, until it is told that there are none; for the next one before it computes the one it has. It is answered
/// between two blocks, and so, if they take about as long, in time. Who has none tells how many nodes from its own on
/// it knows to have none, which are then passed over: where all nodes end together, what each knows doubles with each
/// answer. All ranks of the world take part, in a phase; who fails goes on to answer, "none", so that nobody waits for
/// it.
class Lending {
 public:
  /// A block of another node, and whom its rows go to.
  struct Borrowed {
    BlockId block;
    RowRange rows;
    int lender = 0;  ///< world rank
  };
  /// Which rank has computed a lent block, and when: in seconds of its run.
  struct Work {
    int world_rank = 0;
    double start_s = 0.0;
    double seconds = 0.0;
  };
  /// Stores what has come back.
  using Store = std::function<void(Block& block, std::span<const std::byte> rows, const Work& work)>;

  /// Local.
  Lending(SharedArray& array, BlockSchedule& blocks, Store store);

  /// Runs what a rank does in the phase, and then waits until no other rank will ask this one. Who borrows in `body`,
  /// does so until there is nothing more. *Collective over* the world, within a phase. *Throws*, on the calling rank:
  /// what `body` throws; PeerFailure.
  void run(const std::function<void()>& body);

  /// Answers those who have asked, and stores what has come back. Within run(); between any two blocks. *Cost*: two
  /// looks for a message. *Throws*: what Store throws.
  void serve();

  /// The next block for this rank from another node, when its own node has no more; none when no node has. *Throws*,
  /// on the calling rank: PeerFailure, what Store throws.
  [[nodiscard]] std::optional<Borrowed> borrow();
  /// Sends the rows of the block that was borrowed last. *Cost*: two messages, and the memory of the rows until they
  /// are received. *Throws*: as borrow().
  void give_back(std::vector<std::byte> rows, double start_s, double seconds);

 private:
  struct Lent {
    int client = 0;
    Block block;
  };
  void answer(int client);
  void take_back(int client);
  void finish(OnFailure on_failure);
  void leave() noexcept;
  void wait_until(const std::function<bool()>& ready, OnFailure on_failure);
  void ask();
  [[nodiscard]] std::optional<Borrowed> wait_for_answer(OnFailure on_failure);

  SharedArray* array_;
  const Topology* topology_;
  BlockSchedule* blocks_;
  Store store_;
  std::int64_t exhausted_ = 1;  ///< so many nodes have no more blocks, from this one on, whose own come first
  std::optional<int> asked_;    ///< who has not answered yet
  std::optional<Borrowed> in_hand_;
  SentMessage sent_;                   ///< the rows that were given back last
  std::deque<Lent> lent_;              ///< in the order in which they were
  std::optional<StartedBarrier> end_;  ///< where ranks come that will ask for no more
  bool has_failed_ = false;
};

}  // namespace windrow
