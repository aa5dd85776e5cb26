#include "io/hdf5_input.hpp"

#include <hdf5.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <type_traits>
#include <vector>

#include "base/units.hpp"
#include "io/hdf5_handles.hpp"
#include "io/isolated.hpp"

namespace windrow::io {
namespace {

using Kind = NumberFormat::Kind;

constexpr std::int64_t kBlockBytes = 16 * kMiB;
constexpr std::int64_t kMostBlockBytes = 256 * kMiB;
constexpr std::size_t kMostNamesTold = 10;

[[noreturn]] void refuse(const std::string& what, std::string_view why) {
  throw Error(ExitStatus::io, "{} {}", what, why);
}

// By its descriptor: another file may have its name by now.
Hdf5Handle open_file(const FileReader& input) {
  prepare_hdf5();
  const Hdf5Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, "make a property list");
  never_lock(access.get());
  return {H5Fopen(input.held_path().c_str(), H5F_ACC_RDONLY, access.get()), H5Fclose,
          fmt::format("open {}", input.path())};
}

// A link that leads to another file is not followed: into which, is noted.
herr_t refuse_external_link(const char*, const char*, const char* file, const char*, unsigned*, hid_t, void* noted) {
  *static_cast<std::string*>(noted) = file;
  return -1;
}

struct Found {
  std::vector<std::string> datasets;
  hid_t file;
  bool is_ours;  ///< an output of this program: its /provenance is no data
};

/// Neither a scale of an axis nor a single number.
bool is_array(hid_t dataset) {
  if (H5Aexists(dataset, "CLASS") > 0 && H5Aexists(dataset, "NAME") > 0) return false;
  const hid_t space = H5Dget_space(dataset);
  const bool has_axes = H5Sget_simple_extent_ndims(space) != 0;
  H5Sclose(space);
  return has_axes;
}

herr_t note_dataset(hid_t, const char* name, const H5L_info_t* info, void* data) {
  auto& found = *static_cast<Found*>(data);
  if (info->type != H5L_TYPE_HARD) return 0;
  if (found.is_ours && std::string_view(name).starts_with("provenance/")) return 0;
  const hid_t object = H5Oopen(found.file, name, H5P_DEFAULT);
  if (object < 0) return 0;
  if (H5Iget_type(object) == H5I_DATASET && is_array(object)) found.datasets.push_back(std::string("/") + name);
  H5Oclose(object);
  return found.datasets.size() > kMostNamesTold ? 1 : 0;
}

std::vector<std::string> names_of_datasets(hid_t file) {
  Found found{.datasets = {}, .file = file, .is_ours = H5Aexists(file, "windrow_format") > 0};
  H5Lvisit(file, H5_INDEX_NAME, H5_ITER_INC, note_dataset, &found);
  return found.datasets;
}

std::string told(const std::vector<std::string>& names) {
  if (names.empty()) return "it has no dataset";
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kMostNamesTold); ++i)
    text += fmt::format("{}{}", i == 0 ? "" : ", ", names[i]);
  return fmt::format("it has {}{}", text, names.size() > kMostNamesTold ? ", ..." : "");
}

std::string only_dataset(hid_t file, const std::string& path) {
  const std::vector<std::string> names = names_of_datasets(file);
  if (names.size() == 1) return names.front();
  throw Error(ExitStatus::io, "{}: which dataset? {}\n  give its name: dataset = \"...\"", path, told(names));
}

Hdf5Handle open_dataset(hid_t file, const std::string& path, const std::string& name) {
  const std::string whole = fmt::format("{}:{}", path, name);
  const Hdf5Handle access(H5Pcreate(H5P_LINK_ACCESS), H5Pclose, "make a property list");
  std::string other_file;
  hdf5_ok(H5Pset_elink_cb(access.get(), refuse_external_link, &other_file), "refuse links to other files");
  const hid_t object = H5Oopen(file, name.c_str(), access.get());
  if (!other_file.empty())
    throw Error(ExitStatus::io, "{} is a link to the file {}, which is not followed; give that file", whole,
                other_file);
  if (object < 0) throw Error(ExitStatus::io, "{} has no dataset {}: {}", path, name, told(names_of_datasets(file)));
  Hdf5Handle handle(object, H5Oclose, "open a dataset");
  if (H5Iget_type(object) == H5I_GROUP)
    throw Error(ExitStatus::io, "{} is a group, no dataset: {}", whole, told(names_of_datasets(file)));
  if (H5Iget_type(object) != H5I_DATASET) refuse(whole, "is a named type, no dataset");
  return handle;
}

std::string_view name_of_class(H5T_class_t type_class) {
  switch (type_class) {
    case H5T_STRING:
      return "text";
    case H5T_COMPOUND:
      return "records (or complex numbers)";
    case H5T_TIME:
      return "times";
    case H5T_BITFIELD:
      return "bit fields";
    case H5T_OPAQUE:
      return "raw bytes";
    case H5T_REFERENCE:
      return "references";
    case H5T_VLEN:
      return "lists of various lengths";
    case H5T_ARRAY:
      return "small arrays";
    default:
      return "no numbers";
  }
}

bool equals(hid_t type, hid_t known) {
  return H5Tequal(type, known) > 0;
}

/// h5py's bool: one byte that is called FALSE or TRUE.
bool is_truth(hid_t enumeration) {
  const auto value_is = [&](const char* name, std::int8_t wanted) {
    std::int8_t value = -1;
    return H5Tenum_valueof(enumeration, name, &value) >= 0 && value == wanted;
  };
  return H5Tget_size(enumeration) == 1 && H5Tget_nmembers(enumeration) == 2 && value_is("FALSE", 0) &&
         value_is("TRUE", 1);
}

/// The attribute of an object that is a short text; "" if there is none.
std::string text_attribute(hid_t object, const char* name) {
  constexpr std::size_t most = 64;
  if (H5Aexists(object, name) <= 0) return {};
  const Hdf5Handle attribute(H5Aopen(object, name, H5P_DEFAULT), H5Aclose, "open an attribute");
  const Hdf5Handle type(H5Aget_type(attribute.get()), H5Tclose, "read the type of an attribute");
  const Hdf5Handle space(H5Aget_space(attribute.get()), H5Sclose, "read the extents of an attribute");
  if (H5Tget_class(type.get()) != H5T_STRING || H5Sget_simple_extent_npoints(space.get()) != 1) return {};
  if (H5Tis_variable_str(type.get()) > 0) {
    char* text = nullptr;
    if (H5Aread(attribute.get(), type.get(), &text) < 0 || text == nullptr) return {};
    std::string value(text, strnlen(text, most));
    H5free_memory(text);
    return value;
  }
  std::array<char, most> text{};
  if (H5Tget_size(type.get()) > most || H5Aread(attribute.get(), type.get(), text.data()) < 0) return {};
  return {text.data(), strnlen(text.data(), most)};
}

/// A number type of the file: as it is stored if `plain`, and as the library hands it out.
struct NumberType {
  NumberFormat format;
  bool plain = false;
};

NumberType number_type(hid_t type, const std::string& whole) {
  const H5T_class_t type_class = H5Tget_class(type);
  if (type_class == H5T_ENUM) {
    if (is_truth(type)) return {{Kind::boolean, 1, false}, true};
    const Hdf5Handle base(H5Tget_super(type), H5Tclose, "read a type");
    return number_type(base.get(), whole);
  }
  const bool is_real = type_class == H5T_FLOAT;
  if (!is_real && type_class != H5T_INTEGER)
    throw Error(ExitStatus::io, "{} holds {}; integers and real numbers can be read", whole, name_of_class(type_class));
  if (is_real) {
    if (equals(type, H5T_IEEE_F64LE)) return {{Kind::floating, 8, false}, true};
    if (equals(type, H5T_IEEE_F64BE)) return {{Kind::floating, 8, true}, true};
    if (equals(type, H5T_IEEE_F32LE)) return {{Kind::floating, 4, false}, true};
    if (equals(type, H5T_IEEE_F32BE)) return {{Kind::floating, 4, true}, true};
    // Half, long double and others: a double holds them, long double rounded.
    return {{Kind::floating, 8, false}, false};
  }
  const Kind kind = H5Tget_sign(type) == H5T_SGN_NONE ? Kind::unsigned_integer : Kind::signed_integer;
  const std::size_t bytes = H5Tget_size(type);
  const bool is_whole = H5Tget_precision(type) == 8 * bytes && H5Tget_offset(type) == 0;
  const bool is_usual = is_whole && (bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8);
  const H5T_order_t order = H5Tget_order(type);
  if (!is_usual || (order != H5T_ORDER_LE && order != H5T_ORDER_BE)) return {{kind, 8, false}, false};
  return {{kind, static_cast<std::int8_t>(bytes), order == H5T_ORDER_BE}, true};
}

/// The same number in memory, as the library hands it out.
hid_t memory_type(const NumberFormat& format) {
  const bool is_signed = format.kind == Kind::signed_integer;
  switch (format.bytes) {
    case 1:
      return is_signed || format.kind == Kind::boolean ? H5T_NATIVE_INT8 : H5T_NATIVE_UINT8;
    case 2:
      return is_signed ? H5T_NATIVE_INT16 : H5T_NATIVE_UINT16;
    case 4:
      return format.kind == Kind::floating ? H5T_NATIVE_FLOAT : is_signed ? H5T_NATIVE_INT32 : H5T_NATIVE_UINT32;
    default:
      return format.kind == Kind::floating ? H5T_NATIVE_DOUBLE : is_signed ? H5T_NATIVE_INT64 : H5T_NATIVE_UINT64;
  }
}

void take_extents(StoredArray& array, hid_t dataset, const std::string& whole, bool is_of_samples) {
  const Hdf5Handle space(H5Dget_space(dataset), H5Sclose, fmt::format("read the extents of {}", whole));
  const bool is_simple = H5Sget_simple_extent_type(space.get()) == H5S_SIMPLE;
  const int rank = is_simple ? H5Sget_simple_extent_ndims(space.get()) : 0;
  std::array<hsize_t, H5S_MAX_RANK> extents{};
  if (rank > 0) hdf5_ok(H5Sget_simple_extent_dims(space.get(), extents.data(), nullptr), "read extents");
  constexpr hsize_t most = std::numeric_limits<std::int64_t>::max();
  std::vector<std::int64_t> axes;
  for (int axis = 0; axis < rank; ++axis)
    axes.push_back(static_cast<std::int64_t>(std::min(extents[static_cast<std::size_t>(axis)], most)));
  if (!array.take_extents(axes, is_of_samples))
    throw Error(ExitStatus::io, "{} has {} dimensions; {} can be read", whole, rank,
                is_of_samples ? "samples in 2 or 3, the first of which is the sample," : "arrays of 1 or 2");
  const auto [rows, cols] = std::pair(array.extents[0], array.extents[1]);
  if (rows != 0 && cols > std::numeric_limits<std::int64_t>::max() / 16 / rows)
    throw Error(ExitStatus::io, "{} has {} x {} elements, more than any memory holds, unless the file is damaged",
                whole, rows, cols);
}

void check_filters(StoredArray& array, hid_t properties, const std::string& whole) {
  const int filters = H5Pget_nfilters(properties);
  for (int i = 0; i < filters; ++i) {
    unsigned flags = 0;
    unsigned config = 0;
    std::size_t values = 0;
    std::array<char, 64> name{};
    const H5Z_filter_t filter = H5Pget_filter2(properties, static_cast<unsigned>(i), &flags, &values, nullptr,
                                               name.size(), name.data(), &config);
    if (filter < 0) refuse(whole, "has a filter that cannot be read: the file is damaged");
    if (H5Zfilter_avail(filter) <= 0)
      throw Error(ExitStatus::io,
                  "{} is compressed by filter {} ({}), which this HDF5 library does not have\n"
                  "  have its plugin found by HDF5_PLUGIN_PATH, or: h5repack -f GZIP=4 ...",
                  whole, filter, name.data());
    array.is_compressed = array.is_compressed || (filter != H5Z_FILTER_SHUFFLE && filter != H5Z_FILTER_FLETCHER32);
  }
}

StoredArray describe(hid_t dataset, const std::string& whole, bool is_of_samples) {
  StoredArray array;
  const Hdf5Handle type(H5Dget_type(dataset), H5Tclose, fmt::format("read the type of {}", whole));
  NumberType number = number_type(type.get(), whole);
  // xarray and this program keep truth values as int8 with a note.
  if (number.format == NumberFormat{Kind::signed_integer, 1, false} && text_attribute(dataset, "dtype") == "bool")
    number.format.kind = Kind::boolean;
  take_extents(array, dataset, whole, is_of_samples);
  const Hdf5Handle properties(H5Dget_create_plist(dataset), H5Pclose, fmt::format("read the layout of {}", whole));
  const H5D_layout_t layout = H5Pget_layout(properties.get());
  if (layout == H5D_VIRTUAL) refuse(whole, "is a virtual dataset, made of others; give those");
  if (H5Pget_external_count(properties.get()) != 0)
    refuse(whole, "has its elements in other files, which are not read");
  check_filters(array, properties.get(), whole);
  // With a user block, the library gives an offset also for what was never written.
  H5D_space_status_t space = H5D_SPACE_STATUS_NOT_ALLOCATED;
  hdf5_ok(H5Dget_space_status(dataset, &space), fmt::format("look for the elements of {}", whole));
  const bool is_there = layout == H5D_CONTIGUOUS && space == H5D_SPACE_STATUS_ALLOCATED;
  const haddr_t offset = is_there ? H5Dget_offset(dataset) : HADDR_UNDEF;
  if (number.plain && offset != HADDR_UNDEF) {
    array.format = number.format;
    array.offset = static_cast<std::int64_t>(offset);
    return array;
  }
  array.order = StoredArray::Order::library;
  array.format = number.format;
  array.format.big_endian = false;
  if (layout == H5D_CHUNKED) {
    std::array<hsize_t, 3> chunk{1, 1, 1};
    hdf5_ok(H5Pget_chunk(properties.get(), 3, chunk.data()), "read the extents of chunks");
    array.chunk[0] = array.one_dimensional ? 1 : static_cast<std::int64_t>(chunk[0]);
    array.chunk[1] = static_cast<std::int64_t>(array.one_dimensional ? chunk[0] : chunk[1] * chunk[2]);
  }
  return array;
}

/// Memory that a child process shares with this one.
class SharedBuffer {
 public:
  explicit SharedBuffer(std::int64_t bytes) : bytes_(static_cast<std::size_t>(bytes)) {
    memory_ = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory_ == MAP_FAILED)
      throw Error(ExitStatus::resources, "no {} for a buffer: {}", format_bytes(bytes), errno_text(errno));
  }
  SharedBuffer(const SharedBuffer&) = delete;
  SharedBuffer& operator=(const SharedBuffer&) = delete;
  ~SharedBuffer() { munmap(memory_, bytes_); }

  [[nodiscard]] std::byte* data() const { return static_cast<std::byte*>(memory_); }
  [[nodiscard]] std::int64_t bytes() const { return static_cast<std::int64_t>(bytes_); }

 private:
  std::size_t bytes_;
  void* memory_;
};

/// In a child: a part of the dataset, which must be what it was, into memory, row after row.
void read_block(const FileReader& input, const Hdf5Dataset& dataset, const Part& part, std::byte* memory) {
  const std::string whole = fmt::format("{}:{}", input.path(), dataset.name);
  const Hdf5Handle file = open_file(input);
  const Hdf5Handle object = open_dataset(file.get(), input.path(), dataset.name);
  StoredArray now;
  const StoredArray& before = dataset.array;
  take_extents(now, object.get(), whole, before.sample[0] != 0);
  if (!std::ranges::equal(now.extents, before.extents) || !std::ranges::equal(now.sample, before.sample))
    refuse(whole, "has changed while it was read");
  const Hdf5Handle space(H5Dget_space(object.get()), H5Sclose, "read extents");
  // A one-dimensional array has columns alone; the columns of a sample are its own two axes, whole.
  const std::size_t skipped = now.one_dimensional ? 1 : 0;
  const bool has_three = now.sample[1] != 0;
  const auto of = [&](std::int64_t row, std::int64_t col, std::int64_t inner) {
    return std::array{static_cast<hsize_t>(row), static_cast<hsize_t>(col), static_cast<hsize_t>(inner)};
  };
  const auto start = of(part.rows.start, part.cols.start, 0);
  const auto step = of(part.rows.step, part.cols.step, 1);
  const auto count = of(part.rows.count, has_three ? now.sample[0] : part.cols.count, has_three ? now.sample[1] : 1);
  hdf5_ok(H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, &start[skipped], &step[skipped], &count[skipped], nullptr),
          "select a part");
  const Hdf5Handle block(H5Screate_simple(3, count.data(), nullptr), H5Sclose, "describe a block");
  hdf5_ok(H5Dread(object.get(), memory_type(dataset.array.format), block.get(), space.get(), H5P_DEFAULT, memory),
          fmt::format("read {}", whole));
}

/// How many of the selected numbers along an axis to read at once: `most` at most, and to a border of chunks.
std::int64_t block_count(const Selection& selected, std::int64_t done, std::int64_t most, std::int64_t chunk) {
  const std::int64_t count = std::min(most, selected.count - done);
  const std::int64_t first = selected.start + done * selected.step;
  const std::int64_t end = first + (count - 1) * selected.step + 1;
  const std::int64_t border = chunk > 0 ? end / chunk * chunk : 0;
  if (done + count == selected.count || border <= first) return count;
  return (border - first - 1) / selected.step + 1;
}

}  // namespace

Hdf5Dataset describe_hdf5(const FileReader& input, const std::string& dataset, bool is_of_samples) {
  const std::string& path = input.path();
  static_assert(std::is_trivially_copyable_v<StoredArray>, "it comes through a pipe");
  const std::string answer = isolated(fmt::format("read {}", path), kGiB, [&] {
    const Hdf5Handle file = open_file(input);
    const std::string name = dataset.empty() ? only_dataset(file.get(), path) : dataset;
    const Hdf5Handle object = open_dataset(file.get(), path, name);
    const StoredArray array = describe(object.get(), fmt::format("{}:{}", path, name), is_of_samples);
    std::string bytes(sizeof array, '\0');
    std::memcpy(bytes.data(), &array, sizeof array);
    return bytes + (name.starts_with('/') ? "" : "/") + name;
  });
  Hdf5Dataset described;
  std::memcpy(&described.array, answer.data(), sizeof described.array);
  described.name = answer.substr(sizeof described.array);
  return described;
}

void read_by_library(const FileReader& input, const Hdf5Dataset& dataset, const Part& part, ElementType type,
                     std::byte* destination) {
  if (part.rows.count == 0 || part.cols.count == 0) return;
  const StoredArray& array = dataset.array;
  const bool by_columns = array.one_dimensional;
  const Selection& dealt = by_columns ? part.cols : part.rows;
  const std::int64_t line = (by_columns ? 1 : part.cols.count) * array.format.bytes;
  const std::int64_t chunk = array.chunk[by_columns ? 1 : 0];
  const std::int64_t chunk_bytes = chunk > kMostBlockBytes / line ? kMostBlockBytes : chunk * line;
  const std::int64_t most = std::max<std::int64_t>(1, std::max(kBlockBytes, chunk_bytes) / line);
  const SharedBuffer buffer(checked_multiply(std::min(most, dealt.count), line));
  const std::int64_t spare = checked_add(kGiB, 4 * buffer.bytes());
  for (std::int64_t done = 0; done < dealt.count;) {
    const std::int64_t count = block_count(dealt, done, most, chunk);
    Part block = part;
    (by_columns ? block.cols : block.rows) = {dealt.start + done * dealt.step, count, dealt.step};
    static_cast<void>(isolated(fmt::format("read {}:{}", input.path(), dataset.name), spare, [&] {
      read_block(input, dataset, block, buffer.data());
      return std::string();
    }));
    const std::int64_t elements = count * line / array.format.bytes;
    convert({buffer.data(), array.format.bytes, elements, array.format}, type, destination);
    destination += elements * bytes_of(type);
    done += count;
  }
}

}  // namespace windrow::io
