#pragma once

#include <string>

#include "array/shared_array.hpp"

namespace windrow {

/// The array as numpy would print it: its corners if it is large. *Collective over* the world, after a phase.
/// *Cost*: a message of a few hundred bytes a node. *Throws*: as NodeMemory::together(). Returns the text on world rank
/// 0, "" elsewhere.
[[nodiscard]] std::string preview(const SharedArray& array);

}  // namespace windrow
