#include "base/units.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"

namespace windrow {
namespace {

TEST(FormatBytes, CountsInPowersOfAThousand) {
  EXPECT_EQ(format_bytes(999), "999 bytes");
  EXPECT_EQ(format_bytes(160'000), "160.0 kB");
  EXPECT_EQ(format_bytes(480'000'000), "480.0 MB");
  EXPECT_EQ(format_bytes(999'990'000), "1.0 GB") << "not 1000.0 MB";
}

TEST(FormatSeconds, IsReadAtAGlance) {
  EXPECT_EQ(format_seconds(0.01951), "0.0195 s");
  EXPECT_EQ(format_seconds(12.34), "12.3 s");
  EXPECT_EQ(format_seconds(245.2), "4 min 05 s");
  EXPECT_EQ(format_seconds(11520), "3 h 12 min");
}

TEST(ParseBytes, UnderstandsTheUnitsOfDisksAndOfSlurm) {
  EXPECT_EQ(parse_bytes("4096"), 4096);
  EXPECT_EQ(parse_bytes("64GiB"), 64 * kGiB);
  EXPECT_EQ(parse_bytes("64 G"), 64 * kGiB);
  EXPECT_EQ(parse_bytes("480MB"), 480'000'000);
  EXPECT_EQ(parse_bytes("1.5k"), 1536);
  EXPECT_EQ(parse_bytes("10B"), 10);
}

TEST(ParseBytes, RefusesWhatIsNoSize) {
  for (const char* text : {"", "G", "-1", "12X", "1e30", "nan", "3 GiBs"}) EXPECT_THROW((void)parse_bytes(text), Error);
}

}  // namespace
}  // namespace windrow
