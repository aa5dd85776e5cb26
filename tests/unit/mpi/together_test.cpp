#include "mpi/together.hpp"

#include <gtest/gtest.h>

#include "mpi/topology.hpp"

namespace windrow {
namespace {

TEST(Together, WhatOneRankThrowsAllThrow) {
  const WorldComm world = WorldComm::duplicate();
  const int failing = world.size() - 1;
  try {
    together(world, [&] {
      if (world.rank() == failing) throw Error(ExitStatus::io, "rank {}", failing);
    });
    FAIL() << "agreed that nothing happened";
  } catch (const AgreedError& error) {
    EXPECT_EQ(error.status(), ExitStatus::io);
    EXPECT_EQ(error.what(), fmt::format("rank {}", failing));
  }
}

TEST(Together, AnErrorBetweenTwoStepsOfAStepGoesToTheNext) {
  const WorldComm world = WorldComm::duplicate();
  int begun = 0;
  EXPECT_THROW(together(world,
                        [&] {
                          together(world, [&] { ++begun; });
                          if (world.rank() == world.size() / 2) throw std::bad_alloc();
                          together(world, [&] { ++begun; });
                          begun += 100;
                        }),
               AgreedError);
  EXPECT_EQ(begun, world.rank() == world.size() / 2 ? 1 : 2);
  // All have left by the same agreement: what follows is agreed upon anew.
  together(world, [] {});
}

TEST(Together, OneNodeFailsAsAWhole) {
  const Topology topology = Topology::discover(2);
  const int failing = topology.nodes() - 1;
  const auto step = [&] {
    together(topology.node, [&] {
      if (topology.node_number == failing && topology.is_leader()) throw Error(ExitStatus::resources, "no memory");
    });
  };
  // Once by each node for itself, then as the step of all.
  if (topology.node_number == failing)
    EXPECT_THROW(step(), Error);
  else
    step();
  EXPECT_THROW(together(topology.world, step), AgreedError);
}

TEST(Together, BroadcastsAndGathers) {
  const WorldComm world = WorldComm::duplicate();
  const Together run_together = [&](const std::function<void()>& body) { together(world, body); };
  EXPECT_EQ(broadcast(world, run_together, world.rank() == 0 ? std::string("deck\0bytes", 10) : ""),
            std::string("deck\0bytes", 10));
  const std::vector<std::byte> part(static_cast<std::size_t>(world.rank()), static_cast<std::byte>(world.rank()));
  const std::vector<std::byte> all = gather(world, run_together, part);
  std::vector<std::byte> expected;
  for (int rank = 0; world.rank() == 0 && rank < world.size(); ++rank)
    expected.insert(expected.end(), static_cast<std::size_t>(rank), static_cast<std::byte>(rank));
  EXPECT_EQ(all, expected);
}

}  // namespace
}  // namespace windrow
