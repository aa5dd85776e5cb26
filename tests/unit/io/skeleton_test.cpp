#include "io/skeleton.hpp"

#include <gtest/gtest.h>
#include <hdf5.h>
#include <hdf5_hl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <fcntl.h>

#include <memory>

#include "io/hdf5_handles.hpp"
#include "unit/io/support.hpp"

namespace windrow::io::test {
namespace {

/// The whole program runs as for a user who asks for HDF5's file locks: they must not meet our own lock.
const bool kLocksDemanded = setenv("HDF5_USE_FILE_LOCKING", "TRUE", 1) == 0;

/// A file as another program sees it, with HDF5's own calls.
class Hdf5File {
 public:
  explicit Hdf5File(const std::string& path) {
    prepare_hdf5();
    id_ = H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  }
  Hdf5File(const Hdf5File&) = delete;
  Hdf5File& operator=(const Hdf5File&) = delete;
  ~Hdf5File() { H5Fclose(id_); }
  [[nodiscard]] hid_t id() const { return id_; }

  [[nodiscard]] std::vector<hsize_t> shape(const std::string& name) const {
    const Hdf5Handle dataset(H5Dopen2(id_, name.c_str(), H5P_DEFAULT), H5Dclose, "open");
    const Hdf5Handle space(H5Dget_space(dataset.get()), H5Sclose, "get the space");
    std::vector<hsize_t> shape(static_cast<std::size_t>(H5Sget_simple_extent_ndims(space.get())));
    H5Sget_simple_extent_dims(space.get(), shape.data(), nullptr);
    return shape;
  }

  template <typename Element>
  [[nodiscard]] std::vector<Element> read(const std::string& name, hid_t memory_type) const {
    hsize_t count = 1;
    for (const hsize_t length : shape(name)) count *= length;
    std::vector<Element> values(count);
    const Hdf5Handle dataset(H5Dopen2(id_, name.c_str(), H5P_DEFAULT), H5Dclose, "open");
    hdf5_ok(H5Dread(dataset.get(), memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), "read");
    return values;
  }

  /// A text of fixed length: its type must say so, its bytes must end with NUL.
  [[nodiscard]] std::string text(const std::string& object, const std::string& attribute) const {
    const Hdf5Handle found(H5Aopen_by_name(id_, object.c_str(), attribute.c_str(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose,
                           "open an attribute");
    const Hdf5Handle type(H5Aget_type(found.get()), H5Tclose, "get its type");
    if (H5Tis_variable_str(type.get()) != 0 || H5Tget_strpad(type.get()) != H5T_STR_NULLTERM) return "wrong type";
    std::string value(H5Tget_size(type.get()), '?');
    H5Aread(found.get(), type.get(), value.data());
    if (value.back() != '\0') return "no NUL";
    value.pop_back();
    return value;
  }

  [[nodiscard]] std::string dimension(const std::string& dataset_name, unsigned axis) const {
    const Hdf5Handle dataset(H5Dopen2(id_, dataset_name.c_str(), H5P_DEFAULT), H5Dclose, "open");
    std::string name;
    H5DSiterate_scales(
        dataset.get(), axis, nullptr,
        [](hid_t, unsigned, hid_t scale, void* into) -> herr_t {
          std::string& found = *static_cast<std::string*>(into);
          found.resize(100);
          found.resize(static_cast<std::size_t>(H5Iget_name(scale, found.data(), found.size())));
          return 1;
        },
        &name);
    return name;
  }

 private:
  hid_t id_ = -1;
};

TEST(Skeleton, ArraysOfEveryTypeReadBackThroughHdf5) {
  const Scratch scratch;
  const std::string path = scratch / "a.h5";
  FileSpec spec;
  for (const ElementType type : kElementTypes) {
    spec.arrays.push_back({fmt::format("a_{}", name_of(type)), type, {197, 23}, {}});
    spec.arrays.push_back({fmt::format("v_{}", name_of(type)), type, {197, 1, true}, {}});
  }
  const FileLayout layout = write_counted(path, spec);
  const Hdf5File file(path);
  for (const ArrayLayout& array : layout.arrays) {
    const bool flat = array.extents.one_dimensional;
    EXPECT_EQ(file.shape(array.name), (flat ? std::vector<hsize_t>{197} : std::vector<hsize_t>{197, 23}));
    const std::vector<double> values = file.read<double>(array.name, H5T_NATIVE_DOUBLE);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double expected =
          array.type == ElementType::int8 ? static_cast<double>(static_cast<std::int8_t>(i)) : static_cast<double>(i);
      ASSERT_EQ(values[i], expected) << array.name;
    }
    const Hdf5Handle dataset(H5Dopen2(file.id(), array.name.c_str(), H5P_DEFAULT), H5Dclose, "open");
    EXPECT_EQ(H5Dget_offset(dataset.get()), static_cast<haddr_t>(array.data.offset));
    EXPECT_EQ(array.data.offset % 4096, 0);
    const Hdf5Handle type(H5Dget_type(dataset.get()), H5Tclose, "get the type");
    EXPECT_EQ(H5Tget_order(type.get()), H5T_ORDER_LE);
    EXPECT_EQ(H5Tget_size(type.get()), static_cast<std::size_t>(bytes_of(array.type)));
    const bool real = array.type == ElementType::float64 || array.type == ElementType::float32;
    EXPECT_EQ(H5Tget_class(type.get()), real ? H5T_FLOAT : H5T_INTEGER);
    const Hdf5Handle creation(H5Dget_create_plist(dataset.get()), H5Pclose, "get the properties");
    EXPECT_EQ(H5Pget_layout(creation.get()), H5D_CONTIGUOUS);
    unsigned order = 0;
    H5Pget_attr_creation_order(creation.get(), &order);
    EXPECT_EQ(order, unsigned{H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED});
  }
}

TEST(Skeleton, TellsWhatItIs) {
  const Scratch scratch;
  write_counted(scratch / "a.h5", small_spec());
  const Hdf5File file(scratch / "a.h5");
  EXPECT_EQ(file.text("/", "Conventions"), "CF-1.9");
  EXPECT_EQ(file.text("/", "title"), "small");
  EXPECT_EQ(file.text("/", "source"), "windrow unit test");
  EXPECT_EQ(file.text("array", "expression"), "i*cols + j");
  EXPECT_EQ(file.text("total", "expression"), "sum(array)");
  EXPECT_EQ(file.text("provenance", "version"), "0.1.0");
  std::int64_t format = 0;
  H5LTget_attribute(file.id(), "/", "windrow_format", H5T_NATIVE_INT64, &format);
  EXPECT_EQ(format, 1);
}

TEST(Skeleton, ScalarsHaveRankZero) {
  const Scratch scratch;
  write_counted(scratch / "a.h5", small_spec());
  const Hdf5File file(scratch / "a.h5");
  EXPECT_TRUE(file.shape("total").empty());
  EXPECT_EQ(file.read<double>("total", H5T_NATIVE_DOUBLE), std::vector{4531.5});
  EXPECT_EQ(file.read<std::int64_t>("samples", H5T_NATIVE_INT64), std::vector{std::int64_t{1} << 40});
}

TEST(Skeleton, ProvenanceReadsBack) {
  const Scratch scratch;
  const FileLayout layout = write_counted(scratch / "a.h5", small_spec());
  const Hdf5File file(scratch / "a.h5");
  const auto text = [&](const std::string& name) {
    const Hdf5Handle dataset(H5Dopen2(file.id(), name.c_str(), H5P_DEFAULT), H5Dclose, "open");
    const Hdf5Handle type(H5Dget_type(dataset.get()), H5Tclose, "get the type");
    std::string value(H5Tget_size(type.get()), '?');
    H5Dread(dataset.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, value.data());
    return value.substr(0, value.find('\0'));
  };
  EXPECT_EQ(text("provenance/deck"), "job = \"populate\"\n# Größe\n");
  EXPECT_EQ(text("provenance/empty"), "");
  EXPECT_EQ(text("provenance/hosts"), "node1\nnode2");
  EXPECT_EQ(file.read<double>("provenance/phases/populate", H5T_NATIVE_DOUBLE), std::vector{2.5});
  const auto whole = [&](const std::string& name) { return file.read<std::int64_t>(name, H5T_NATIVE_INT64); };
  const auto real = [&](const std::string& name) { return file.read<double>(name, H5T_NATIVE_DOUBLE); };
  EXPECT_EQ(whole("provenance/blocks/array/first_row"), (std::vector<std::int64_t>{0, 100}));
  EXPECT_EQ(whole("provenance/blocks/array/rows"), (std::vector<std::int64_t>{100, 97}));
  EXPECT_EQ(whole("provenance/blocks/array/world_rank"), (std::vector<std::int64_t>{3, 1}));
  EXPECT_EQ(real("provenance/blocks/array/start"), (std::vector{0.5, 0.75}));
  EXPECT_EQ(real("provenance/blocks/array/seconds"), (std::vector{0.25, 0.125}));
  EXPECT_EQ(file.text("provenance/blocks/array/seconds", "units"), "s");
  const std::vector<std::byte> elements = counted(layout.arrays[0]);
  EXPECT_EQ(file.read<std::uint64_t>("provenance/checksums/array", H5T_NATIVE_UINT64), std::vector{checksum(elements)});
  EXPECT_EQ(static_cast<std::int64_t>(file.shape("provenance/seal").at(0)), layout.seal.bytes);
}

TEST(Skeleton, EveryAxisHasADimension) {
  const Scratch scratch;
  write_counted(scratch / "a.h5", small_spec());
  const Hdf5File file(scratch / "a.h5");
  EXPECT_EQ(file.dimension("array", 0), "/row");
  EXPECT_EQ(file.dimension("array", 1), "/col");
  EXPECT_EQ(file.dimension("counts", 0), "/row");
  EXPECT_EQ(file.dimension("provenance/blocks/array/rows", 0), "/provenance/blocks/array/block");
  EXPECT_EQ(file.dimension("provenance/checksums/array", 0), "/provenance/checksums/array_group");
  EXPECT_EQ(file.dimension("provenance/seal", 0), "/provenance/seal_byte");
  // netCDF's mark, with the length in ten columns.
  EXPECT_EQ(file.text("row", "NAME"), "This is a netCDF dimension but not a netCDF variable.       197");
  EXPECT_EQ(file.text("row", "CLASS"), "DIMENSION_SCALE");
}

TEST(Skeleton, HugeArraysAndTheirDimensionsTakeNoSpaceYet) {
  const Scratch scratch;
  const std::string path = scratch / "a.h5";
  write_file(path, "");
  FileSpec spec;
  spec.arrays = {{"long", ElementType::int32, {5'000'000'000, 1, true}, {}},
                 {"wide", ElementType::float64, {3, 500'000'000}, {}}};
  const FileLayout layout = create_whole_skeleton(path, spec);
  EXPECT_EQ(layout.arrays[0].data.bytes, 20'000'000'000);
  EXPECT_EQ(layout.arrays[1].data.bytes, 12'000'000'000);
  struct stat status {};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_size, layout.file_bytes());
  EXPECT_LT(status.st_blocks * 512, 1'000'000);
  const Hdf5File file(path);
  const Hdf5Handle row(H5Dopen2(file.id(), "long_row", H5P_DEFAULT), H5Dclose, "open");
  EXPECT_EQ(H5Dget_storage_size(row.get()), 0U);
  EXPECT_EQ(file.shape("long_row"), std::vector<hsize_t>{5'000'000'000});
}

TEST(Skeleton, SealIsLastWhateverTheFileHolds) {
  const Scratch scratch;
  std::vector<FileSpec> specs(1);
  for (const std::size_t count : {1U, 2U, 9U, 40U}) {
    FileSpec spec = small_spec();
    for (std::size_t n = 0; n < count; ++n) {
      const auto rows = static_cast<std::int64_t>(3 * n + 1);
      spec.arrays.push_back({fmt::format("array{}", n), ElementType::float32, {rows, 7}, {{"expression", "i"}}});
      spec.scalars.push_back({fmt::format("scalar{}", n), 1.0 / 3.0, {}});
      spec.provenance.attributes.push_back({fmt::format("attribute{}", n), std::string(3000, 'x')});
      spec.provenance.phases.push_back({fmt::format("phase{}", n), 1.0});
      spec.provenance.blocks[0].blocks.resize(count * 1000);
    }
    specs.push_back(spec);
  }
  specs.push_back(small_spec());
  specs.back().arrays[0].attributes.push_back({"long", std::string(200'000, 'x')});
  specs.back().provenance.texts.push_back({"long", std::string(3'000'000, 'x')});
  for (const FileSpec& spec : specs) {
    const FileLayout layout = write_counted(scratch / "a.h5", spec);
    EXPECT_EQ(layout.arrays.size(), spec.arrays.size());
    EXPECT_EQ(static_cast<std::int64_t>(std::filesystem::file_size(scratch / "a.h5")), layout.seal.end());
  }
}

TEST(Skeleton, SameContentGivesTheSameBytes) {
  const Scratch scratch;
  write_counted(scratch / "a.h5", small_spec());
  write_file(scratch / "b.h5", std::string(1'000'000, 'x'));
  write_counted(scratch / "b.h5", small_spec());
  EXPECT_TRUE(read_file(scratch / "a.h5") == read_file(scratch / "b.h5"));
}

TEST(Skeleton, IsMadeWhileItsFileIsLocked) {
  ASSERT_TRUE(kLocksDemanded);
  const Scratch scratch;
  const std::string path = scratch / "a.h5";
  write_file(path, "");
  const int descriptor = open(path.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_EQ(flock(descriptor, LOCK_EX | LOCK_NB), 0);
  EXPECT_EQ(outcome_of([&] { static_cast<void>(create_whole_skeleton(path, small_spec())); }).message, "");
  const int other = open(path.c_str(), O_RDWR | O_CLOEXEC);
  EXPECT_NE(flock(other, LOCK_EX | LOCK_NB), 0) << "HDF5 has dropped the lock";
  close(other);
  close(descriptor);
}

TEST(Skeleton, FailuresAreErrorsWithAReason) {
  const Scratch scratch;
  const Outcome folder = outcome_of([&] { static_cast<void>(create_whole_skeleton(scratch.folder(), small_spec())); });
  EXPECT_EQ(folder.status, ExitStatus::io);
  EXPECT_NE(folder.message.find("Is a directory"), std::string::npos) << folder.message;
  FileSpec bad_name;
  bad_name.scalars = {{"a/b", 1.0, {}}};
  EXPECT_EQ(outcome_of([&] { static_cast<void>(create_whole_skeleton(scratch / "a.h5", bad_name)); }).status,
            ExitStatus::usage);
}

TEST(Skeleton, AFullDiskIsAShortage) {
  const Scratch scratch;
  const std::string path = scratch / "a.h5";
  write_file(path, "");
  for (const rlim_t bytes : {rlim_t{1'000}, rlim_t{100'000}, rlim_t{1'000'000}}) {
    const int status = in_child([&] {
      signal(SIGXFSZ, SIG_IGN);
      const rlimit limit{bytes, bytes};
      setrlimit(RLIMIT_FSIZE, &limit);
      FileSpec spec = small_spec();
      spec.arrays[0].extents.rows = 100'000;
      static_cast<void>(create_whole_skeleton(path, spec));
      return 0;
    });
    EXPECT_EQ(status, static_cast<int>(ExitStatus::resources)) << bytes;
  }
}

}  // namespace
}  // namespace windrow::io::test
