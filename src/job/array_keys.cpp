#include "job/array_keys.hpp"

#include <algorithm>
#include <limits>
#include <optional>

#include "deck/quote.hpp"
#include "expr/program.hpp"
#include "io/file_spec.hpp"

namespace windrow {
namespace {

constexpr std::int64_t kAsManyAsRanks = -1;
constexpr std::int64_t kOneDimensional = -1;
constexpr std::int64_t kAsInFile = -2;
constexpr std::int64_t kMostBytes = std::int64_t{1} << 62;

/// What is wrong with the text of an expression, and where in it.
std::optional<deck::TextFault> find_fault(const std::string& text) {
  try {
    (void)expr::Program::compile(text);
  } catch (const expr::ExpressionError& error) {
    return deck::TextFault{error.column(), error.what()};
  }
  return std::nullopt;
}

/// The same of a slice.
std::optional<deck::TextFault> find_slice_fault(const std::string& text) {
  if (text.empty()) return std::nullopt;
  std::optional<io::SliceFault> fault;
  (void)io::parse_slice(text, fault);
  if (!fault) return std::nullopt;
  return deck::TextFault{fault->offset, fault->message};
}

}  // namespace

void ArrayKeys::declare(deck::Keys& keys, const std::string& section) {
  section_ = section;
  name_key_ = section + ".name";
  keys.section(section, "the array: its extents, its type, and the expression of its elements");
  keys.text("name", name_, {.default_value = "array", .help = "name of the dataset in the output"});
  declare_elements(keys, std::nullopt,
                   {.example = "offset",
                    .help = "expression of i, j, offset (first row of the block), rows, cols, rank, node, pid, "
                            "pi, e; where(), uniform(), normal(), and numpy's sin(), exp(), sqrt(), minimum(), "
                            "...",
                    .check = find_fault});
}

void ArrayKeys::declare_member(deck::Keys& keys, const std::string& section, const std::string& name) {
  section_ = section;
  name_key_ = section;
  name_ = name;
  declare_elements(keys, kAsInFile,
                   {.default_value = "",
                    .default_text = "none: from a file",
                    .example = "i*cols + j",
                    .help = "expression of i, j, rows, cols, rank, node, pid, pi, e; where(), uniform(), "
                            "normal(), and numpy's sin(), exp(), sqrt(), minimum(), ...",
                    .check = find_fault});
  keys.text(
      "file", source_.path,
      {.default_value = "", .help = "HDF5, netCDF-4 or .npy file that the array is read from, instead of a value"});
  keys.text("dataset", source_.dataset,
            {.default_value = "", .help = "the dataset in an HDF5 or netCDF-4 file; none: its only one"});
  keys.text("slice", source_.slice,
            {.default_value = "",
             .help = "the part that is read, as in Python: 0:1000, ::2; none: all of it",
             .check = find_slice_fault});
}

void ArrayKeys::declare_elements(deck::Keys& keys, std::optional<std::int64_t> default_rows, deck::TextOptions value) {
  keys.integer("rows", rows_,
               {.default_value = default_rows,
                .minimum = 1,
                .words = {{"ranks", kAsManyAsRanks}},
                .default_text = default_rows ? "those of the file" : "",
                .unit = "rows",
                .example = "2000",
                .help = "number of rows; \"ranks\" for one row a rank"});
  keys.integer("cols", cols_,
               {.default_value = kOneDimensional,
                .minimum = 1,
                .default_text =
                    default_rows ? "none: a one-dimensional array, or as in the file" : "none: a one-dimensional array",
                .unit = "columns",
                .example = "10",
                .help = "number of columns"});
  std::vector<deck::Choice> types;
  for (const ElementType type : kDeckTypes) types.push_back({std::string(name_of(type)), ""});
  keys.choice("type", type_, types,
              {.default_value = "float64",
               .default_text = default_rows ? "float64, or as in the file" : "",
               .help = "type of the elements, as numpy names it"});
  keys.expression("value", value_, std::move(value));
}

void ArrayKeys::check(deck::Keys& keys) const {
  try {
    if (!deck::is_name(name_))
      throw Error(ExitStatus::usage, "'{}' is no name: letters, digits and _, 64 at most, no digit first", name_);
    io::FileSpec file;
    file.arrays.push_back({name_, type_, {1, 1}, {}});
    io::check_names(file);
  } catch (const Error& error) {
    keys.reject(name_key_, error.what());
  }
  check_source(keys);
  if (is_from_file() || rows_ == kAsInFile) return;
  // With rows = "ranks" the rows are known to be few; 2^31 ranks are more than MPI has. Half of the largest number
  // leaves room for all that is added and rounded later.
  const std::int64_t rows = rows_ == kAsManyAsRanks ? std::int64_t{1} << 31 : rows_;
  const std::int64_t cols = std::max<std::int64_t>(cols_, 1);
  std::int64_t bytes = 0;
  if (__builtin_mul_overflow(rows, cols, &bytes) || __builtin_mul_overflow(bytes, bytes_of(type_), &bytes) ||
      bytes > kMostBytes)
    keys.reject(section_ + ".rows",
                fmt::format("{} rows x {} columns x {} bytes are more than 2^62 bytes", rows, cols, bytes_of(type_)));
}

/// An array has an expression and rows, or a file; what is said besides the file must be so in it.
void ArrayKeys::check_source(deck::Keys& keys) const {
  if (!is_from_file()) {
    if (value_.empty())
      keys.reject(section_, fmt::format("'{}' has neither value nor file: write value = \"EXPRESSION\", or file = "
                                        "\"PATH\"",
                                        name_));
    if (rows_ == kAsInFile) keys.reject(section_, fmt::format("'{}' has no rows, nor a file that has", name_));
    for (const auto& [key, text] : {std::pair{"dataset", source_.dataset}, {"slice", source_.slice}})
      if (!text.empty()) keys.reject(fmt::format("{}.{}", section_, key), fmt::format("{} is of a file", key));
    return;
  }
  if (!value_.empty()) keys.reject(section_ + ".value", fmt::format("'{}' has a file already: value or file", name_));
  if (rows_ == kAsManyAsRanks)
    keys.reject(section_ + ".rows", "rows are as many as in the file, whatever the number of ranks");
  if (!dataset_) {
    try {
      dataset_ = std::make_shared<const io::InputDataset>(source_);
    } catch (const Error& error) {
      keys.fail(section_ + ".file", error);
    }
  }
  if (!keys.given(section_ + ".type")) type_in_file_ = dataset_->natural_type();
  const Extents extents = dataset_->extents();
  const auto reject_other = [&](std::string_view key, std::int64_t wanted, std::int64_t found) {
    if (wanted > 0 && wanted != found)
      keys.reject(fmt::format("{}.{}", section_, key),
                  fmt::format("{} has {} {}, not {}; leave {} out, or read a part by slice", dataset_->name(), found,
                              key, wanted, key));
  };
  reject_other("rows", rows_, extents.rows);
  if (cols_ > 0 && extents.one_dimensional)
    keys.reject(section_ + ".cols", fmt::format("{} is one-dimensional; leave cols out", dataset_->name()));
  else
    reject_other("cols", cols_, extents.cols);
}

PlannedArray ArrayKeys::planned(int ranks) const {
  return {.shape = shape(ranks),
          .description = is_from_file() ? dataset_->description() : value_,
          .type_key = section_ + ".type"};
}

ArrayShape ArrayKeys::shape(int ranks) const {
  if (is_from_file()) return {name_, type(), dataset_->extents()};
  const bool one_dimensional = cols_ == kOneDimensional;
  return {name_, type_, {rows_ == kAsManyAsRanks ? ranks : rows_, one_dimensional ? 1 : cols_, one_dimensional}};
}

}  // namespace windrow
