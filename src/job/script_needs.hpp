#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "expr/script.hpp"
#include "job/job.hpp"

namespace windrow {

/// What a script needs besides the arrays that were there before.
void add_needs(JobNeeds& needs, const expr::Script& script, int ranks);

/// Has arrays pass through the window, as far as no pass needs them whole. `chunk_rows` tells of arrays in files how
/// many rows their chunks have.
void stream(JobNeeds& needs, const expr::Script& script, const std::map<std::string, std::int64_t>& chunk_rows);

}  // namespace windrow
