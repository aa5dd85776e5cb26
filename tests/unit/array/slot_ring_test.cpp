#include "array/slot_ring.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <numeric>
#include <vector>

#include "array/tickets.hpp"

namespace windrow::test {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kNumbers = 197;  // of a slot
constexpr RingShape kShape{.slots = 3, .slot_bytes = kNumbers * 8};

Deadline soon() {
  return std::chrono::steady_clock::now() + 20ms;
}

void fill(const BorrowedSlot& slot, std::int64_t item) {
  for (std::int64_t n = 0; n < kNumbers; ++n) {
    const std::int64_t number = item * 1'000 + n;
    std::memcpy(slot.bytes().data() + n * 8, &number, 8);
  }
}

bool holds(const TakenItem& taken, std::int64_t item) {
  for (std::int64_t n = 0; n < kNumbers; ++n) {
    std::int64_t number = 0;
    std::memcpy(&number, taken.bytes().data() + n * 8, 8);
    if (number != item * 1'000 + n) return false;
  }
  return true;
}

/// A ring whose first ranks produce and whose last ones consume: at least one each, on a single rank the same.
struct Ring {
  explicit Ring(SlotRing::Order order, int wanted_producers)
      : ranks(topology.ranks()),
        producers(ranks == 1 ? 1 : std::min(wanted_producers, ranks - 1)),
        consumers(ranks == 1 ? 1 : ranks - producers),
        ring(memory, kShape, 0, {.producers = producers, .consumers = consumers, .order = order}) {}

  [[nodiscard]] bool produces() const { return topology.world_rank() < producers; }
  [[nodiscard]] bool consumes() const { return ranks == 1 || !produces(); }

  Topology topology = Topology::discover(1);
  NodeMemory memory{topology, {.arrays = {{"array", ElementType::float64, {10, 10}}}, .tickets = 1, .rings = {kShape}}};
  int ranks;
  int producers;
  int consumers;
  SlotRing ring;
};

TEST(SlotRing, EveryItemArrivesOnceWithItsBytes) {
  for (const SlotRing::Order order : {SlotRing::Order::as_published, SlotRing::Order::by_tag})
    for (const int wanted_producers : {1, 2, 5}) {
      Ring all(order, wanted_producers);
      SlotRing& ring = all.ring;
      TicketCounter counter(all.memory, 0);
      constexpr std::int64_t items = 500;
      std::int64_t sum = 0;
      std::int64_t last = -1;
      const auto take = [&] {
        const std::optional<TakenItem> item = ring.take();
        if (!item) return false;
        sum += item->tag();
        EXPECT_TRUE(order == SlotRing::Order::as_published || item->tag() > last);
        last = item->tag();
        EXPECT_EQ(item->has_slot(), item->tag() % 7 != 3);
        EXPECT_TRUE(!item->has_slot() || holds(*item, item->tag()));
        EXPECT_EQ(static_cast<std::int64_t>(item->small_bytes()[0]), item->tag() % 100);
        return true;
      };
      if (all.produces()) {
        while (true) {
          std::optional<BorrowedSlot> slot = ring.borrow();
          const std::int64_t item = counter.draw();
          if (item >= items) break;
          const std::array small{static_cast<std::byte>(item % 100)};
          if (item % 7 == 3) {
            ring.publish_small(item, small);
            slot.reset();
          } else {
            fill(*slot, item);
            ring.publish(*std::move(slot), item, small);
          }
          if (all.consumes()) take();
        }
        ring.close();
      }
      if (all.consumes()) {
        while (take()) {
        }
        EXPECT_TRUE(ring.is_over());
        EXPECT_FALSE(ring.take());
      }
      EXPECT_TRUE(ring.wait_until_returned());
      EXPECT_EQ(all.topology.world.sum(sum), items * (items - 1) / 2);
      EXPECT_EQ(all.topology.world.sum(ring.statistics().taken), items);
      EXPECT_EQ(all.topology.world.sum(ring.statistics().published), items);
      all.topology.world.barrier();
    }
}

TEST(SlotRing, AnOrderedStreamComesInTheOrderOfItsTags) {
  Ring all(SlotRing::Order::by_tag, 100);  // a single consumer
  TicketCounter counter(all.memory, 0);
  std::vector<std::int64_t> tags;
  constexpr std::int64_t items = 300;
  const auto take = [&] {
    const std::optional<TakenItem> item = all.ring.take();
    if (item) tags.push_back(item->tag());
    return item.has_value();
  };
  if (all.produces()) {
    while (true) {
      std::optional<BorrowedSlot> slot = all.ring.borrow();
      const std::int64_t item = counter.draw();
      if (item >= items) break;
      all.ring.publish(*std::move(slot), item);
      if (all.consumes()) take();
    }
    all.ring.close();
  }
  if (all.consumes()) {
    while (take()) {
    }
    std::vector<std::int64_t> expected(items);
    std::iota(expected.begin(), expected.end(), 0);
    EXPECT_EQ(tags, expected);
  }
  EXPECT_TRUE(all.ring.wait_until_returned());
  all.topology.world.barrier();
}

TEST(SlotRing, WaitsEndWithTime) {
  Ring all(SlotRing::Order::as_published, 1);
  if (all.consumes()) {
    EXPECT_FALSE(all.ring.take(soon()));
    EXPECT_FALSE(all.ring.is_over());
    EXPECT_EQ(all.ring.statistics().for_items.count, 1);
    EXPECT_GE(all.ring.statistics().for_items.seconds, 0.015);
  }
  all.topology.world.barrier();
  if (all.produces()) {
    std::vector<BorrowedSlot> slots;
    for (std::int64_t n = 0; n < kShape.slots; ++n) slots.push_back(all.ring.borrow().value());
    EXPECT_FALSE(all.ring.borrow(soon()));
    EXPECT_FALSE(all.ring.wait_until_returned(soon()));
    slots.pop_back();
    EXPECT_TRUE(all.ring.borrow(soon())) << "what is given up goes back";
  }
  all.topology.world.barrier();
  EXPECT_TRUE(all.ring.wait_until_returned());
  all.topology.world.barrier();
}

TEST(SlotRing, AFailureEndsAllWaits) {
  Ring all(SlotRing::Order::as_published, 1);
  all.topology.world.barrier();  // a rank that is slow to leave the constructor would see the failure there
  EXPECT_THROW(all.memory.together([&] {
    if (all.topology.world_rank() == all.ranks - 1) throw Error(ExitStatus::io, "seeded");
    if (all.topology.world_rank() % 2 == 1) {
      (void)all.ring.take();
    } else {
      std::vector<BorrowedSlot> slots;
      while (true) slots.push_back(all.ring.borrow().value());
    }
  }),
               AgreedError);
}

TEST(WindowLayout, SlotsHavePagesOfTheirOwnBeforeTheArrays) {
  const Machine machine{{2, 1}, {0, 0}};
  const WindowLayout layout =
      WindowLayout::make(machine, 0,
                         {.arrays = {{"array", ElementType::float64, {10, 10}}},
                          .rings = {{.slots = 3, .slot_bytes = 5000}, {.slots = 2, .slot_bytes = kExtentBytes + 1}}});
  EXPECT_EQ(layout.rings[0].offset, layout.staging.end);
  EXPECT_EQ(layout.rings[0].stride, 2 * kPageBytes);
  EXPECT_EQ(layout.rings[1].offset, kExtentBytes);
  EXPECT_EQ(layout.rings[1].stride, 2 * kExtentBytes);
  EXPECT_EQ(layout.arrays_begin, 5 * kExtentBytes);
  EXPECT_EQ(layout.arrays[0].offset, layout.arrays_begin);
}

TEST(WindowLayout, RingsHaveSlotsThatCanBeNumbered) {
  const auto layout_of = [](std::int64_t slots) {
    return WindowLayout::make({{1}, {0}}, 0, {.rings = {{.slots = slots, .slot_bytes = 8}}});
  };
  EXPECT_EQ(layout_of(1).rings.size(), 1U);
  EXPECT_THROW((void)layout_of(0), Error);
  EXPECT_THROW((void)layout_of(std::int64_t{1} << 31), Error);
}

}  // namespace
}  // namespace windrow::test
