#include "job/shortage.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <regex>

#include "base/units.hpp"
#include "mpi/shared_window.hpp"
#include "small_job.hpp"

namespace windrow {
namespace {

const std::string kHundredMegabytes = "[array]\nrows = 1250000\ncols = 10\nvalue = 'i'\n";

/// A deck and its plan on some machine.
struct Case {
  LoadedDeck deck;
  Plan plan;

  explicit Case(Machine machine, const std::string& keys = kHundredMegabytes, std::vector<std::string> overrides = {})
      : deck(small_deck(keys, std::move(overrides))), plan(Plan::make(deck, std::move(machine))) {}

  [[nodiscard]] std::optional<std::string> shortage(const HostResources& resources) const {
    return find_memory_shortage(deck, plan, 0, "n17", resources);
  }
};

HostResources offering(std::int64_t shared_memory, std::int64_t memory) {
  return {.shared_memory_free = shared_memory,
          .shared_memory_folder = "/a/shm",
          .memory_free = memory,
          .memory_limit = "the memory of this host",
          .host_memory_free = memory};
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

int nodes_advised(const std::string& text) {
  std::smatch found;
  return std::regex_search(text, found, std::regex("--nodes=([0-9]+)")) ? std::stoi(found[1]) : 0;
}

TEST(Shortage, WhatFitsToTheByteIsNone) {
  const Case run(equal_nodes(2, 1));
  const MemoryNeed need = run.plan.need_of(0);
  EXPECT_FALSE(run.shortage(offering(need.shared_memory, need.memory)));
  EXPECT_TRUE(holds(run.shortage(offering(need.shared_memory - 1, need.memory)).value(), "of shared memory on"));
  EXPECT_TRUE(holds(run.shortage(offering(need.shared_memory, need.memory - 1)).value(), "of memory on"));
}

TEST(Shortage, TellsNeedFreeAndPlace) {
  const Case run(equal_nodes(2, 1));
  const std::string shared = run.shortage(offering(30'000'000, kUnlimited)).value();
  for (const std::string& part :
       {format_bytes(run.plan.need_of(0).shared_memory), std::string("n17"), std::string("/a/shm has 30.0 MB free")})
    EXPECT_TRUE(holds(shared, part)) << part << " in " << shared;
  const std::string memory = run.shortage(offering(kUnlimited, 160'000'000)).value();
  for (const std::string& part :
       {format_bytes(run.plan.need_of(0).memory), std::string("the memory of this host has 160.0 MB available")})
    EXPECT_TRUE(holds(memory, part)) << part << " in " << memory;
}

// The remedies are followed: what is advised fits, and one node less would not.

TEST(Shortage, TheNodesThatAreAdvisedAreJustEnough) {
  int followed = 0;
  for (const int ranks : {2, 7})
    for (const std::int64_t shared : {9, 20, 33, 49, 70, 99})
      for (const std::int64_t memory : {std::int64_t{180 + 64 * ranks}, kUnlimited / kMiB}) {
        const HostResources offer = offering(shared * kMiB, memory * kMiB);
        const Case run(equal_nodes(ranks, 1), kHundredMegabytes);
        const int nodes = nodes_advised(run.shortage(offer).value());
        ASSERT_GT(nodes, 1) << run.shortage(offer).value();
        EXPECT_FALSE(Case(equal_nodes(ranks * nodes, nodes)).shortage(offer)) << nodes;
        if (nodes > 2) {
          EXPECT_TRUE(Case(equal_nodes(ranks * (nodes - 1), nodes - 1)).shortage(offer)) << nodes;
        }
        ++followed;
      }
  for (const std::int64_t memory : {150, 170, 190, 220}) {
    const HostResources offer = offering(kUnlimited, memory * kMiB);
    const int nodes = nodes_advised(Case(equal_nodes(2, 1)).shortage(offer).value());
    ASSERT_GT(nodes, 1);
    EXPECT_FALSE(Case(equal_nodes(2 * nodes, nodes)).shortage(offer));
    EXPECT_TRUE(nodes == 2 || Case(equal_nodes(2 * (nodes - 1), nodes - 1)).shortage(offer));
    ++followed;
  }
  EXPECT_EQ(followed, 28);
}

TEST(Shortage, NodesAreNotAdvisedWhereNoNumberHelps) {
  // The processes alone need more than there is.
  const std::string message = Case(equal_nodes(2, 1)).shortage(offering(kUnlimited, 100'000'000)).value();
  EXPECT_EQ(nodes_advised(message), 0) << message;
  EXPECT_FALSE(holds(message, "float32")) << message;
  // A row a rank: more ranks make more rows.
  const std::string rows = "[array]\nrows = 'ranks'\ncols = 10000000\nvalue = 'i'\n";
  EXPECT_EQ(nodes_advised(Case(equal_nodes(2, 1), rows).shortage(offering(90'000'000, kUnlimited)).value()), 0);
}

TEST(Shortage, ASmallerTypeIsAdvisedAloneWhereItIsEnough) {
  const HostResources enough = offering(60'000'000, kUnlimited);
  const std::string message = Case(equal_nodes(2, 1)).shortage(enough).value();
  EXPECT_TRUE(holds(message, "try: array.type=float32, which fits, if 7 digits are enough\n")) << message;
  EXPECT_FALSE(Case(equal_nodes(2, 1), kHundredMegabytes, {"array.type=float32"}).shortage(enough));

  const HostResources less = offering(34'000'000, kUnlimited);
  const std::string together = Case(equal_nodes(2, 1)).shortage(less).value();
  EXPECT_TRUE(holds(together, "array.type=float32 on 2 such nodes, if 7 digits are enough; on one it would need"))
      << together;
  EXPECT_FALSE(Case(equal_nodes(4, 2), kHundredMegabytes, {"array.type=float32"}).shortage(less));

  const std::string whole = Case(equal_nodes(2, 1), kHundredMegabytes + "type = 'int64'\n").shortage(enough).value();
  EXPECT_TRUE(holds(whole, "array.type=int32, which fits, if the whole numbers fit into 32 bits")) << whole;
  const std::string small = Case(equal_nodes(2, 1), kHundredMegabytes + "type = 'int32'\n").shortage(less).value();
  EXPECT_FALSE(holds(small, "array.type")) << small;
}

TEST(Shortage, FewerRanksAreAdvisedWhereTheirProcessesAreWhatIsTooMuch) {
  const HostResources offer = offering(kUnlimited, 100'000'000 + 5 * kRankBytes + 4 * kMiB);
  const std::string message = Case(equal_nodes(7, 1)).shortage(offer).value();
  EXPECT_TRUE(holds(message, "try: 5 ranks instead of 7")) << message;
  EXPECT_FALSE(Case(equal_nodes(5, 1)).shortage(offer));
  const std::string alone = Case(equal_nodes(2, 1)).shortage(offering(1'000'000, kUnlimited)).value();
  EXPECT_TRUE(holds(alone, "try: 1 rank, whose window is no shared memory")) << alone;
  EXPECT_FALSE(Case(equal_nodes(1, 1)).shortage(offering(1'000'000, kUnlimited)));
}

TEST(Shortage, AnotherFolderIsAdvisedByItsNameIfItHasTheRoom) {
  const Case run(equal_nodes(2, 1));
  HostResources offer = offering(8'000'000, kUnlimited);
  EXPECT_FALSE(holds(run.shortage(offer).value(), "--shm-dir"));
  offer.other_tmpfs = "/run/user/1000";
  offer.other_tmpfs_free = run.plan.need_of(0).shared_memory - 1;
  EXPECT_FALSE(holds(run.shortage(offer).value(), "--shm-dir"));
  offer.other_tmpfs_free += 1;
  EXPECT_TRUE(holds(run.shortage(offer).value(), "try: --shm-dir /run/user/1000, which has 11"));
  // Where the memory is short as well, another folder for it does not help.
  offer.memory_free = run.plan.need_of(0).memory - 1;
  EXPECT_FALSE(holds(run.shortage(offer).value(), "--shm-dir"));
}

TEST(Shortage, ALargerTmpfsIsAdvisedInTheWordsOfThePlace) {
  const Case run(equal_nodes(2, 1));
  HostResources offer = offering(8 * kMiB, kUnlimited);
  EXPECT_FALSE(holds(run.shortage(offer).value(), "remount"));
  offer.shared_memory_mount = "/dev/shm";
  offer.shared_memory_total = 64 * kMiB;
  const std::int64_t size = (56 * kMiB + run.plan.need_of(0).shared_memory + kMiB - 1) / kMiB;
  const std::string host = run.shortage(offer).value();
  EXPECT_TRUE(holds(host, fmt::format("as root, mount -o remount,size={}m /dev/shm", size))) << host;
  EXPECT_FALSE(holds(host, "docker"));
  offer.is_container = true;
  const std::string container = run.shortage(offer).value();
  EXPECT_TRUE(holds(container, fmt::format("docker run --shm-size={}m", size))) << container;
  EXPECT_FALSE(holds(container, "remount"));
}

TEST(Shortage, ALargerLimitIsAdvisedInTheWordsOfWhoSetIt) {
  const Case run(equal_nodes(2, 1));
  HostResources offer = offering(kUnlimited, 160 * kMiB);
  EXPECT_FALSE(holds(run.shortage(offer).value(), "limit of"));
  offer.host_memory_free = kUnlimited;
  offer.control_group_used = 40 * kMiB;
  // Of what is used, an eighth and 4 MiB more: the next run may find somewhat more in use.
  const std::int64_t size = 40 + 5 + 4 + (run.plan.need_of(0).memory + kMiB - 1) / kMiB;
  offer.control_group = "/sys/fs/cgroup/system.slice/slurmstepd.scope/job_7/step_0";
  EXPECT_TRUE(holds(run.shortage(offer).value(), fmt::format("try: sbatch --mem={}M", size)));
  offer.control_group = "/sys/fs/cgroup/users/me";
  EXPECT_TRUE(holds(run.shortage(offer).value(), fmt::format("try: a limit of {} MiB for this group", size)));
  offer.is_container = true;
  EXPECT_TRUE(holds(run.shortage(offer).value(), fmt::format("try: docker run --memory={}m", size)));
  offer.host_memory_free = 160 * kMiB;
  EXPECT_FALSE(holds(run.shortage(offer).value(), "--memory"));
}

TEST(Shortage, AnOutputInMemoryCounts) {
  const std::string keys = kHundredMegabytes + "[output]\nfile = 'a/b.h5'\n";
  const Case run(equal_nodes(2, 1), keys);
  const MemoryNeed need = run.plan.need_of(0);
  const std::int64_t file = run.plan.file_bytes;
  EXPECT_GT(file, 100'000'000);
  HostResources offer = offering(need.shared_memory, need.memory + file - 1);
  EXPECT_FALSE(run.shortage(offer)) << "on a disk";
  offer.output_place = OutputPlace::memory;
  const std::string memory = run.shortage(offer).value();
  for (const std::string& part :
       {format_bytes(need.memory + file) + " of memory on n17, " + format_bytes(file) + " of it for the output a/b.h5",
        std::string("try: a folder on a disk, --output DIR/b.h5")})
    EXPECT_TRUE(holds(memory, part)) << part << " in " << memory;
  offer.memory_free += 1;
  EXPECT_FALSE(run.shortage(offer));

  offer.output_place = OutputPlace::shared_memory;
  offer.shared_memory_free = need.shared_memory + file - 1;
  const std::string shared = run.shortage(offer).value();
  EXPECT_TRUE(holds(shared, format_bytes(need.shared_memory + file) + " of shared memory on n17, ")) << shared;
  offer.shared_memory_free += 1;
  EXPECT_FALSE(run.shortage(offer));
  EXPECT_FALSE(Case(equal_nodes(2, 1), kHundredMegabytes).shortage(offering(need.shared_memory, need.memory)));
}

TEST(Shortage, WhatIsAdvisedForAnOutputInMemoryIsTriedWithIt) {
  const std::string keys = kHundredMegabytes + "[output]\nfile = 'a/b.h5'\n";
  const Case run(equal_nodes(2, 1), keys);
  const MemoryNeed need = run.plan.need_of(0);
  HostResources offer = offering(need.shared_memory + 10'000'000, kUnlimited);
  offer.output_place = OutputPlace::shared_memory;
  // The windows alone fit, so do both where they are half as large; the file remains on the first of several nodes.
  const std::string message = run.shortage(offer).value();
  EXPECT_TRUE(holds(message, "try: a folder on a disk")) << message;
  EXPECT_TRUE(holds(message, "array.type=float32, which fits")) << message;
  EXPECT_FALSE(Case(equal_nodes(2, 1), keys, {"array.type=float32"}).shortage(offer));
  const int nodes = nodes_advised(message);
  ASSERT_GT(nodes, 2);
  EXPECT_FALSE(Case(equal_nodes(2 * nodes, nodes), keys).shortage(offer));
  EXPECT_TRUE(Case(equal_nodes(2 * (nodes - 1), nodes - 1), keys).shortage(offer));
  // Windows elsewhere leave the file where it is.
  offer.other_tmpfs = "/other";
  offer.other_tmpfs_free = need.shared_memory;
  EXPECT_TRUE(holds(run.shortage(offer).value(), "--shm-dir /other"));
  offer.shared_memory_free = run.plan.file_bytes - 1;
  EXPECT_FALSE(holds(run.shortage(offer).value(), "--shm-dir"));
  EXPECT_FALSE(holds(run.shortage(offer).value(), "a folder on a disk")) << "the windows do not fit either";
  // Windows that would come to an output's tmpfs.
  offer.shared_memory_free = 0;
  offer.output_place = OutputPlace::memory;
  EXPECT_FALSE(holds(run.shortage(offer).value(), "--shm-dir"));
  offer.other_tmpfs_free += run.plan.file_bytes;
  EXPECT_TRUE(holds(run.shortage(offer).value(), "--shm-dir /other"));
}

TEST(Shortage, WindowsOnADiskAreToldOf) {
  const Case run(equal_nodes(2, 1));
  HostResources offer = offering(kUnlimited, kUnlimited);
  EXPECT_FALSE(find_windows_on_disk(run.plan, 0, offer));
  offer.shared_memory_disk = "ext4";
  const std::string message = find_windows_on_disk(run.plan, 0, offer).value();
  for (const std::string& part : {format_bytes(run.plan.need_of(0).shared_memory), std::string("/a/shm"),
                                  std::string("ext4"), std::string("try: --shm-dir DIR, a tmpfs")})
    EXPECT_TRUE(holds(message, part)) << part << " in " << message;
  offer.other_tmpfs = "/dev/shm";
  offer.other_tmpfs_free = run.plan.need_of(0).shared_memory;
  EXPECT_TRUE(holds(find_windows_on_disk(run.plan, 0, offer).value(), "try: --shm-dir /dev/shm"));
  EXPECT_FALSE(find_windows_on_disk(Case(equal_nodes(1, 1)).plan, 0, offer)) << "a single rank has memory of its own";
}

TEST(Shortage, LimitsOfTheProcessesAreMetBeforehand) {
  const std::string path = (std::filesystem::temp_directory_path() / "windrow-shortage-test.h5").string();
  const Case run(equal_nodes(2, 1), kHundredMegabytes + "[output]\nfile = '" + path + "'\n");
  const auto shortage = [&](bool is_leader, ProcessLimits limits) {
    return find_limit_shortage(run.plan, 0, is_leader, limits).value_or("none");
  };
  const std::int64_t window = SharedWindow::requested_bytes(run.plan.windows[0].bytes);
  EXPECT_EQ(shortage(true, {}), "none");
  EXPECT_EQ(shortage(true, {.file_bytes = std::max(window, run.plan.file_bytes), .address_bytes = window}), "none");
  EXPECT_TRUE(holds(shortage(false, {.address_bytes = window - 1}), "`ulimit -v` leaves"));
  EXPECT_TRUE(holds(shortage(true, {.file_bytes = window - 1}), "the file behind the shared window"));
  EXPECT_EQ(shortage(false, {.file_bytes = run.plan.file_bytes}), "none") << "only leaders make windows";
  EXPECT_TRUE(holds(shortage(false, {.file_bytes = run.plan.file_bytes - 1}), path)) << "all ranks write";
  const Case alone(equal_nodes(1, 1), kHundredMegabytes + "[output]\nfile = '" + path + "'\n");
  EXPECT_TRUE(holds(find_limit_shortage(alone.plan, 0, true, {.file_bytes = 1}).value(), path));
  EXPECT_TRUE(holds(find_limit_shortage(alone.plan, 0, true, {.data_bytes = 1}).value(), "`ulimit -d`"));
}

TEST(Shortage, AFileThatNoDiskHolds) {
  const std::string path = (std::filesystem::temp_directory_path() / "windrow-shortage-test.h5").string();
  const Case run(equal_nodes(2, 1), "[array]\nrows = 1e17\nvalue = 0\n[output]\nfile = '" + path + "'\n");
  EXPECT_GT(run.plan.file_bytes, 800'000'000'000'000'000);
  const std::string message = find_disk_shortage(run.deck, run.plan).value();
  EXPECT_TRUE(holds(message, path)) << message;
  EXPECT_TRUE(holds(message, "array.type=float32 in another folder, which needs 400.")) << message;
  EXPECT_TRUE(message.ends_with("PB, if 7 digits are enough")) << message;
  EXPECT_FALSE(find_disk_shortage(small_deck(kHundredMegabytes), Case(equal_nodes(2, 1)).plan)) << "writes nothing";
}

}  // namespace
}  // namespace windrow
