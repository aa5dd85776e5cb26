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

}  // namespace

void ArrayKeys::declare(deck::Keys& keys, const std::string& section) {
  section_ = section;
  name_key_ = section + ".name";
  keys.section(section, "the array: its extents, its type, and the expression of its elements");
  keys.text("name", name_, {.default_value = "array", .help = "name of the dataset in the output"});
  declare_elements(keys, {.example = "offset",
                          .help = "expression of i, j, offset (first row of the block), rows, cols, rank, node, pid, "
                                  "pi, e; where(), uniform(), normal(), and numpy's sin(), exp(), sqrt(), minimum(), "
                                  "...",
                          .check = find_fault});
}

void ArrayKeys::declare_member(deck::Keys& keys, const std::string& section, const std::string& name) {
  section_ = section;
  name_key_ = section;
  name_ = name;
  declare_elements(keys, {.example = "i*cols + j",
                          .help = "expression of i, j, rows, cols, rank, node, pid, pi, e; where(), uniform(), "
                                  "normal(), and numpy's sin(), exp(), sqrt(), minimum(), ...",
                          .check = find_fault});
}

void ArrayKeys::declare_elements(deck::Keys& keys, deck::TextOptions value) {
  keys.integer("rows", rows_,
               {.minimum = 1,
                .words = {{"ranks", kAsManyAsRanks}},
                .unit = "rows",
                .example = "2000",
                .help = "number of rows; \"ranks\" for one row a rank"});
  keys.integer("cols", cols_,
               {.default_value = kOneDimensional,
                .minimum = 1,
                .default_text = "none: a one-dimensional array",
                .unit = "columns",
                .example = "10",
                .help = "number of columns"});
  std::vector<deck::Choice> types;
  for (const ElementType type : kDeckTypes) types.push_back({std::string(name_of(type)), ""});
  keys.choice("type", type_, types, {.default_value = "float64", .help = "type of the elements, as numpy names it"});
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

PlannedArray ArrayKeys::planned(int ranks) const {
  return {.shape = shape(ranks), .description = value_, .type_key = section_ + ".type"};
}

ArrayShape ArrayKeys::shape(int ranks) const {
  const bool one_dimensional = cols_ == kOneDimensional;
  return {name_, type_, {rows_ == kAsManyAsRanks ? ranks : rows_, one_dimensional ? 1 : cols_, one_dimensional}};
}

}  // namespace windrow
