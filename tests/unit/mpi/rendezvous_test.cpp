#include "mpi/rendezvous.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <thread>

#include "base/extents.hpp"
#include "mpi/shared_window.hpp"

namespace windrow {
namespace {

/// A window with rendezvous words and a value a rank, on `pretended` nodes.
class Meeting {
 public:
  explicit Meeting(int pretended)
      : topology(Topology::discover(pretended)),
        window(topology.node, {.bytes = 4 * kPageBytes, .control_bytes = 4 * kPageBytes}),
        rendezvous(topology, *reinterpret_cast<RendezvousWords*>(window.data())),
        values(reinterpret_cast<std::int64_t*>(window.data() + 2 * kPageBytes)) {}

  Topology topology;
  SharedWindow window;
  Rendezvous rendezvous;
  std::int64_t* values;
};

TEST(Rendezvous, PublishMakesStoresOfAllRanksReadable) {
  for (const int pretended : {1, 2, 3}) {
    Meeting meeting(pretended);
    const int ranks = meeting.topology.node.size();
    const int rank = meeting.topology.node_rank();
    for (std::int64_t round = 1; round <= 50; ++round) {
      meeting.values[rank] = round * 100 + rank;
      meeting.rendezvous.publish();
      for (int other = 0; other < ranks; ++other) ASSERT_EQ(meeting.values[other], round * 100 + other);
      meeting.rendezvous.publish();
    }
  }
}

TEST(Rendezvous, AgreeTellsTheSameErrorToAllRanksOfAllNodes) {
  for (const int pretended : {1, 2, 3}) {
    Meeting meeting(pretended);
    meeting.rendezvous.agree();
    const int failing = meeting.topology.ranks() - 1;
    if (meeting.topology.world_rank() == failing) meeting.rendezvous.fail(ExitStatus::io, "disk on fire");
    try {
      meeting.rendezvous.agree();
      FAIL() << "agreed that nothing happened";
    } catch (const AgreedError& error) {
      EXPECT_EQ(error.status(), ExitStatus::io);
      EXPECT_STREQ(error.what(), "disk on fire");
      EXPECT_EQ(error.world_rank(), failing);
    }
  }
}

TEST(Rendezvous, OfSeveralFailuresTheOneOfTheLowestNodeIsTold) {
  Meeting meeting(3);
  meeting.rendezvous.fail(ExitStatus::resources, "node " + std::to_string(meeting.topology.node_number));
  try {
    meeting.rendezvous.agree();
    FAIL() << "agreed that nothing happened";
  } catch (const AgreedError& error) {
    EXPECT_STREQ(error.what(), "node 0");
  }
}

TEST(Rendezvous, AFailureEndsTheWaitOfThePeersInPublish) {
  Meeting meeting(1);
  if (meeting.topology.ranks() == 1) GTEST_SKIP() << "nobody waits for a single rank";
  if (meeting.topology.world_rank() == 0)
    meeting.rendezvous.fail(ExitStatus::internal, "rank 0 does not come");
  else
    EXPECT_THROW(meeting.rendezvous.publish(), PeerFailure);
  EXPECT_THROW(meeting.rendezvous.agree(), AgreedError);
}

TEST(Rendezvous, LongMessagesOfFailuresAreCut) {
  Meeting meeting(1);
  if (meeting.topology.world_rank() == 0) meeting.rendezvous.fail(ExitStatus::io, std::string(10'000, 'x'));
  try {
    meeting.rendezvous.agree();
    FAIL() << "agreed that nothing happened";
  } catch (const AgreedError& error) {
    EXPECT_EQ(std::string(error.what()), std::string(FailureRecord::kMessageBytes, 'x'));
  }
}

TEST(Waiter, ALongWaitSleeps) {
  Meeting meeting(1);
  if (meeting.topology.ranks() == 1) GTEST_SKIP() << "nobody waits for a single rank";
  meeting.rendezvous.publish();
  if (meeting.topology.world_rank() == 0) std::this_thread::sleep_for(std::chrono::milliseconds(500));
  const auto sleeps = [] {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_nvcsw;
  };
  const long before = sleeps();
  meeting.rendezvous.publish();
  // A rank that spins gives its processor up to nobody of its own will; this one naps some ten times.
  if (meeting.topology.world_rank() != 0) {
    EXPECT_GE(sleeps() - before, 3);
  }
}

}  // namespace
}  // namespace windrow
