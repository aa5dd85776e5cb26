#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "array/layout.hpp"
#include "io/file_spec.hpp"
#include "job/deck_loading.hpp"

namespace windrow {

/// What must be free for a node, or for the nodes of a host together, in bytes. The window of a single rank is no
/// shared memory.
struct MemoryNeed {
  std::int64_t shared_memory = 0;
  std::int64_t memory = 0;  ///< shared memory included
};

/// What a run will allocate, place and write, known before it starts.
struct Plan {
  Machine machine;
  JobNeeds needs;
  std::vector<WindowLayout> windows;  ///< one a node
  std::vector<MemoryNeed> hosts;      ///< one a host: pretended nodes share one
  std::string file;                   ///< "" if nothing is written
  bool is_compressed = false;
  std::int64_t file_bytes = 0;          ///< at most
  std::int64_t certain_file_bytes = 0;  ///< of them, what depends neither on how small compressed arrays become nor
                                        ///< on the blocks of the file system

  /// *Cost*: linear in the number of nodes. *Throws*: Error(usage), on the calling rank, for more bytes than 64 bits
  /// can count.
  [[nodiscard]] static Plan make(const LoadedDeck& deck, Machine machine);

  [[nodiscard]] const MemoryNeed& need_of(int host) const { return hosts[static_cast<std::size_t>(host)]; }
};

/// What the windows of so many ranks hold. *Throws*: as memory_need().
[[nodiscard]] WindowNeeds window_needs(const LoadedDeck& deck, const JobNeeds& needs, int ranks);

/// What a node with this window needs. *Throws*: Error(usage), on the calling rank, on overflow.
[[nodiscard]] MemoryNeed memory_need(const WindowLayout& window, int ranks, std::int64_t rank_bytes);

/// What each rank adds to its node's window for the output of a deck whose job needs this. *Throws*: as memory_need().
[[nodiscard]] std::int64_t planned_staging_bytes(const LoadedDeck& deck, const JobNeeds& needs, int ranks);

/// So many bytes, at most or for certain, has the output of a deck whose job needs this. *Throws*: as memory_need().
[[nodiscard]] std::int64_t planned_file_bytes(const LoadedDeck& deck, const JobNeeds& needs, int ranks);
[[nodiscard]] std::int64_t planned_certain_bytes(const LoadedDeck& deck, const JobNeeds& needs, int ranks);

/// What a rank needs besides the window: MPI, HDF5, code and stack; measured at 30 to 45 MB with Open MPI 4.1. And the
/// 8 MiB in which a leader takes what it writes for other nodes.
inline constexpr std::int64_t kRankBytes = std::int64_t{64} << 20;

/// What is known of the output before the run: the datasets, without contents, and the texts, to the letter. The size
/// of the file is estimated from it, and what the run writes begins with it.
[[nodiscard]] io::FileSpec planned_file(const LoadedDeck& deck, const JobNeeds& needs);

/// The plan for people and for programs; as a batch script: batch_script().
[[nodiscard]] std::string plan_text(const Plan& plan);
[[nodiscard]] std::string plan_json(const Plan& plan);

/// A cluster of equal nodes, the ranks dealt evenly: what `windrow plan` assumes.
[[nodiscard]] Machine equal_nodes(int ranks, int nodes);

}  // namespace windrow
