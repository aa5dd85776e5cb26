#include "job/placement.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <random>
#include <utility>

namespace windrow {
namespace {

/// A host of `domains` times `cores` times `threads`, numbered as Linux mostly does: the second threads come last.
std::vector<Processor> host_of(int domains, int cores, int threads = 1) {
  std::vector<Processor> processors;
  for (int number = 0; number < domains * cores * threads; ++number) {
    const int core = number % (domains * cores);
    processors.push_back({.number = number, .core = core, .domain = core / cores, .is_open = true});
  }
  return processors;
}

std::vector<ProcessorSet> bound_to(const std::vector<std::string>& lists) {
  std::vector<ProcessorSet> ranks;
  for (const std::string& list : lists) ranks.push_back(processor_set(list));
  return ranks;
}

std::vector<ProcessorSet> repeated(int ranks, const std::string& list) {
  return bound_to(std::vector<std::string>(static_cast<std::size_t>(ranks), list));
}

const std::vector<std::string> kNames{"node1", "node2", "node3"};

std::string warning(std::vector<HostPlacement> hosts) {
  for (std::size_t n = 0; n < hosts.size(); ++n) hosts[n].host = static_cast<std::int64_t>(n);
  return placement_warning(hosts, kNames).value_or("");
}

std::string warning(const std::vector<Processor>& processors, const std::vector<ProcessorSet>& ranks) {
  return warning({place_ranks(processors, ranks)});
}

class APlacement : public testing::Test {
 protected:
  // Advice depends on the launcher, which is another one where these tests run.
  void SetUp() override {
    for (const char* const name : {"OMPI_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS", "SLURM_JOB_ID", "PMI_SIZE"}) {
      const char* const value = std::getenv(name);
      before_.emplace_back(name, value == nullptr ? "" : value);
      unsetenv(name);
    }
  }
  void TearDown() override {
    for (const auto& [name, value] : before_) {
      unsetenv(name.c_str());
      if (!value.empty()) setenv(name.c_str(), value.c_str(), 1);
    }
  }

 private:
  std::vector<std::pair<std::string, std::string>> before_;
};

TEST_F(APlacement, IsCounted) {
  const HostPlacement host = place_ranks(host_of(2, 4, 2), bound_to({"0,8", "1,9", "0-7", "0-15"}));
  EXPECT_EQ(host.ranks, 4);
  EXPECT_EQ(host.processors, 16);
  EXPECT_EQ(host.cores, 8);
  EXPECT_EQ(host.domains, 2);
  EXPECT_EQ(host.bound, 3);
  EXPECT_EQ(host.in_one_domain, 2);
  EXPECT_EQ(host.at_once, 4);
  EXPECT_EQ(host.reachable, 8);
}

TEST_F(APlacement, WithACoreForEachRankIsNotWarnedOf) {
  for (const int ranks : {1, 2, 3, 7, 13}) {
    std::vector<std::string> lists;
    for (int rank = 0; rank < ranks; ++rank) lists.push_back(std::to_string(rank));
    EXPECT_EQ(warning(host_of(1, 13), bound_to(lists)), "") << ranks;
    EXPECT_EQ(warning(host_of(13, 1), bound_to(lists)), "") << ranks;
  }
}

TEST_F(APlacement, OnOneDomainNeedsNoBinding) {
  for (const int ranks : {1, 2, 3, 7, 197}) EXPECT_EQ(warning(host_of(1, 13), repeated(ranks, "0-12")), "") << ranks;
}

TEST_F(APlacement, OfMoreRanksThanProcessorsIsNotWarnedOf) {
  EXPECT_EQ(warning(host_of(1, 2), repeated(7, "0-1")), "");
  EXPECT_EQ(warning(host_of(2, 3), repeated(7, "0-5")), "");
  EXPECT_EQ(warning(host_of(1, 2), bound_to({"0", "1", "0", "1", "0", "1", "0"})), "");
}

TEST_F(APlacement, OfARankForEachHardwareThreadIsNotWarnedOf) {
  EXPECT_EQ(warning(host_of(1, 3, 2), bound_to({"0", "1", "2", "3", "4", "5"})), "");
  EXPECT_EQ(warning(host_of(1, 3, 2), repeated(5, "0-5")), "");
}

TEST_F(APlacement, OfRanksOnOneCoreIsWarnedOf) {
  setenv("OMPI_COMM_WORLD_SIZE", "2", 1);
  EXPECT_EQ(warning(host_of(1, 4), bound_to({"0", "0", "1"})),
            "of the 3 ranks on node1 only 2 can run at a time, although it has 4 cores: the run may use no others\n"
            "  try: start the launcher where it may use all cores, without `taskset` or what else bounds it");
  EXPECT_EQ(warning(host_of(1, 4), bound_to({"0", "0", "1", "2-3"})),
            "of the 4 ranks on node1 only 3 can run at a time, although it has 4 cores: several are bound to the same "
            "ones\n  try: mpirun --bind-to core");
  unsetenv("OMPI_COMM_WORLD_SIZE");
  setenv("SLURM_STEP_NUM_TASKS", "2", 1);
  EXPECT_NE(warning(host_of(1, 4), bound_to({"0", "0", "1", "2-3"})).find("try: srun --cpu-bind=cores"),
            std::string::npos);
}

TEST_F(APlacement, OfRanksOnTheThreadsOfOneCoreIsWarnedOf) {
  EXPECT_NE(warning(host_of(1, 4, 2), bound_to({"0", "4"})), "");
}

TEST_F(APlacement, InAJobOfTooFewCoresIsWarnedOf) {
  setenv("SLURM_JOB_ID", "7", 1);
  EXPECT_EQ(warning(host_of(2, 32), repeated(4, "5")),
            "of the 4 ranks on node1 only 1 can run at a time, although it has 64 cores: the run may use no others\n"
            "  try: a core for each rank (sbatch --ntasks-per-node=4)");
}

TEST_F(APlacement, InAContainerKnowsItsProcessorsAlone) {
  std::vector<Processor> processors = host_of(2, 32);
  for (Processor& processor : processors) processor.is_open = processor.number < 2;
  EXPECT_EQ(warning(processors, repeated(7, "0-1")), "");
  EXPECT_EQ(place_ranks(processors, repeated(7, "0-1")).cores, 2);
  // Processors that were set apart count where a rank may run on them.
  EXPECT_EQ(place_ranks(processors, bound_to({"62", "63"})).cores, 4);
  EXPECT_EQ(warning(processors, bound_to({"62", "63"})), "");
}

TEST_F(APlacement, OfUnboundRanksOnSeveralDomainsIsWarnedOf) {
  setenv("PMI_SIZE", "3", 1);
  EXPECT_EQ(warning(host_of(2, 4), bound_to({"0", "0-7", "0-7"})),
            "2 of the 3 ranks on node1 are not bound to one of its 2 NUMA domains: they can be moved away from the "
            "memory that they have filled\n  try: mpiexec -bind-to core");
  EXPECT_EQ(warning(host_of(2, 4), bound_to({"0-3", "0-3", "4-7"})), "");
  EXPECT_EQ(warning(host_of(2, 4), repeated(1, "0-7")), "");
}

TEST_F(APlacement, OfManyHostsIsWarnedOfOnce) {
  const HostPlacement well = place_ranks(host_of(2, 2), bound_to({"0", "3"}));
  const HostPlacement loose = place_ranks(host_of(2, 2), repeated(2, "0-3"));
  const HostPlacement crowded = place_ranks(host_of(2, 2), repeated(2, "3"));
  EXPECT_EQ(warning({well, well, well}), "");
  EXPECT_NE(warning({well, loose, loose}).find("2 of the 2 ranks on node2 (and alike on 1 other host) are not bound"),
            std::string::npos);
  EXPECT_NE(warning({loose, loose, crowded}).find("of the 2 ranks on node3 only 1 can run at a time"),
            std::string::npos);
}

/// The most ranks that can have places of their own, by Hall's theorem: short of all by the largest number by which any
/// set of ranks outnumbers its places.
std::int64_t most_at_once(const std::vector<ProcessorSet>& ranks) {
  std::int64_t missing = 0;
  for (unsigned subset = 0; subset < 1U << ranks.size(); ++subset) {
    ProcessorSet reached;
    std::int64_t members = 0;
    for (std::size_t rank = 0; rank < ranks.size(); ++rank) {
      if ((subset >> rank & 1U) == 0) continue;
      reached |= ranks[rank];
      ++members;
    }
    missing = std::max(missing, members - static_cast<std::int64_t>(reached.count()));
  }
  return std::ssize(ranks) - missing;
}

TEST_F(APlacement, SeatsAsManyRanksAsPossible) {
  std::mt19937 random(20);
  for (int round = 0; round < 300; ++round) {
    const int places = 1 + static_cast<int>(random() % 7);
    std::vector<ProcessorSet> ranks(1 + random() % 7);
    for (ProcessorSet& rank : ranks) do
        for (int place = 0; place < places; ++place) rank.set(static_cast<std::size_t>(place), random() % 3 == 0);
      while (rank.none());
    EXPECT_EQ(place_ranks(host_of(1, places), ranks).at_once, most_at_once(ranks)) << round;
  }
}

TEST_F(APlacement, OfAThousandRanksIsFoundSoon) {
  EXPECT_EQ(place_ranks(host_of(2, 128), repeated(256, "0-255")).at_once, 256);
  EXPECT_EQ(place_ranks(host_of(2, 128), repeated(1009, "0-255")).at_once, 256);
}

TEST_F(APlacement, CountsPagesOfRanksInOneDomain) {
  const std::vector<Processor> processors = host_of(2, 2);
  const std::vector<ProcessorSet> ranks = bound_to({"0", "3", "0-3"});
  std::vector<PageSample::Domains> pages(3);
  for (PageSample::Domains& domains : pages) domains.fill(PageSample::kUnknown);
  std::ranges::fill_n(pages[0].begin(), 23, std::int16_t{0});
  std::ranges::fill_n(pages[1].begin(), 13, std::int16_t{0});
  std::ranges::fill_n(pages[1].begin() + 13, 7, std::int16_t{1});
  std::ranges::fill_n(pages[1].begin() + 20, 5, std::int16_t{2});  // memory without processors
  std::ranges::fill_n(pages[2].begin(), 64, std::int16_t{0});
  HostPlacement host = place_ranks(processors, ranks);
  count_pages(processors, ranks, pages, host);
  EXPECT_EQ(host.pages, 43);
  EXPECT_EQ(host.pages_apart, 13);
  const std::vector<HostPlacement> hosts{host};
  EXPECT_EQ(pages_warning(hosts, kNames).value_or("").substr(0, 46), "of 43 pages looked at on node1, 13 lie in anot");
  host.pages_apart = 10;
  EXPECT_FALSE(pages_warning(std::vector<HostPlacement>{host, HostPlacement{}}, kNames));
}

TEST_F(APlacement, TellsTheCoresWhereThereAreMoreRanks) {
  std::vector<HostPlacement> hosts{place_ranks(host_of(1, 2), repeated(2, "0-1")),
                                   place_ranks(host_of(1, 2), repeated(3, "0-1")),
                                   place_ranks(host_of(1, 1), repeated(2, "0"))};
  for (std::size_t n = 0; n < hosts.size(); ++n) hosts[n].host = static_cast<std::int64_t>(n);
  EXPECT_EQ(hosts_text(hosts, kNames), "node1, node2 (2 cores), node3 (1 core)");
}

TEST(Placement, OfARunHasEveryRankOnce) {
  for (const int nodes : {1, 2}) {
    const Topology topology = Topology::discover(std::min(nodes, WorldComm::duplicate().size()));
    Placement placement(topology);
    const auto run_together = [&](const std::function<void()>& body) { together(topology.world, body); };
    placement.look_at_pages(topology, run_together, PageSample());
    if (topology.world_rank() != 0) {
      EXPECT_TRUE(placement.hosts().empty());
      continue;
    }
    ASSERT_EQ(placement.hosts().size(), topology.host_names.size());
    std::int64_t ranks = 0;
    for (const HostPlacement& host : placement.hosts()) ranks += host.ranks;
    EXPECT_EQ(ranks, topology.ranks());
  }
}

}  // namespace
}  // namespace windrow
