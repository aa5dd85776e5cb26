#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include "job/context.hpp"
#include "mpi/mail.hpp"

// Ways to fill, share or move an array, each written as one would who had no other. The one place beside src/mpi and
// the benchmarks that calls MPI itself.
namespace windrow::jobs::sharing {

/// What every way is given: each rank of a node has a part of so many numbers, which it fills so many times.
struct Setting {
  Context* context;
  std::int64_t numbers;
  std::int64_t fills;
  std::string folder;  ///< for files on a disk

  [[nodiscard]] const NodeComm& node() const { return context->topology().node; }
  [[nodiscard]] int rank() const { return context->topology().node_rank(); }
  [[nodiscard]] std::int64_t bytes() const { return numbers * 8; }
  /// Between two ranks of the node; each way has the kinds from 0 on.
  [[nodiscard]] Mail mail() const { return {node(), context->memory().rendezvous().waiter(), 64}; }
  void throw_if_failed() const { context->memory().rendezvous().throw_if_failed(); }
};

/// The numbers of a part: (rank + time) + n % 1024, whole, so that their sum is exact in any order.
void fill(std::span<double> part, int rank, std::int64_t time);
[[nodiscard]] double number(std::int64_t n, int rank, std::int64_t time);
[[nodiscard]] double sum(std::span<const double> part);
/// *Throws*: Error(verification), on the calling rank, if the sum of a part is another.
void verify_sum(const Setting& setting, double found, int rank, std::int64_t time);

/// A way that this machine does not allow.
class Unavailable : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// One way, made anew for each run, by all ranks of a node together.
class Way {
 public:
  explicit Way(Setting setting) : setting_(std::move(setting)) {}
  Way(const Way&) = delete;
  Way& operator=(const Way&) = delete;
  virtual ~Way() = default;

  /// What this rank does for one of the fills: 0, 1, ... *Throws*: Error, PeerFailure, on the calling rank.
  virtual void run(std::int64_t time) = 0;
  /// Looks, after the last of them and a publish(), whether the numbers are where they belong; what is read anyway is
  /// looked at in run(). *Throws*: Error(verification), on the calling rank.
  virtual void verify(std::int64_t last) { (void)last; }
  /// Gives back what all ranks must together; right after an agreement.
  virtual void close() {}

  /// Whether this rank owns the array that others ask for.
  [[nodiscard]] virtual bool is_server() const { return false; }
  /// Memory of files, which no process has mapped as its own.
  [[nodiscard]] virtual std::int64_t file_bytes() const { return 0; }

 protected:
  [[nodiscard]] const Setting& setting() const { return setting_; }
  [[nodiscard]] int rank() const { return setting_.rank(); }

 private:
  Setting setting_;
};

/// Who does what.
enum class Shape : std::uint8_t {
  fill,       ///< every rank fills its part
  move,       ///< every other rank fills its part, and the next one adds it up
  serve_one,  ///< rank 0 of the node owns the part of rank 1
  serve_all,  ///< it owns those of all others
  load        ///< every rank reads the parts of all
};

/// A row of the table of ways.
struct Entry {
  std::string_view name;    ///< in a deck
  std::string_view what;    ///< in the table
  std::string_view python;  ///< what it stands for
  Shape shape;
  bool uses_window = false;
  std::unique_ptr<Way> (*make)(const Setting&);
  std::string_view note = {};  ///< behind the row
};

/// All ways, in the order of the table.
[[nodiscard]] std::span<const Entry> ways();

/// How many parts are filled, or read, each time, on a node of so many ranks; 0 if there are too few ranks.
[[nodiscard]] std::int64_t parts(Shape shape, int node_ranks);

// The families: fill.cpp, message.cpp, system.cpp, server.cpp, load.cpp.
std::unique_ptr<Way> make_computation(const Setting& setting);
std::unique_ptr<Way> make_private(const Setting& setting);
std::unique_ptr<Way> make_window(const Setting& setting);
std::unique_ptr<Way> make_window_lock(const Setting& setting);
std::unique_ptr<Way> make_elements(const Setting& setting);
std::unique_ptr<Way> make_elements_lock(const Setting& setting);
std::unique_ptr<Way> make_window_read(const Setting& setting);
std::unique_ptr<Way> make_messages(const Setting& setting);
std::unique_ptr<Way> make_put(const Setting& setting);
std::unique_ptr<Way> make_get(const Setting& setting);
std::unique_ptr<Way> make_serialised(const Setting& setting);
std::unique_ptr<Way> make_pipe(const Setting& setting);
std::unique_ptr<Way> make_fifo(const Setting& setting);
std::unique_ptr<Way> make_queue(const Setting& setting);
std::unique_ptr<Way> make_disk_file(const Setting& setting);
std::unique_ptr<Way> make_tmpfs_file(const Setting& setting);
std::unique_ptr<Way> make_mapped_file(const Setting& setting);
std::unique_ptr<Way> make_server_one(const Setting& setting);
std::unique_ptr<Way> make_server_all(const Setting& setting);
std::unique_ptr<Way> make_server_lost(const Setting& setting);
std::unique_ptr<Way> make_load_once(const Setting& setting);
std::unique_ptr<Way> make_load_each(const Setting& setting);

}  // namespace windrow::jobs::sharing
