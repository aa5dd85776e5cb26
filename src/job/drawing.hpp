#pragma once

#include <string>

#include "job/context.hpp"

namespace windrow {

/// The picture of an array as a PNG file, on world rank 0; "" elsewhere. *Collective over* the world, after a phase.
/// *Cost*: the shown elements, 8 MB at most, go to world rank 0; 0.1 s there. *Throws*: as NodeMemory::together().
[[nodiscard]] std::string picture_of(Context& context, const std::string& array, const std::string& title);

}  // namespace windrow
