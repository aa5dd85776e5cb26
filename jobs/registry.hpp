#pragma once

#include "job/job.hpp"

namespace windrow::jobs {

/// The table of jobs, in the order in which `windrow list` shows them.
[[nodiscard]] Registry registry();

}  // namespace windrow::jobs
