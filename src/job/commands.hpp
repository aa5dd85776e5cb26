#pragma once

#include <optional>
#include <string>
#include <vector>

#include "job/deck_loading.hpp"

// The commands that need no MPI. Each prints its result on standard output and returns the status; errors are thrown.
namespace windrow {

struct DeckArguments {
  std::string deck;  ///< path, or "-"
  std::vector<std::string> overrides;
};

struct PlanOptions {
  int ranks = 0;  ///< 0: as many as this machine has processors
  int nodes = 1;
  std::optional<std::int64_t> node_memory;
  std::optional<std::int64_t> node_shared_memory;
  bool here = false;
  bool json = false;
  bool sbatch = false;
};

ExitStatus check_command(const DeckArguments& arguments, Registry registry);
ExitStatus plan_command(const DeckArguments& arguments, const PlanOptions& options, Registry registry);
ExitStatus deck_command(const std::string& job, Registry registry);
ExitStatus list_command(Registry registry);
ExitStatus help_command(const std::string& job, bool markdown, Registry registry);
ExitStatus verify_command(const std::string& path);

}  // namespace windrow
