// Prints the elements of an array of a file, for a test to compare them with what numpy reads:
//     read_input FILE DATASET SLICE TYPE PARTS
// DATASET and SLICE may be empty; TYPE "" is the natural one. The rows are read in PARTS row blocks. Standard output:
// a line "TYPE ROWS COLS" (COLS is 0 of a one-dimensional array), a line of description, and the bytes.

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <vector>

#include "base/partition.hpp"
#include "io/input_dataset.hpp"

namespace {

int print(const windrow::io::InputSource& source, const std::string& type_name, std::int64_t parts) {
  const windrow::io::InputDataset input(source);
  const windrow::ElementType type = windrow::element_type_from(type_name).value_or(input.natural_type());
  const windrow::Extents extents = input.extents();
  const std::int64_t row_bytes = extents.cols * windrow::bytes_of(type);
  std::vector<std::byte> bytes(static_cast<std::size_t>(extents.bytes(type)));
  for (std::int64_t part = 0; part < parts; ++part) {
    const windrow::RowRange rows = windrow::row_block(extents.rows, parts, part);
    input.read(type, rows, bytes.data() + rows.begin * row_bytes);
  }
  fmt::print("{} {} {}\n{}\n", windrow::name_of(type), extents.rows, extents.one_dimensional ? 0 : extents.cols,
             input.description());
  return std::fwrite(bytes.data(), 1, bytes.size(), stdout) == bytes.size() ? 0 : 1;
}

}  // namespace

int main(int count, char** words) {
  if (count != 6) return 2;
  try {
    return print({words[1], words[2], words[3]}, words[4], std::atoll(words[5]));
  } catch (const windrow::Error& error) {
    windrow::say(error.what());
    return static_cast<int>(error.status());
  } catch (const std::exception&) {  // std::bad_alloc, std::length_error: a run would have planned its memory
    windrow::say("no memory for so many elements");
    return static_cast<int>(windrow::ExitStatus::resources);
  }
}
