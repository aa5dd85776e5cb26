#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/extents.hpp"

namespace windrow::io {

struct Attribute {
  std::string name;
  std::variant<std::string, std::int64_t, double> value;
};

/// A dataset at the root of the file, whose bytes are written after the skeleton.
struct ArraySpec {
  std::string name;
  ElementType type = ElementType::float64;
  Extents extents;
  std::vector<Attribute> attributes;
  /// Of samples: each row is one, of these extents; or a number of each, if the array is one-dimensional.
  std::optional<Extents> sample = {};
};

/// A dataset of rank 0 at the root of the file.
struct ScalarSpec {
  std::string name;
  std::variant<std::int64_t, double> value;
  std::vector<Attribute> attributes;
};

/// A text of any length: the deck as given, the effective deck.
struct TextEntry {
  std::string name;
  std::string text;
};

struct PhaseRecord {
  std::string name;
  double seconds = 0.0;
};

/// Who filled a block of rows, and when, counted from the start of the run.
struct BlockRecord {
  std::int64_t first_row = 0;
  std::int64_t rows = 0;
  std::int64_t world_rank = 0;
  double start_s = 0.0;
  double seconds = 0.0;
};

struct ArrayBlocks {
  std::string array;
  std::vector<BlockRecord> blocks;
};

/// How a file came to be: the group /provenance.
struct Provenance {
  std::vector<Attribute> attributes;  ///< versions, ranks, nodes, start, seed
  std::vector<TextEntry> texts;
  std::vector<std::string> hosts;
  std::vector<PhaseRecord> phases;
  std::vector<ArrayBlocks> blocks;
};

/// All that a file holds except the arrays' elements.
struct FileSpec {
  std::string title;
  std::string source;  ///< the program and its version
  std::vector<ArraySpec> arrays;
  std::vector<ScalarSpec> scalars;
  Provenance provenance;
  std::int64_t compression = 0;  ///< of the arrays, 1 to 9; 0: they are not compressed
};

/// Refuses names that HDF5, netCDF or this format cannot hold, and names given twice. *Throws* Error(usage), on the
/// calling rank.
void check_names(const FileSpec& spec);

/// An upper bound of the size in bytes that the file will have: within about a hundred kilobytes, unless it is
/// compressed. *Throws* Error(usage) on overflow, on the calling rank.
[[nodiscard]] std::int64_t estimated_file_bytes(const FileSpec& spec);

/// Of that bound, what does not depend on how small compressed arrays become. *Throws* likewise.
[[nodiscard]] std::int64_t certain_file_bytes(FileSpec spec);

/// A netCDF dimension: the name and the length of an axis.
struct Dimension {
  std::string name;
  std::int64_t length = 0;
};

/// The dimensions of a file's arrays, and which of them each axis of each array has.
struct DimensionPlan {
  std::vector<Dimension> dimensions;
  std::vector<std::vector<std::size_t>> axes;  ///< for each array and axis an index into `dimensions`
};

/// Names the axes: `row` and `col`, with `sample` before them where there are samples, if all arrays agree on the
/// length, else `NAME_row` and so on after the first array that has the length. An underscore is appended where an
/// array or scalar has taken the name.
[[nodiscard]] DimensionPlan plan_dimensions(const FileSpec& spec);

}  // namespace windrow::io
