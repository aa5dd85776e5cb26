#include "io/row_file.hpp"

#include <gtest/gtest.h>

#include <map>

#include "base/partition.hpp"
#include "unit/io/support.hpp"

namespace windrow::io::test {
namespace {

constexpr std::int64_t kOffset = 4096;

ArrayShape rows_of(std::int64_t rows, std::int64_t cols) {
  return {"a", ElementType::float64, {rows, cols}};
}

NodeShares of_one_node(const ArrayShape& shape) {
  return {Machine{}, shape, kEveryNode};
}

std::vector<std::byte> content_of(const ArrayShape& shape) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(shape.bytes()));
  for (std::size_t n = 0; n < bytes.size(); ++n) bytes[n] = static_cast<std::byte>(n * 2654435761U >> 13);
  return bytes;
}

std::span<const std::byte> part(std::span<const std::byte> all, const ArrayShape& shape, RowRange rows) {
  const std::int64_t row = shape.extents.cols * 8;
  return all.subspan(static_cast<std::size_t>(rows.begin * row), static_cast<std::size_t>(rows.rows() * row));
}

/// Two row blocks whose panels take turns.
void write_all(RowFile& file, const ArrayShape& shape, std::span<const std::byte> content, std::int64_t panel_rows) {
  for (std::int64_t at = 0; at < shape.extents.rows; at += panel_rows)
    for (int rank = 0; rank < 2; ++rank) {
      const RowRange block = row_block(shape.extents.rows, 2, rank);
      const RowRange rows = intersect({block.begin + at, block.begin + at + panel_rows}, block);
      if (!rows.empty()) file.write(rows, part(content, shape, rows));
    }
}

TEST(RowFile, ChecksGroupsThatComeInPieces) {
  const Scratch scratch;
  // 2 MB rows: each has more than a group; rows of 1000 bytes: a group has many, and ends within one.
  for (const auto& [shape, panel_rows] : {std::pair{rows_of(6, 250'000), 1}, {rows_of(10'007, 125), 333}}) {
    write_file(scratch / "a", "");
    RowFile file(scratch / "a", kOffset, shape, of_one_node(shape), 0, true);
    const std::vector<std::byte> content = content_of(shape);
    for (int time = 0; time < 2; ++time) {
      file.restart();
      write_all(file, shape, content, panel_rows);
      std::map<std::int64_t, std::uint64_t> found;
      for (const auto& [group, checksum] : file.checksums()) EXPECT_TRUE(found.emplace(group, checksum).second);
      // All but the one in which the second row block begins.
      const std::int64_t groups = group_count(shape.bytes());
      const std::int64_t border = row_block(shape.extents.rows, 2, 1).begin * shape.extents.cols * 8;
      EXPECT_EQ(std::ssize(found), groups - (border % kGroupBytes != 0 ? 1 : 0));
      for (const auto& [group, value] : found) {
        const auto begin = static_cast<std::size_t>(group * kGroupBytes);
        const std::size_t size = std::min(static_cast<std::size_t>(kGroupBytes), content.size() - begin);
        EXPECT_EQ(value, checksum(std::span(content).subspan(begin, size))) << group;
      }
    }
    std::vector<std::byte> back(content.size());
    file.read({0, shape.extents.rows}, back);
    EXPECT_EQ(back, content);
    file.close();
    EXPECT_EQ(std::filesystem::file_size(scratch / "a"), content.size() + kOffset);
  }
}

TEST(RowFile, RowsOfSeveralProcessesComeInAnyOrder) {
  const Scratch scratch;
  const ArrayShape shape = rows_of(7, 300'000);  // 2.4 MB each
  write_file(scratch / "a", "");
  const std::vector<std::byte> content = content_of(shape);
  std::vector<RowFile> files;
  for (int process = 0; process < 2; ++process)
    files.emplace_back(scratch / "a", kOffset, shape, of_one_node(shape), 0, false);
  std::map<std::int64_t, std::uint64_t> found;
  for (const std::int64_t row : {1, 3, 0, 6, 5, 2, 4}) {
    RowFile& file = files[row % 3 == 0 ? 1 : 0];
    for (std::int64_t at = row * 300'000; at < (row + 1) * 300'000; at += 65'536) {
      const std::int64_t end = std::min(at + 65'536, (row + 1) * 300'000);
      file.write(ElementRange{at, end}, std::span(content).subspan(static_cast<std::size_t>(at * 8),
                                                                   static_cast<std::size_t>((end - at) * 8)));
    }
  }
  for (RowFile& file : files) {
    for (const auto& [group, value] : file.checksums()) {
      EXPECT_TRUE(found.emplace(group, value).second);
      const auto begin = static_cast<std::size_t>(group * kGroupBytes);
      const std::size_t size = std::min(static_cast<std::size_t>(kGroupBytes), content.size() - begin);
      EXPECT_EQ(value, checksum(std::span(content).subspan(begin, size))) << group;
    }
  }
  // All but those that two rows share, if these did not come one after the other.
  EXPECT_GE(std::ssize(found), group_count(shape.bytes()) - 6);
  std::vector<std::byte> back(content.size());
  files[0].read({0, shape.extents.rows}, back);
  EXPECT_EQ(back, content);
}

TEST(RowFile, HoldsRowsOfGroupsThatItsNodeDoesNotHaveWhole) {
  const Scratch scratch;
  // Rows of 1000 bytes, of which each node has several groups; and some, of which no node has one.
  for (const auto& shape : {rows_of(10'007, 125), rows_of(701, 125)}) {
    const Machine machine{.ranks_per_node = {2, 1, 3}, .host_of_node = {0, 1, 2}};
    const NodeShares shares(machine, shape, kEveryNode);
    const std::vector<std::byte> content = content_of(shape);
    for (int node = 0; node < 3; ++node) {
      write_file(scratch / "a", "");
      const RowRange own = machine.rows_of_node(shape.extents.rows, node);
      // A leader, and another rank of its node that has the middle of the rows.
      RowFile leader(scratch / "a", kOffset, shape, shares, node, false);
      RowFile other(scratch / "a", kOffset, shape, shares, node, false);
      for (std::int64_t row = own.begin; row < own.end; row += 97) {
        const RowRange rows = intersect(own, RowRange{row, row + 97});
        (row % 3 == 0 ? other : leader).write(rows, part(content, shape, rows));
      }
      leader.hold(other.held());
      std::vector<std::byte> back(static_cast<std::size_t>(shares.has(node).bytes()));
      leader.read(own, back);
      EXPECT_TRUE(std::ranges::equal(back, part(content, shape, own)));
      // Nothing else has been written.
      const std::string file = read_file(scratch / "a");
      const ByteRange direct = shares.direct(node);
      EXPECT_EQ(std::ssize(file), direct.empty() ? 0 : kOffset + direct.end);
      const std::size_t begin = std::min(file.size(), static_cast<std::size_t>(kOffset + direct.begin));
      EXPECT_EQ(file.find_first_not_of('\0'), direct.empty() ? std::string::npos : file.find_first_not_of('\0', begin));
    }
  }
}

TEST(RowFile, SaysWhatCannotBeWritten) {
  const ArrayShape shape = rows_of(1, 1);
  EXPECT_THROW(RowFile("/nowhere/a", 0, shape, of_one_node(shape), 0, false), Error);
}

}  // namespace
}  // namespace windrow::io::test
