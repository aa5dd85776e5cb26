#include "io/verify.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <hdf5.h>
#include <sys/stat.h>

#include <random>

#include "io/hdf5_handles.hpp"
#include "unit/io/support.hpp"

namespace windrow::io::test {
namespace {

Outcome verified(const std::string& path, int threads = 1) {
  return outcome_of([&] { static_cast<void>(verify(path, {.threads = threads, .progress = {}})); });
}

void expect_refused(const std::string& path, const std::string& why) {
  const Outcome outcome = verified(path);
  EXPECT_EQ(outcome.status, ExitStatus::verification);
  EXPECT_NE(outcome.message.find(why), std::string::npos) << outcome.message;
}

/// Changes single bytes of a file in place.
class Tamper {
 public:
  explicit Tamper(const std::string& path) : descriptor_(open(path.c_str(), O_RDWR | O_CLOEXEC)) {}
  Tamper(const Tamper&) = delete;
  Tamper& operator=(const Tamper&) = delete;
  ~Tamper() { close(descriptor_); }
  void flip(std::int64_t offset, unsigned char bits) const {
    unsigned char byte = 0;
    EXPECT_EQ(pread(descriptor_, &byte, 1, offset), 1);
    byte ^= bits;
    EXPECT_EQ(pwrite(descriptor_, &byte, 1, offset), 1);
  }

 private:
  int descriptor_;
};

/// Three groups and a bit, in rows of 1000 bytes less 8.
FileSpec three_groups() {
  FileSpec spec = small_spec();
  spec.arrays[0].extents = {3500, 124};
  return spec;
}

TEST(Verify, AcceptsAWholeFileAndDescribesIt) {
  const Scratch scratch;
  const FileLayout layout = write_counted(scratch / "a.h5", three_groups());
  std::int64_t last = 0;
  const VerifyReport report =
      verify(scratch / "a.h5", {.threads = 1, .progress = [&](std::int64_t done, std::int64_t total) {
                                  EXPECT_GT(done, last);
                                  EXPECT_LE(done, total);
                                  last = done;
                                }});
  EXPECT_EQ(last, layout.arrays[0].data.bytes + layout.arrays[1].data.bytes);
  EXPECT_EQ(report.file_bytes, layout.file_bytes());
  ASSERT_EQ(report.arrays.size(), 2U);
  EXPECT_EQ(report.arrays[0].name, "array");
  EXPECT_EQ(report.arrays[0].extents, (Extents{3500, 124}));
  EXPECT_EQ(report.arrays[1].type, ElementType::int32);
  EXPECT_EQ(verified(scratch / "a.h5", 3).message, "");
}

TEST(Verify, AcceptsAFileWithoutArrays) {
  const Scratch scratch;
  FileSpec spec;
  spec.scalars = {{"total", 1.0, {}}};
  write_counted(scratch / "a.h5", spec);
  EXPECT_EQ(verified(scratch / "a.h5").message, "");
}

TEST(Verify, NamesTheRowsThatChanged) {
  const Scratch scratch;
  const std::string path = scratch / "a.h5";
  const ArrayLayout array = write_counted(path, three_groups()).arrays[0];
  const auto expect_rows = [&](const std::string& rows, int threads) {
    const Outcome outcome = verified(path, threads);
    EXPECT_EQ(outcome.status, ExitStatus::verification);
    EXPECT_NE(outcome.message.find("dataset 'array', " + rows), std::string::npos) << outcome.message;
  };
  const Tamper tamper(path);
  // A row has 992 bytes, so that a group of 2**20 ends within row 1057 (2**20 / 992 = 1057.03).
  tamper.flip(array.data.offset, 1);
  expect_rows("rows 0 to 1057 (bytes ", 1);
  tamper.flip(array.data.offset, 1);
  tamper.flip(array.data.end() - 1, 128);
  expect_rows("rows 3171 to 3499 (bytes ", 2);
  tamper.flip(array.data.offset + 2 * kGroupBytes, 4);
  expect_rows("rows 2114 to 3499 (bytes ", 2);
  tamper.flip(array.data.end() - 1, 128);
  tamper.flip(array.data.offset + 2 * kGroupBytes, 4);
  EXPECT_EQ(verified(path).message, "");
}

TEST(Verify, EveryByteOutsideOfTheArraysCounts) {
  const Scratch scratch;
  const std::string path = scratch / "a.h5";
  FileSpec spec;
  spec.title = "tiny";
  spec.arrays = {{"a", ElementType::int32, {1, 1}, {}}};
  const FileLayout layout = write_counted(path, spec);
  const Tamper tamper(path);
  for (std::int64_t offset = 0; offset < layout.file_bytes(); ++offset) {
    if (offset == layout.arrays[0].data.offset) offset = layout.arrays[0].data.end();
    const auto bits = static_cast<unsigned char>(1U << (offset % 8));
    tamper.flip(offset, bits);
    ASSERT_EQ(verified(path).status, ExitStatus::verification) << "byte " << offset;
    tamper.flip(offset, bits);
  }
  EXPECT_EQ(verified(path).message, "");
}

TEST(Verify, DamageOutsideOfTheArraysDoesNotHideThatOfTheirs) {
  const Scratch scratch;
  const std::string path = scratch / "a.h5";
  const ArrayLayout array = write_counted(path, three_groups()).arrays[0];
  const Tamper tamper(path);
  tamper.flip(array.data.offset - 1, 1);
  const std::string outside = verified(path).message;
  EXPECT_NE(outside.find("outside of its arrays"), std::string::npos) << outside;
  EXPECT_NE(outside.find("its arrays are unchanged"), std::string::npos) << outside;
  tamper.flip(array.data.offset, 1);
  const std::string both = verified(path).message;
  EXPECT_NE(both.find("outside of its arrays"), std::string::npos) << both;
  EXPECT_NE(both.find("dataset 'array', rows 0 to 1057"), std::string::npos) << both;
}

TEST(Verify, SampledBytesOfTheArraysCount) {
  const Scratch scratch;
  const std::string path = scratch / "a.h5";
  const FileLayout layout = write_counted(path, small_spec());
  const Tamper tamper(path);
  std::mt19937_64 random(20240607);
  for (const ArrayLayout& array : layout.arrays)
    for (int sample = 0; sample < 50; ++sample) {
      const auto byte = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(array.data.bytes));
      tamper.flip(array.data.offset + byte, 16);
      expect_refused(path, fmt::format("dataset '{}', rows ", array.name));
      tamper.flip(array.data.offset + byte, 16);
    }
}

TEST(Verify, EveryTruncationIsNoticed) {
  const Scratch scratch;
  const std::string path = scratch / "a.h5";
  const FileLayout layout = write_counted(path, small_spec());
  const std::string whole = read_file(path);
  for (std::int64_t cut = 1; cut < layout.file_bytes(); cut = cut < 3000 ? cut + 1 : cut + 997) {
    const std::int64_t size = layout.file_bytes() - cut;
    ASSERT_EQ(truncate(path.c_str(), size), 0);
    ASSERT_EQ(verified(path).status, ExitStatus::verification) << size;
  }
  write_file(path, whole.substr(0, whole.size() - 1));
  expect_refused(path, fmt::format("is cut off: {} of its {} bytes are there", whole.size() - 1, whole.size()));
  write_file(path, whole + "xyz");
  expect_refused(path, "has 3 bytes too many at its end");
  // The seal alone, at the end of something longer or shorter.
  write_file(path, whole + whole.substr(static_cast<std::size_t>(layout.seal.offset)));
  expect_refused(path, "when it was sealed");
  write_file(path, whole.substr(4096));
  expect_refused(path, "when it was sealed");
}

TEST(Verify, AFileThatWasNeverCompletedSaysSo) {
  const Scratch scratch;
  const std::string path = scratch / "a.h5";
  write_file(path, "");
  const FileLayout layout = create_whole_skeleton(path, small_spec());
  expect_refused(path, "was never completed");
  // Half of the seal is written when the machine stops.
  const std::vector<std::byte> seal = encode({.format = 1, .layout = layout, .metadata = {}});
  FileWriter(path).write(layout.seal.offset, std::span(seal).first(seal.size() / 2));
  expect_refused(path, "was never completed");
}

TEST(Verify, OtherFilesAreRefused) {
  const Scratch scratch;
  const std::string path = scratch / "a";
  write_file(path, "");
  expect_refused(path, "is empty");
  write_file(path, "x");
  expect_refused(path, "is not a Windrow file, nor any HDF5 file");
  write_file(path, std::string("CDF\x01") + std::string(1000, '\0'));
  expect_refused(path, "is not a Windrow file, nor any HDF5 file");
  // The end of a seal, and nothing else.
  write_file(path, std::string(16, '\xff') + "windrow\n");
  EXPECT_EQ(verified(path).status, ExitStatus::verification);
  write_file(path, std::string("\x89HDF\r\n\x1a\n") + std::string(5000, '\xff'));
  expect_refused(path, "is an HDF5 file, but not one that Windrow completed");
  std::mt19937_64 random(7);
  for (int repeat = 0; repeat < 50; ++repeat) {
    std::string noise(random() % 10'000, '\0');
    for (char& c : noise) c = static_cast<char>(random());
    if (repeat % 2 == 1) noise += "windrow\n";
    write_file(path, noise);
    ASSERT_EQ(verified(path).status, ExitStatus::verification);
  }
}

TEST(Verify, OtherHdf5FilesAreRefused) {
  const Scratch scratch;
  const std::string path = scratch / "a.h5";
  prepare_hdf5();
  for (const H5F_libver_t version : {H5F_LIBVER_EARLIEST, H5F_LIBVER_LATEST}) {
    const Hdf5Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, "create");
    H5Pset_libver_bounds(access.get(), version, H5F_LIBVER_LATEST);
    Hdf5Handle file(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access.get()), H5Fclose, "create");
    const Hdf5Handle group(H5Gcreate2(file.get(), "group", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Gclose, "create");
    file.close("close");
    expect_refused(path, "is an HDF5 file, but not one that Windrow completed");
  }
}

TEST(Verify, WhatIsNoFileIsAnErrorOfInput) {
  const Scratch scratch;
  const auto status = [](const std::string& path) { return verified(path).status; };
  EXPECT_EQ(status(scratch / "missing"), ExitStatus::io);
  EXPECT_EQ(status(""), ExitStatus::io);
  EXPECT_EQ(status(scratch.folder()), ExitStatus::io);
  EXPECT_NE(verified(scratch.folder()).message.find("it is a directory"), std::string::npos);
  EXPECT_EQ(status("/dev/zero"), ExitStatus::io);
  ASSERT_EQ(mkfifo((scratch / "fifo").c_str(), 0600), 0);
  EXPECT_EQ(status(scratch / "fifo"), ExitStatus::io);  // and does not wait for a writer
  EXPECT_EQ(status(scratch / std::string(300, 'x')), ExitStatus::io);
}

TEST(Verify, ASparseGiantIsRefusedAtOnce) {
  const Scratch scratch;
  const std::string path = scratch / "a";
  write_file(path, "\x89HDF\r\n\x1a\n");
  ASSERT_EQ(truncate(path.c_str(), std::int64_t{1} << 40), 0);
  EXPECT_EQ(verified(path).status, ExitStatus::verification);
}

}  // namespace
}  // namespace windrow::io::test
