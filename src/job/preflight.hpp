#pragma once

#include <optional>
#include <string>

#include "io/output_target.hpp"
#include "job/plan.hpp"
#include "mpi/topology.hpp"

namespace windrow {

/// Prints on standard error what a user should know of a run that goes on, if there is anything.
void warn_of(const std::optional<std::string>& finding);

/// *Throws*: Error(usage), on the calling rank, if the output is the file of the deck.
void check_is_not_deck(const std::string& output, const std::string& deck);

/// How the pictures of a deck are written.
[[nodiscard]] io::TargetOptions picture_options(const LoadedDeck& deck);
[[nodiscard]] io::TargetOptions timeline_options(const LoadedDeck& deck);

/// Finds out what speaks against writing the pictures, as io::check_output(). Local. *Throws*: likewise.
void check_drawings(const LoadedDeck& deck);

/// Whether every host has the memory, and the shared memory, that the plan needs. *Collective over* the world.
/// *Throws*: AgreedError.
[[nodiscard]] bool fits_memory(const Topology& topology, const LoadedDeck& deck, const Plan& plan);

/// Compares what the plan needs with what every host has free and every rank is allowed, and the file with the disk,
/// before anything is allocated; warns of windows on a disk. *Collective over* the world. *Throws*:
/// AgreedError(resources) on all ranks.
void check_resources(const Topology& topology, const LoadedDeck& deck, const Plan& plan);

}  // namespace windrow
