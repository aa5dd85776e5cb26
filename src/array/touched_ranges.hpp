#pragma once

#include <optional>
#include <vector>

#include "base/extents.hpp"

namespace windrow {

/// Which bytes of a window this rank has touched. Touching stores zeros where the kernel has no better way: what may
/// hold values already must not be touched again, and what has not been touched must not be written.
class TouchedRanges {
 public:
  /// *Cost*: logarithmic in the number of gaps, linear where it opens or closes one.
  void add(ByteRange bytes);

  /// The first bytes of the range that have not been touched, up to the next that have. *Cost*: logarithmic in the
  /// number of gaps.
  [[nodiscard]] std::optional<ByteRange> first_gap(ByteRange bytes) const;

 private:
  std::vector<ByteRange> ranges_;  ///< sorted, none of which meet; one as a rule
};

}  // namespace windrow
