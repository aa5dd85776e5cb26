#include "io/npy_header.hpp"

#include <random>

#include "unit/io/support.hpp"

namespace windrow::io {
namespace {

std::string header(const std::string& literal, char version = 1) {
  std::string bytes(kNpyMagic);
  bytes.push_back(version);
  bytes.push_back('\0');
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i) bytes += static_cast<char>((literal.size() >> (8 * i)) & 0xFFU);
  return bytes + literal;
}

const std::string kGood = "{'descr': '>i2', 'fortran_order': True, 'shape': (197, 23), }          \n";

TEST(NpyHeader, TellsTypeOrderAndExtents) {
  for (const char version : {'\1', '\2', '\3'}) {
    const NpyHeader read = parse_npy_header(header(kGood, version) + "data");
    EXPECT_EQ(read.format, (NumberFormat{NumberFormat::Kind::signed_integer, 2, true}));
    EXPECT_TRUE(read.fortran_order);
    EXPECT_EQ(read.extents, (std::vector<std::int64_t>{197, 23}));
    EXPECT_EQ(read.header_bytes, static_cast<std::int64_t>(header(kGood, version).size()));
  }
}

TEST(NpyHeader, RefusesWhatIsNone) {
  const auto status = [](const std::string& bytes) {
    return test::outcome_of([&] { static_cast<void>(parse_npy_header(bytes)); }).status;
  };
  for (const std::string literal :
       {"", "{}", "[1]", "{'descr': '<f8'}", "{'descr': '<f8', 'fortran_order': 0, 'shape': (1,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1,), 'more': 'x'}",
        "{'descr': '<f8', 'descr': '<f8', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (9223372036854775808,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1,)} x",
        "{'descr': '<f3', 'fortran_order': False, 'shape': ()}",
        "{'descr': '<c16', 'fortran_order': False, 'shape': (1,)}", "{'descr': '\\x3c', 'fortran_order': False"})
    EXPECT_EQ(status(header(literal)), ExitStatus::io) << literal;
  const std::string good = header(kGood);
  for (std::size_t length = 0; length < good.size(); ++length)
    EXPECT_EQ(status(good.substr(0, length)), ExitStatus::io) << length;
  EXPECT_EQ(status(header(kGood, 4)), ExitStatus::io);
}

// A header is read or refused, whatever its bytes are; that no memory is misused, sanitizers see.
TEST(NpyHeader, SurvivesAnyBytes) {
  std::mt19937 random(4711);
  const std::string good = header(kGood);
  int refused = 0;
  for (int i = 0; i < 100'000; ++i) {
    std::string bytes = good.substr(0, good.size() - random() % 8);
    for (auto changes = random() % 4; changes-- > 0;) bytes[random() % bytes.size()] = static_cast<char>(random());
    const ExitStatus status = test::outcome_of([&] { static_cast<void>(parse_npy_header(bytes)); }).status;
    ASSERT_TRUE(status == ExitStatus::done || status == ExitStatus::io);
    refused += status == ExitStatus::io ? 1 : 0;
  }
  EXPECT_GT(refused, 1000);
  EXPECT_LT(refused, 100'000);
}

}  // namespace
}  // namespace windrow::io
