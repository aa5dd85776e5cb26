#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "array/shared_array.hpp"
#include "io/file_layout.hpp"
#include "io/file_spec.hpp"
#include "io/file_writer.hpp"
#include "io/group_writer.hpp"
#include "io/node_shares.hpp"
#include "io/output_target.hpp"
#include "io/row_file.hpp"
#include "io/staging.hpp"
#include "mpi/environment.hpp"

namespace windrow::io {

/// The output of a run: leader 0 makes the file and ends it, every rank of a node that writes writes rows of its node
/// straight from the window, while they are computed or afterwards; rows that it does not have whole groups of, and
/// those of nodes that do not write, come to the leaders that write them.
class OutputFile {
 public:
  /// Nothing is written yet. *Throws*: as check_output(), on world rank 0.
  OutputFile(const Topology& topology, std::string path, TargetOptions options);

  /// Has all ranks guard the temporary, before there is one: whoever is killed, another removes it. *Collective over*
  /// the world, right after an agreement. *Cost*: a message.
  void guard(const Topology& topology);

  /// Reserves the output before anything is computed. Local. *Throws*: as OutputTarget::reserve, on world rank 0.
  void reserve();

  /// Finds out whether all nodes see what rank 0 has made. Local, right after an agreement. *Throws*: as
  /// check_sees_temporary(), on the leaders of nodes that do not see it; on world rank 0, as check_in_place.
  void check_is_seen(const Topology& topology) const;

  /// Makes the file with the arrays of `spec`, and reserves room for `file_bytes` on the disk. So many nodes will write
  /// as output.writers tells; compressed arrays are one's. *Collective over* the world, after reserve(). *Cost*:
  /// milliseconds. *Throws*: the same AgreedError on all ranks.
  void begin(const Topology& topology, const FileSpec& spec, std::int64_t file_bytes, std::int64_t writers);

  /// Has the next of the arrays, in order, written from its window. What the writer that is returned is told of is in
  /// the file early; an array that is to be compressed has none, nor a node that does not write. Local, after begin().
  GroupWriter* attach(const SharedArray& array);

  /// The same for an array that is not in the window: its rows are written to what is returned, all of them before
  /// finish(); by leaders, or by all ranks: null on others. Every node must write. *Throws*: as RowFile, on the calling
  /// rank.
  RowFile* attach_rows(const ArrayShape& shape, bool writes_here);

  /// Writes what has not been written of the arrays, of which each has got its writer, and gives the file its name.
  /// `make_spec` tells, on world rank 0 and just before it is needed, all that the file holds. `advance` is told the
  /// bytes that this rank writes here. *Collective over* the world. *Cost*: one copy of the rows, one pass for the
  /// checksums, unless they have been written; of arrays to be compressed, that, by all ranks. *Throws*: the same
  /// AgreedError on all ranks; then nothing is left under the file's name.
  void finish(NodeMemory& memory, const std::function<FileSpec()>& make_spec,
              const std::function<void(std::int64_t)>& advance);

  /// What the user should know of the reservation, on world rank 0.
  [[nodiscard]] std::vector<std::string> messages() const;

 private:
  /// The checksums of the groups of each array, on world rank 0.
  using Checksums = std::vector<std::vector<std::uint64_t>>;
  struct Part;
  [[nodiscard]] std::int64_t unit_of_arrays() const;
  [[nodiscard]] Checksums write_rows(NodeMemory& memory, const std::function<void(std::int64_t)>& advance);
  [[nodiscard]] std::vector<GroupChecksum> move_rows(NodeMemory& memory, std::size_t number,
                                                     const std::function<void(std::int64_t)>& advance);
  static void gather_held(NodeMemory& memory, Part& part);
  [[nodiscard]] std::vector<std::uint64_t> gather_checksums(NodeMemory& memory, std::size_t number,
                                                            const std::vector<GroupChecksum>& own);
  [[nodiscard]] Checksums write_chunks(NodeMemory& memory, const std::function<void(std::int64_t)>& advance);
  void complete(const FileSpec& spec, const Checksums& checksums);
  /// As OutputTarget::work_by_name; other ranks do not know which file it was, and see only whether it is there.
  void work_by_name(const std::function<void()>& work) const;

  std::string path_;
  TargetOptions options_;
  bool is_first_;
  std::optional<OutputTarget> target_;   ///< on world rank 0
  std::string temporary_;                ///< of the target, on all ranks
  std::optional<UnfinishedFile> guard_;  ///< of that, on the other ranks
  FileLayout layout_;                    ///< whole on world rank 0, elsewhere the arrays' places alone
  std::unique_ptr<FileWriter> rows_;
  std::int64_t compression_ = 0;
  Machine machine_;
  int node_;
  std::int64_t writers_ = kEveryNode;
  StagingShape staging_;
  struct Part {
    NodeShares shares;
    const SharedArray* array = nullptr;      ///< unless it passes through
    std::optional<GroupWriter> writer = {};  ///< unless it is compressed, on nodes that write
    std::optional<RowFile> row_file = {};    ///< of one that passes through, on leaders
  };
  std::deque<Part> parts_;
};

}  // namespace windrow::io
