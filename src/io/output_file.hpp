#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "array/shared_array.hpp"
#include "array/tickets.hpp"
#include "io/file_layout.hpp"
#include "io/file_spec.hpp"
#include "io/output_target.hpp"
#include "mpi/environment.hpp"

namespace windrow::io {

/// The output of a run, written by all nodes: leader 0 makes the file and ends it, every leader writes its node's rows
/// straight from the window, and the ranks that do not write compute the checksums.
class OutputFile {
 public:
  /// Reserves the output before anything is computed. Local to world rank 0; the others make an empty object.
  /// *Throws*: as OutputTarget::reserve, on world rank 0.
  [[nodiscard]] static OutputFile reserve(const Topology& topology, const std::string& path, TargetOptions options);

  struct Rows {
    const SharedArray* array = nullptr;
    TicketCounter groups;  ///< fresh; hands out the groups of checksums
  };

  /// Writes the arrays and gives the file its name. `make_spec` tells, on world rank 0 and just before it is needed,
  /// what else the file holds; its arrays are those of `arrays`, in order. `advance` is told the bytes that this rank
  /// has written. *Collective over* the world. *Cost*: one copy of the rows, one pass for the checksums. *Throws*: the
  /// same AgreedError on all ranks; then nothing is left under the file's name.
  void write(NodeMemory& memory, std::span<const Rows> arrays, const std::function<FileSpec()>& make_spec,
             const std::function<void(std::int64_t)>& advance);

  /// What the user should know of the reservation, on world rank 0.
  [[nodiscard]] std::vector<std::string> messages() const;

 private:
  OutputFile(std::optional<OutputTarget> target, bool durable);

  // Before the target, so that it ends after it: the temporary is guarded until it is gone.
  std::optional<UnfinishedFile> unfinished_;
  std::optional<OutputTarget> target_;
  bool durable_;
};

}  // namespace windrow::io
