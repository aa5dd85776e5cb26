#include "io/group_writer.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <functional>
#include <memory>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "io/moved_rows.hpp"
#include "unit/io/support.hpp"

namespace windrow::io::test {
namespace {

/// Different in every element.
double value_at(std::int64_t element) {
  return 1.0 / (static_cast<double>(element) + 7.0);
}

void fill(const Piece& piece) {
  std::byte* destination = piece.destination;
  for (std::int64_t element = piece.elements.begin; element < piece.elements.end; ++element) {
    const double value = value_at(element);
    std::memcpy(destination, &value, sizeof value);
    destination += sizeof value;
  }
}

/// All of the array, computed anew.
std::vector<std::byte> expected_bytes(const Extents& extents) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(extents.bytes(ElementType::float64)));
  fill({.elements = {0, extents.elements()}, .destination = bytes.data()});
  return bytes;
}

constexpr std::int64_t kOffset = 4096 + 24;
constexpr char kUnwritten = '\x55';

/// An array whose ranks write it to one file.
class Output {
 public:
  Output(int pretended_nodes, const Extents& extents, bool durable = false)
      : topology(Topology::discover(pretended_nodes)),
        shape{"a", ElementType::float64, extents},
        memory(topology, {.arrays = {{"other", ElementType::int32, {1'000'003, 1}}, shape}, .tickets = 1}),
        array(memory, shape, 1),
        scratch(topology.world_rank() == 0 ? std::make_unique<Scratch>() : nullptr),
        path(make_file()),
        file(path),
        writer(array, file, kOffset, durable),
        shares(machine_of(topology), shape, kEveryNode),
        moved(memory, shares, file, kOffset, durable) {}
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  ~Output() { topology.world.barrier(); }

  /// Writes what `filled` has left, and returns how many bytes all ranks have told of.
  std::int64_t write_rest() {
    memory.together([] {});
    std::int64_t bytes = 0;
    memory.together([&] { writer.write_rest([&](std::int64_t more) { bytes += more; }); });
    return topology.world.sum(bytes);
  }

  /// Writes what is left to the leaders, and returns how many bytes these have told of.
  std::int64_t move_rows() {
    memory.together([] {});
    std::int64_t bytes = 0;
    const std::int64_t first = array.node_rows().begin * array.row_bytes();
    moved.write(
        [&](ByteRange some) {
          return array.read(array.node_rows())
              .subspan(static_cast<std::size_t>(some.begin - first), static_cast<std::size_t>(some.bytes()));
        },
        [&](std::int64_t more) { bytes += more; });
    return topology.world.sum(bytes);
  }

  /// Of the groups that are whole on a node.
  [[nodiscard]] std::int64_t direct_bytes() const {
    std::int64_t bytes = 0;
    for (int node = 0; node < shares.nodes(); ++node) bytes += shares.direct(node).bytes();
    return bytes;
  }

  /// The bytes that are in the file behind the array's begin, once everybody has come.
  [[nodiscard]] std::string content() {
    memory.together([] {});
    return read_file(path);
  }

  /// The file holds the array and nothing else has changed; the checksums are those of the array's groups.
  void expect_whole(const std::string& where) {
    const std::vector<std::byte> expected = expected_bytes(shape.extents);
    EXPECT_EQ(direct_bytes() + move_rows(), std::ssize(expected)) << where;
    const std::string found = content();
    ASSERT_EQ(found.size(), expected.size() + kOffset) << where;
    EXPECT_EQ(found.substr(0, kOffset), std::string(kOffset, kUnwritten)) << where;
    EXPECT_EQ(std::memcmp(found.data() + kOffset, expected.data(), expected.size()), 0) << where;
    std::vector<GroupChecksum> groups = moved.checksums();
    if (topology.is_leader())
      for (const GroupChecksum& group : writer.checksums()) groups.push_back(group);
    for (const auto& [group, found_checksum] : groups) {
      const auto begin = static_cast<std::size_t>(group) << 20;
      const std::size_t bytes = std::min(expected.size() - begin, std::size_t{1} << 20);
      EXPECT_EQ(found_checksum, XXH3_64bits(expected.data() + begin, bytes)) << where << ", group " << group;
    }
    EXPECT_EQ(topology.world.sum(std::ssize(groups)), ((std::ssize(expected) - 1) >> 20) + 1) << where;
    moved = {memory, shares, file, kOffset, false};
  }

  Topology topology;
  ArrayShape shape;
  NodeMemory memory;
  SharedArray array;
  std::unique_ptr<Scratch> scratch;
  std::string path;
  FileWriter file;
  GroupWriter writer;
  NodeShares shares;
  MovedRows moved;

 private:
  std::string make_file() const {
    std::string made;
    if (scratch) {
      made = *scratch / "a";
      write_file(made, std::string(kOffset, kUnwritten));
    }
    return topology.world.broadcast(made, 0);
  }
};

/// Prime extents; arrays that end within a group, that have less than one, a row that has several, rows of one element;
/// row blocks and nodes end within groups, and may have none.
const std::vector<Extents> kExtents{{197, 23}, {1, 1}, {5, 1}, {3, 300'007}, {100'003, 7}, {700'001, 1}, {1, 500'009}};

void for_each_output(const std::function<void(Output&, const std::string& where)>& test) {
  for (const int pretended : {1, 2, 3})
    for (const Extents& extents : kExtents) {
      Output output(pretended, extents);
      test(output, fmt::format("{} x {}, {} nodes", extents.rows, extents.cols, output.topology.nodes()));
    }
}

TEST(GroupWriter, WritesEveryGroupAsSoonAsAllOfItIsFilled) {
  for_each_output([](Output& output, const std::string& where) {
    output.array.lease_row_block().for_each_piece([&](const Piece& piece) {
      fill(piece);
      output.writer.filled(piece.elements);
    });
    output.expect_whole(where);
    EXPECT_EQ(output.write_rest(), 0) << where << ": it has been written";
    output.expect_whole(where);
  });
}

TEST(GroupWriter, GroupsMayBeFilledInPiecesThatEndAnywhere) {
  for_each_output([](Output& output, const std::string& where) {
    const RowRange rows = output.array.row_block();
    const std::int64_t cols = output.shape.extents.cols;
    output.array.lease_row_block().for_each_piece(fill);
    // From the last to the first: pieces of more and of less than a group.
    std::int64_t end = rows.end * cols;
    for (std::int64_t n = 0; end > rows.begin * cols; ++n) {
      const std::int64_t begin = std::max(end - (n % 2 == 0 ? 40'009 : 200'003), rows.begin * cols);
      output.writer.filled({begin, end});
      output.writer.filled({begin, begin});
      end = begin;
    }
    output.expect_whole(where);
    EXPECT_EQ(output.write_rest(), 0) << where;
  });
}

TEST(GroupWriter, ThinBlocksThatRanksTakeInTurnsMakeWholeGroups) {
  // Each group is filled by all ranks of the node, which hand in a row at a time.
  for (const int pretended : {1, 2}) {
    Output output(pretended, {140'009, 2});
    const RowRange rows = output.array.node_rows();
    const int ranks = output.topology.node.size();
    for (std::int64_t row = rows.begin + output.topology.node_rank(); row < rows.end; row += ranks) {
      output.array.lease({row, row + 1}).for_each_piece([&](const Piece& piece) {
        fill(piece);
        output.writer.filled(piece.elements);
      });
    }
    output.expect_whole("thin blocks");
    EXPECT_EQ(output.write_rest(), 0);
  }
}

TEST(GroupWriter, WritesAtTheEndWhatItHasNotBeenToldOf) {
  for_each_output([](Output& output, const std::string& where) {
    output.array.lease_row_block().for_each_piece(fill);
    EXPECT_EQ(output.write_rest(), output.direct_bytes()) << where;
    output.expect_whole(where);
    EXPECT_EQ(output.write_rest(), 0) << where << ": twice";
  });
}

TEST(GroupWriter, WritesAtTheEndGroupsThatWereFilledInPart) {
  for_each_output([](Output& output, const std::string& where) {
    // All are told of but the first element of every node.
    const std::int64_t first = output.array.node_rows().begin * output.shape.extents.cols;
    output.array.lease_row_block().for_each_piece([&](const Piece& piece) {
      fill(piece);
      output.writer.filled({std::max(piece.elements.begin, first + 1), piece.elements.end});
    });
    const NodeGroups groups(output.array);
    const bool has_group =
        output.topology.is_leader() && groups.begin() < groups.end() && groups.is_whole(groups.begin());
    const std::int64_t left = has_group ? groups.bytes_of(groups.begin()).bytes() : 0;
    EXPECT_EQ(output.write_rest(), output.topology.world.sum(left)) << where;
    output.expect_whole(where);
  });
}

/// Takes a page within `bytes` away, as where shared memory is full: whoever loads from it dies of SIGBUS, and a system
/// call fails.
class MissingPage {
 public:
  explicit MissingPage(std::span<const std::byte> bytes) {
    void* begin = const_cast<std::byte*>(bytes.data());
    std::size_t room = bytes.size();
    page_ = std::align(kPage, kPage, begin, room);
    replace(MAP_SHARED, memfd_create("empty", MFD_CLOEXEC));
  }
  MissingPage(const MissingPage&) = delete;
  MissingPage& operator=(const MissingPage&) = delete;
  ~MissingPage() { replace(MAP_PRIVATE | MAP_ANONYMOUS, -1); }

 private:
  static constexpr std::size_t kPage = 4096;

  void replace(int flags, int file) {
    EXPECT_EQ(mmap(page_, kPage, PROT_READ | PROT_WRITE, flags | MAP_FIXED, file, 0), page_);
    if (file >= 0) close(file);
  }

  void* page_ = nullptr;
};

TEST(GroupWriter, RowsThatCannotBeHadAnyMoreAreAnErrorOfWriting) {
  // The job has touched none of them, and each rank maps the window for itself.
  Output output(1, {100'003, 7});
  const MissingPage missing(output.array.read(output.array.node_rows()));
  const Outcome outcome = outcome_of([&] { output.memory.together([&] { output.writer.write_rest([](auto) {}); }); });
  EXPECT_EQ(outcome.status, ExitStatus::resources);
  EXPECT_TRUE(outcome.message.starts_with("cannot write")) << outcome.message;
  EXPECT_NE(outcome.message.find("its rows are not in memory, which is short"), std::string::npos) << outcome.message;
}

TEST(GroupWriter, DurableOutputHasTheSameBytes) {
  Output output(1, {100'003, 7}, true);
  output.array.lease_row_block().for_each_piece([&](const Piece& piece) {
    fill(piece);
    if (piece.elements.begin % 2 == 0) output.writer.filled(piece.elements);
  });
  (void)output.write_rest();
  output.expect_whole("durable");
}

}  // namespace
}  // namespace windrow::io::test
