#include "io/input_dataset.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <utility>
#include <vector>

#include "base/units.hpp"
#include "io/hdf5_input.hpp"
#include "io/npy_header.hpp"

namespace windrow::io {
namespace {

std::string first_bytes(const FileReader& file, std::int64_t offset, std::int64_t most) {
  std::string bytes(static_cast<std::size_t>(std::clamp<std::int64_t>(file.size() - offset, 0, most)), '\0');
  file.read(offset, std::as_writable_bytes(std::span(bytes)));
  return bytes;
}

/// HDF5's signature stands at the file's beginning, or at byte 512, 1024, 2048, ...
bool is_hdf5(const FileReader& file) {
  constexpr std::string_view signature = "\x89HDF\r\n\x1a\n";
  for (std::int64_t offset = 0; offset < file.size(); offset = offset == 0 ? 512 : offset * 2)
    if (first_bytes(file, offset, signature.size()) == signature) return true;
  return false;
}

Selection rows_of(const Selection& selected, RowRange rows) {
  return {selected.start + rows.begin * selected.step, rows.rows(), selected.step};
}

}  // namespace

InputDataset::InputDataset(InputSource source) : source_(std::move(source)), file_(source_.path) {
  const std::string begin = first_bytes(file_, 0, 8);
  if (begin.starts_with(kNpyMagic))
    describe_npy();
  else if (is_hdf5(file_))
    describe_dataset();
  else if (begin.starts_with("CDF"))
    throw Error(ExitStatus::io, "{} is a file of netCDF's classic format\n  convert it: nccopy -k netCDF-4 {} new.nc",
                source_.path, source_.path);
  else
    throw Error(ExitStatus::io, "{} is {}; arrays are read from HDF5, netCDF-4 and .npy files", source_.path,
                begin.empty() ? "empty" : "none of the files that can be read, or damaged");
  if (array_.order != StoredArray::Order::library && checked_add(array_.offset, array_.bytes()) > file_.size())
    throw Error(ExitStatus::io, "{} is cut off: it has {} bytes, and its array ends at byte {}", name(), file_.size(),
                array_.offset + array_.bytes());
  take_slice();
}

void InputDataset::describe_npy() {
  if (!source_.dataset.empty())
    throw Error(ExitStatus::io, "{} is a .npy file, which holds a single array; leave out its dataset, '{}'",
                source_.path, source_.dataset);
  NpyHeader header;
  const std::string begin = first_bytes(file_, 0, kMostNpyHeaderBytes);
  try {
    header = parse_npy_header(begin);
  } catch (const Error& error) {
    throw Error(error.status(), "cannot read {}: {}", source_.path, error.what());
  }
  const std::size_t rank = header.extents.size();
  if (!array_.take_extents(header.extents, source_.is_of_samples))
    throw Error(ExitStatus::io, "{} has {} dimensions; {} can be read", source_.path, rank,
                source_.is_of_samples ? "samples in 2 or 3, the first of which is the sample," : "arrays of 1 or 2");
  array_.format = header.format;
  array_.offset = header.header_bytes;
  array_.order = header.fortran_order && rank > 1 ? StoredArray::Order::columns : StoredArray::Order::rows;
  if (rank == 3 && array_.order == StoredArray::Order::columns)
    throw Error(ExitStatus::io, "{} holds three dimensions in Fortran's order; save np.ascontiguousarray of it",
                source_.path);
  std::int64_t bytes = 0;
  if (__builtin_mul_overflow(array_.extents[0], array_.extents[1], &bytes) ||
      __builtin_mul_overflow(bytes, std::int64_t{array_.format.bytes}, &bytes) ||
      __builtin_add_overflow(bytes, array_.offset, &bytes))
    throw Error(ExitStatus::io, "{} claims {} x {} elements: the file is damaged", source_.path, array_.extents[0],
                array_.extents[1]);
}

void InputDataset::describe_dataset() {
  Hdf5Dataset described = describe_hdf5(file_, source_.dataset, source_.is_of_samples);
  array_ = described.array;
  dataset_ = std::move(described.name);
}

void InputDataset::take_slice() {
  std::optional<SliceFault> fault;
  std::vector<AxisSlice> axes;
  if (!source_.slice.empty()) axes = parse_slice(source_.slice, fault);
  if (fault) throw Error(ExitStatus::usage, "the slice '{}': {}", source_.slice, fault->message);
  const std::size_t rank = array_.one_dimensional ? 1 : 2;
  if (source_.is_of_samples && axes.size() > 1)
    throw Error(ExitStatus::io, "the slice '{}' of {} has {} dimensions: it takes samples, and those whole",
                source_.slice, name(), axes.size());
  if (axes.size() > rank)
    throw Error(ExitStatus::io, "{} has {} dimension{}, and the slice '{}' has {}", name(), rank, rank == 1 ? "" : "s",
                source_.slice, axes.size());
  axes.resize(rank);
  part_.rows = rank == 1 ? Selection{0, 1, 1} : axes.front().of(array_.extents[0]);
  part_.cols = (source_.is_of_samples ? AxisSlice{} : axes.back()).of(array_.extents[1]);
  if (part_.rows.count > 0 && part_.cols.count > 0) return;
  const std::string shape =
      rank == 1 ? fmt::format("{}", array_.extents[1]) : fmt::format("{} x {}", array_.extents[0], array_.extents[1]);
  throw Error(ExitStatus::io, "{} has {} elements{}", name(), shape,
              source_.slice.empty() ? ": none to read" : fmt::format(", and the slice '{}' takes none", source_.slice));
}

Extents InputDataset::extents() const {
  if (array_.one_dimensional) return {part_.cols.count, 1, true};
  return {part_.rows.count, part_.cols.count, false};
}

Extents InputDataset::sample() const {
  const bool one_dimensional = array_.sample[1] == 0;
  return {array_.sample[0], one_dimensional ? 1 : array_.sample[1], one_dimensional};
}

std::int64_t InputDataset::bytes() const {
  return checked_multiply(extents().elements(), array_.format.bytes);
}

std::int64_t InputDataset::chunk_rows() const {
  if (array_.order != StoredArray::Order::library) return 1;
  const std::int64_t rows = array_.chunk[array_.one_dimensional ? 1 : 0];
  return std::max<std::int64_t>(rows / dealt().step, 1);
}

std::string InputDataset::name() const {
  return dataset_.empty() ? source_.path : fmt::format("{}:{}", source_.path, dataset_);
}

std::string InputDataset::description() const {
  const char* const order = array_.order == StoredArray::Order::rows      ? "contiguous"
                            : array_.order == StoredArray::Order::columns ? "column after column"
                            : array_.is_compressed                        ? "compressed chunks"
                            : array_.chunk[1] > 0 && array_.chunk[0] > 0  ? "chunks"
                                                                          : "by the HDF5 library";
  return fmt::format("reads {} from {} ({}, {})", format_bytes(bytes()), name(), name_of(array_.format), order);
}

void InputDataset::read(ElementType type, RowRange rows, std::byte* destination) const {
  if (rows.empty()) return;
  Part part = part_;
  (array_.one_dimensional ? part.cols : part.rows) = rows_of(dealt(), rows);
  try {
    if (array_.order == StoredArray::Order::library)
      read_by_library(file_, {dataset_, array_}, part, type, destination);
    else
      read_plain(file_, array_, part, type, destination);
    file_.check_unchanged();
  } catch (const UnheldNumber&) {
    throw Error(ExitStatus::io,
                "{} has numbers of 2^63 and more, which int64 does not hold\n"
                "  read it as real numbers: type = \"float64\"",
                name());
  } catch (const Error& error) {
    // A file that ends early is no failed verification here.
    if (error.status() != ExitStatus::verification) throw;
    throw Error(ExitStatus::io, error.what());
  }
}

}  // namespace windrow::io
