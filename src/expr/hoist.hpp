#pragma once

#include <optional>

#include "expr/program.hpp"

namespace windrow::expr {

/// A program in two: what depends on the column alone is computed once for all rows.
struct Hoisted {
  Program columns;  ///< its results are lanes for each column
  Program rest;     ///< reads them as its last inputs, with Reach::column
};

struct HoistOptions {
  bool is_one_of_many = false;  ///< inputs, parameters and the sample's number change: what depends on them stays
};

/// None where nothing is to be gained: there is no such part, the rows are short, or a row of it would not stay in the
/// caches.
[[nodiscard]] std::optional<Hoisted> hoist(const Program& program, const Extents& extents, HoistOptions options = {});

}  // namespace windrow::expr
