#pragma once

#include "base/error.hpp"

namespace windrow {

/// Tells what on this machine will make runs fail or slow, with the remedy; removes, if asked to, what dead runs of
/// this user have left. Prints on standard output. Returns `done` also with warnings: it is advice.
ExitStatus doctor_command(bool clean);

}  // namespace windrow
