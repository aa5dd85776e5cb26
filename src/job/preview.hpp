#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "array/shared_array.hpp"

namespace windrow {

/// The array as numpy would print it: its corners if it is large. *Collective over* the world, after a phase.
/// *Cost*: a message of a few hundred bytes a node. *Throws*: as NodeMemory::together(). Returns the text on world rank
/// 0, "" elsewhere.
[[nodiscard]] std::string preview(const SharedArray& array);
/// The same of elements that have been kept: of each row that is shown, on the leader of the node that has it.
[[nodiscard]] std::string preview(NodeMemory& memory, const ArrayShape& shape,
                                  const std::map<std::int64_t, std::vector<std::byte>>& rows);

}  // namespace windrow
