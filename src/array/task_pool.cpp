#include "array/task_pool.hpp"

#include <algorithm>
#include <utility>

namespace windrow {

TaskPool::TaskPool(std::vector<std::int64_t> tasks, int node_rank, Schedule schedule, TicketCounter counter)
    : tasks_(std::move(tasks)), node_rank_(node_rank), schedule_(schedule), counter_(counter) {}

std::optional<Task> TaskPool::next() noexcept {
  const int shares = schedule_ == Schedule::fixed ? 1 : ranks();
  for (; exhausted_ < shares; ++exhausted_, ticket_ = 0, first_ = 0) {
    const int share = (node_rank_ + exhausted_) % ranks();
    if (next_ < end_ || draw(share)) return Task{share, next_++};
  }
  return std::nullopt;
}

bool TaskPool::draw(int share) noexcept {
  const std::int64_t tasks = tasks_[static_cast<std::size_t>(share)];
  if (schedule_ == Schedule::fixed) {
    // All at once, the first time.
    next_ = end_;
    end_ = tasks;
    return next_ < end_;
  }
  const std::int64_t ticket = counter_.draw(share);
  if (schedule_ == Schedule::dynamic) {
    next_ = ticket;
    end_ = std::min(ticket + 1, tasks);
    return next_ < end_;
  }
  // How many tasks each draw hands out follows from the number of the share's tasks alone, and so does where a draw's
  // begin: nobody has to know who has drawn before.
  for (; ticket_ < ticket && first_ < tasks; ++ticket_) first_ += drawn_at_once(tasks - first_);
  next_ = first_;
  end_ = first_ + drawn_at_once(tasks - first_);
  return next_ < end_;
}

/// Of those that are left each rank of the node gets half of an equal part, so that tasks of uneven cost can still be
/// made up for; the last ones are handed out one by one.
std::int64_t TaskPool::drawn_at_once(std::int64_t left) const noexcept {
  return std::min(left, std::max<std::int64_t>(left / (2 * std::int64_t{ranks()}), 1));
}

}  // namespace windrow
