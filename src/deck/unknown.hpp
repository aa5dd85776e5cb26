#pragma once

#include <span>
#include <string>

#include "deck/state.hpp"

namespace windrow::deck {

/// What to tell about a name that no key or section of this deck has: the nearest one that there is, and where it
/// belongs. `known` are the keys of all jobs.
[[nodiscard]] std::string about_unknown(const Keys::State& state, const Finding& finding,
                                        std::span<const std::string> known);

}  // namespace windrow::deck
