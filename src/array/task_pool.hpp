#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "array/tickets.hpp"

namespace windrow {

/// How tasks find their ranks.
enum class Schedule {
  fixed,    ///< every rank does its own
  dynamic,  ///< the next task goes to whoever is idle, its own first
  guided,   ///< the same, several tasks at once while many are left
};

/// A task of a rank's share, by its number there.
struct Task {
  int share = 0;  ///< node rank
  std::int64_t number = 0;
};

/// The tasks of a node: each rank has a share of them, and what a rank does not come to, others do. Every task is
/// handed out once, those of a share in order. A rank begins with its own share, whose data is near; unless the
/// schedule is fixed it goes on with those that the next ranks of the node still have.
class TaskPool {
 public:
  /// `tasks` is the number of tasks of each rank of the node, the same on all. `counter` must be fresh. Local.
  TaskPool(std::vector<std::int64_t> tasks, int node_rank, Schedule schedule, TicketCounter counter);

  /// The next task for this rank; none when all are handed out. *Cost*: an atomic addition at most, and another for
  /// each share that has come to its end. *Throws*: nothing.
  [[nodiscard]] std::optional<Task> next() noexcept;

 private:
  [[nodiscard]] int ranks() const noexcept { return static_cast<int>(tasks_.size()); }
  /// Draws tasks from a share; whether there were any.
  [[nodiscard]] bool draw(int share) noexcept;
  [[nodiscard]] std::int64_t drawn_at_once(std::int64_t left) const noexcept;

  std::vector<std::int64_t> tasks_;
  int node_rank_;
  Schedule schedule_;
  TicketCounter counter_;
  int exhausted_ = 0;        ///< shares that are handed out: this rank's own first, then those of the next ranks
  std::int64_t next_ = 0;    ///< of the tasks that are drawn, the first that has not been returned
  std::int64_t end_ = 0;     ///< and the one after the last
  std::int64_t ticket_ = 0;  ///< guided: the draw of the share that hands out the tasks from first_ on
  std::int64_t first_ = 0;
};

}  // namespace windrow
