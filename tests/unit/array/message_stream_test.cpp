#include "array/message_stream.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <numeric>
#include <vector>

#include "array/node_memory.hpp"

namespace windrow::test {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kNumbers = 197;  // of a slot

std::vector<int> numbers(int begin, int end) {
  std::vector<int> all(static_cast<std::size_t>(end - begin));
  std::iota(all.begin(), all.end(), begin);
  return all;
}

/// A stream from the first ranks of the world to the others, on one node or on several.
struct Ranks {
  explicit Ranks(int nodes, int wanted_producers)
      : topology(Topology::discover(nodes)),
        producers(std::min(wanted_producers, topology.ranks() - 1)),
        stream(topology.world, memory.rendezvous().waiter(),
               {.producers = numbers(0, producers),
                .consumers = numbers(producers, topology.ranks()),
                .slot_bytes = kNumbers * 8}) {}

  [[nodiscard]] bool produces() const { return topology.world_rank() < producers; }

  Topology topology;
  NodeMemory memory{topology, {.arrays = {{"array", ElementType::float64, {10, 10}}}}};
  int producers;
  MessageStream stream;
};

TEST(MessageStream, EveryItemArrivesOnceWithItsBytes) {
  if (Topology::discover(1).ranks() == 1) GTEST_SKIP() << "a rank does not send to itself";
  for (const int nodes : {1, 2})
    for (const int wanted_producers : {1, 2, 5}) {
      Ranks all(nodes, wanted_producers);
      constexpr std::int64_t items = 200;
      std::int64_t sum = 0;
      if (all.produces()) {
        for (std::int64_t item = all.topology.world_rank(); item < items; item += all.producers) {
          const std::array small{static_cast<std::byte>(item % 100)};
          if (item % 7 == 3) {
            EXPECT_TRUE(all.stream.publish_small(item, small));
            continue;
          }
          std::optional<BorrowedSlot> slot = all.stream.borrow();
          ASSERT_TRUE(slot);
          EXPECT_FALSE(all.stream.borrow()) << "a producer has one slot";
          for (std::int64_t n = 0; n < kNumbers; ++n) {
            const std::int64_t number = item * 1'000 + n;
            std::memcpy(slot->bytes().data() + n * 8, &number, 8);
          }
          EXPECT_TRUE(all.stream.publish(*std::move(slot), item, small));
        }
        EXPECT_TRUE(all.stream.close());
      } else {
        while (const std::optional<TakenItem> item = all.stream.take()) {
          sum += item->tag();
          EXPECT_EQ(item->has_slot(), item->tag() % 7 != 3);
          EXPECT_EQ(static_cast<std::int64_t>(item->small_bytes()[0]), item->tag() % 100);
          for (std::int64_t n = 0; item->has_slot() && n < kNumbers; ++n) {
            std::int64_t number = 0;
            std::memcpy(&number, item->bytes().data() + n * 8, 8);
            ASSERT_EQ(number, item->tag() * 1'000 + n);
          }
        }
        EXPECT_TRUE(all.stream.is_over());
        EXPECT_FALSE(all.stream.take());
      }
      EXPECT_EQ(all.topology.world.sum(sum), items * (items - 1) / 2);
      EXPECT_EQ(all.topology.world.sum(all.stream.statistics().taken), items);
      EXPECT_EQ(all.topology.world.sum(all.stream.statistics().published), items);
      all.topology.world.barrier();
    }
}

TEST(MessageStream, WaitsEndWithTime) {
  if (Topology::discover(1).ranks() == 1) GTEST_SKIP() << "a rank does not send to itself";
  Ranks all(1, 1);
  const Deadline soon = std::chrono::steady_clock::now() + 20ms;
  if (all.produces()) {
    EXPECT_FALSE(all.stream.publish(*all.stream.borrow(), 0, {}, soon)) << "nobody has asked";
  }
  all.topology.world.barrier();
  if (!all.produces()) {
    EXPECT_FALSE(all.stream.take(std::chrono::steady_clock::now() + 20ms));
    EXPECT_FALSE(all.stream.is_over());
  }
  all.topology.world.barrier();
  // The question that was asked meanwhile is still there.
  if (all.produces()) {
    EXPECT_TRUE(all.stream.close());
  } else {
    EXPECT_FALSE(all.stream.take());
    EXPECT_TRUE(all.stream.is_over());
  }
  all.topology.world.barrier();
}

}  // namespace
}  // namespace windrow::test
