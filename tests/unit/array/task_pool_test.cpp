#include "array/task_pool.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>

#include "array/shared_array.hpp"

namespace windrow {
namespace {

constexpr Schedule kSchedules[] = {Schedule::fixed, Schedule::dynamic, Schedule::guided};

/// Shares of all kinds: none, one, primes.
std::vector<std::int64_t> shares_of(int ranks, std::int64_t most) {
  std::vector<std::int64_t> tasks;
  for (int rank = 0; rank < ranks; ++rank) tasks.push_back(rank % 3 == 2 ? 0 : most / (rank + 1));
  return tasks;
}

/// All ranks of a node draw at the same time, and count what they get in the window.
TEST(TaskPool, HandsOutEveryTaskOnce) {
  for (const int pretended : {1, 2})
    for (const Schedule schedule : kSchedules)
      for (const std::int64_t most : {0, 1, 23, 1997}) {
        const Topology topology = Topology::discover(pretended);
        const int ranks = topology.node.size();
        const std::vector<std::int64_t> tasks = shares_of(ranks, most);
        const ArrayShape counts{"counts", ElementType::int64, {topology.ranks(), std::max<std::int64_t>(most, 1)}};
        NodeMemory memory(topology, {.arrays = {counts}, .tickets = 1});
        SharedArray array(memory, counts, 0);
        std::ranges::fill(array.lease_row_block().bytes(), std::byte{0});
        memory.publish();
        const RowRange rows = array.node_rows();
        auto* const found = reinterpret_cast<std::int64_t*>(array.lease(rows).bytes().data());
        TaskPool pool(tasks, topology.node_rank(), schedule, TicketCounter(memory, 0));
        std::vector<std::int64_t> last(tasks.size(), -1);
        while (const std::optional<Task> task = pool.next()) {
          EXPECT_GT(task->number, last[static_cast<std::size_t>(task->share)]) << "in order";
          last[static_cast<std::size_t>(task->share)] = task->number;
          std::atomic_ref(found[task->share * counts.extents.cols + task->number]).fetch_add(1);
        }
        memory.publish();
        for (int share = 0; share < ranks; ++share)
          for (std::int64_t number = 0; number < counts.extents.cols; ++number)
            EXPECT_EQ(found[share * counts.extents.cols + number],
                      number < tasks[static_cast<std::size_t>(share)] ? 1 : 0);
        topology.world.barrier();
      }
}

TEST(TaskPool, GuidedDrawsFewerTasksAsFewerAreLeft) {
  const Topology topology = Topology::discover(1);
  NodeMemory memory(topology, {.tickets = 1});
  if (topology.node_rank() == 0) {
    TicketCounter counter(memory, 0);
    TaskPool first({100}, 0, Schedule::guided, counter);
    EXPECT_EQ(first.next()->number, 0);
    TaskPool second({100}, 0, Schedule::guided, counter);
    EXPECT_EQ(second.next()->number, 50);
    TaskPool third({100}, 0, Schedule::guided, counter);
    EXPECT_EQ(third.next()->number, 75);
    // What is drawn is kept: no other pool gets it.
    for (const std::int64_t number : {51, 52, 53}) EXPECT_EQ(second.next()->number, number);
  }
  topology.world.barrier();
}

TEST(TaskPool, KeepsToItsOwnShareIfItIsFixed) {
  const Topology topology = Topology::discover(1);
  NodeMemory memory(topology, {.tickets = 1});
  const std::vector<std::int64_t> tasks(static_cast<std::size_t>(topology.node.size()), 13);
  TaskPool pool(tasks, topology.node_rank(), Schedule::fixed, TicketCounter(memory, 0));
  std::int64_t expected = 0;
  while (const std::optional<Task> task = pool.next()) {
    EXPECT_EQ(task->share, topology.node_rank());
    EXPECT_EQ(task->number, expected++);
  }
  EXPECT_EQ(expected, 13);
  EXPECT_FALSE(pool.next().has_value());
  topology.world.barrier();
}

}  // namespace
}  // namespace windrow
