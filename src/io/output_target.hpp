#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "io/temporary.hpp"
#include "mpi/environment.hpp"

namespace windrow::io {

struct TargetOptions {
  bool overwrite = false;
  bool durable = true;                   ///< the file and its name are on the disk when finish() returns
  std::string_view key = "output.file";  ///< of the deck, that names it: what messages advise to change
};

/// What a path stands for: a link for what it points to, even if that does not exist yet. The temporary must lie beside
/// the file that it will replace. *Throws*: Error(io) for links that go round in circles.
[[nodiscard]] std::string follow_links(const std::string& path);

/// Finds out, without touching anything, what speaks against writing this output; another run that writes it is not
/// seen. *Throws*: as OutputTarget::reserve().
void check_output(const std::string& path, TargetOptions options);

/// What to say when the temporary of the output at `path` is not there any more.
[[nodiscard]] Error error_of_loss(const std::string& path, const std::string& temporary_path);

/// The place of an output file while it is written: a temporary in the same folder, guarded by a lock for the life of
/// this object, which becomes the output in one step or vanishes. One process, leader 0, has it.
class OutputTarget {
 public:
  /// Finds out, before anything is computed, whether the output can be written, removes the temporaries that dead runs
  /// left, and makes this run's own. Of runs that ask for one output at the same time at most one succeeds.
  /// *Throws* Error(io), on the calling rank: the output exists and `overwrite` is not set; the folder is missing or
  /// not writable; the name is impossible; another run is writing this output.
  [[nodiscard]] static OutputTarget reserve(const std::string& path, TargetOptions options);
  /// The same where others have been told the temporary's name, by temporary_path_of(): what it is made of must not be
  /// asked for twice.
  [[nodiscard]] static OutputTarget reserve(const std::string& path, const std::string& temporary_path,
                                            TargetOptions options);

  /// What the temporary of this process is called, before it is there. *Throws*: as check_output().
  [[nodiscard]] static std::string temporary_path_of(const std::string& path, TargetOptions options);

  OutputTarget(OutputTarget&& other) noexcept;
  OutputTarget& operator=(OutputTarget&& other) noexcept;
  ~OutputTarget();

  /// The output as the user named it.
  [[nodiscard]] const std::string& path() const { return path_; }
  /// The existing file to write, empty at first.
  [[nodiscard]] const std::string& temporary_path() const { return temporary_path_; }
  /// What the user should know: stale temporaries that were removed.
  [[nodiscard]] const std::vector<std::string>& messages() const { return messages_; }

  /// Finds out whether the temporary is still the file that this object made: what is written by descriptor must not be
  /// missing from what is written, and renamed, by name. *Throws*: Error(io), on the calling rank.
  void check_in_place() const;

  /// Does work on the temporary by its name. If it fails and the name is another file's by now, that is why.
  /// *Throws*: as `work` or check_in_place(), on the calling rank.
  void work_by_name(const std::function<void()>& work) const;

  /// Waits until what was written is on the disk, if it is to be durable. *Throws* as finish() does.
  void sync() const;

  /// Gives the temporary, of which everything is written and synced, the output's name; and the permissions of a file
  /// that it replaces, with its owner and group where that is allowed.
  /// *Throws*, on the calling rank, Error(io), or Error(resources) where the disk is full. A complete file is not lost:
  /// if a file has appeared under the output's name meanwhile, and `overwrite` is not set, or the name cannot be given,
  /// the message says where the result is.
  void finish();

  /// Removes the temporary, if finish() has not succeeded; the destructor does the same.
  void discard() noexcept;

 private:
  OutputTarget(std::string path, std::string final_path, std::string temporary_path, TargetOptions options);
  void create_temporary();
  void examine_others();
  void examine(const std::string& other_path, const TemporaryName& other);
  void take_over_permissions() noexcept;
  [[noreturn]] void keep_beside(int error_number);
  void sync_folder() const;
  void release() noexcept;

  std::string path_;        ///< as given
  std::string final_path_;  ///< with links followed
  std::string temporary_path_;
  TargetOptions options_;
  std::optional<struct stat> replaced_;  ///< the file that is there when this begins
  int descriptor_ = -1;                  ///< of the temporary; holds the lock
  std::optional<UnfinishedFile> unfinished_;
  std::vector<std::string> messages_;
};

/// Writes a small output that is whole or absent. *Throws*: as OutputTarget.
void write_whole(const std::string& path, const std::string& bytes, TargetOptions options);

/// The folder that an output is written into. *Throws*: as follow_links(), on the calling rank.
[[nodiscard]] std::string output_folder(const std::string& output_path);

/// What removing an existing output would give back to its file system; 0 if there is none, and if it has other names.
/// *Throws*: as follow_links(), on the calling rank.
[[nodiscard]] std::int64_t bytes_freed_by_removal(const std::string& output_path);

/// Free bytes for an unprivileged user in that folder; kUnlimited if its file system does not tell.
/// *Throws* Error(io), on the calling rank.
[[nodiscard]] std::int64_t free_disk_bytes(const std::string& output_path);

}  // namespace windrow::io
