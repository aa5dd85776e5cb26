#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "job/plan.hpp"

namespace windrow {

/// What a batch script shall run.
struct BatchCommand {
  std::string windrow;  ///< the program's path
  std::string deck;     ///< its path
  std::vector<std::string> overrides;
};

/// slurm/windrow.sbatch, as it was when the program was built.
[[nodiscard]] std::string_view batch_template();

/// A batch script that asks Slurm for what was planned and runs the deck: slurm/windrow.sbatch with some lines
/// replaced. *Throws*: Error(usage), on the calling rank, for more bytes than 64 bits can count.
[[nodiscard]] std::string batch_script(const Plan& plan, const BatchCommand& command);

}  // namespace windrow
