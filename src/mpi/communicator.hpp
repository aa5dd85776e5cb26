#pragma once

#include <mpi.h>

#include <array>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace windrow {

/// *Throws*: Error(internal), on the calling rank, if `code` is not MPI_SUCCESS.
void check_mpi(int code, const char* call);

/// What MPI has to say on an error code of `call`.
[[nodiscard]] std::string mpi_error_text(int code, const char* call);

/// MPI's name of the host that this process is on.
[[nodiscard]] std::string processor_name();

/// A message on its way, with its bytes.
class SentMessage {
 public:
  SentMessage() = default;
  SentMessage(SentMessage&& other) noexcept
      : bytes_(std::move(other.bytes_)), requests_(std::exchange(other.requests_, {})) {}
  SentMessage& operator=(SentMessage&& other) noexcept;
  /// Of a message that nobody has received, as after a failure, the bytes are not given back.
  ~SentMessage();

  /// Whether MPI needs the bytes no more. *Throws*: Error(internal).
  [[nodiscard]] bool is_done();

 private:
  friend class Communicator;
  std::unique_ptr<std::vector<std::byte>> bytes_;
  std::vector<MPI_Request> requests_;
};

/// A barrier that this rank has come to. Who does not wait for its end, since the run is over, leaves it to MPI.
class StartedBarrier {
 public:
  /// Whether all ranks have come. *Throws*: Error(internal).
  [[nodiscard]] bool is_done();

 private:
  friend class Communicator;
  MPI_Request request_ = MPI_REQUEST_NULL;
};

/// What comes to a rank as the parts of neighbouring ranks are gathered on the first of them, along a binomial tree:
/// its own part, and then what the ranks 1, 2, 4, ... behind it have gathered, so that all is in rank order.
class GatheredBytes {
 public:
  /// Of `count` ranks from `first` on, where all know how many bytes each has. Local. *Cost*: a call for each rank.
  GatheredBytes(int first, int count, int rank, const std::function<std::int64_t(int rank)>& bytes_of);

  [[nodiscard]] std::int64_t own() const { return bytes_[0]; }
  [[nodiscard]] std::int64_t total() const;

 private:
  friend class Communicator;
  GatheredBytes(int first, int count, int rank) : first_(first), count_(count), place_(rank - first) {}
  template <typename Function>
  void for_each_below(const Function& function) const;
  [[nodiscard]] int rank_above() const;

  int first_;
  int count_;
  int place_;  ///< of the rank, among them
  std::array<std::int64_t, std::numeric_limits<int>::digits + 1> bytes_{};
};

/// Owner of an MPI communicator. The kinds of communicator are types of their own, derived from this one, so that
/// nothing which needs the ranks of a node can be handed the ranks of the world.
class Communicator {
 public:
  Communicator(Communicator&& other) noexcept : handle_(std::exchange(other.handle_, MPI_COMM_NULL)) {}
  Communicator& operator=(Communicator&& other) noexcept;
  ~Communicator();

  [[nodiscard]] int rank() const;
  [[nodiscard]] int size() const;
  [[nodiscard]] MPI_Comm handle() const noexcept { return handle_; }

  /// *Collective over* this communicator, all of the following. *Throws*: Error(internal) on the rank that MPI tells.
  void barrier() const;
  /// The same, without waiting.
  [[nodiscard]] StartedBarrier start_barrier() const;
  void broadcast(std::span<std::byte> bytes, int root) const;
  [[nodiscard]] std::int64_t broadcast(std::int64_t value, int root) const;
  [[nodiscard]] std::string broadcast(std::string text, int root) const;
  [[nodiscard]] std::int64_t sum(std::int64_t value) const;
  [[nodiscard]] std::int64_t minimum(std::int64_t value) const;
  [[nodiscard]] std::int64_t maximum(std::int64_t value) const;
  [[nodiscard]] double sum(double value) const;
  [[nodiscard]] double maximum(double value) const;
  /// In place, number by number.
  void sum(std::span<double> values) const;
  void maximum(std::span<double> values) const;
  [[nodiscard]] std::vector<std::int64_t> all_gather(std::int64_t value) const;
  [[nodiscard]] std::vector<std::string> all_gather(const std::string& text) const;
  /// What comes to this rank when all are gathered, with a part of so many bytes of its own. *Cost*: a message a rank;
  /// no rank has more than log2 of the ranks.
  [[nodiscard]] GatheredBytes gathered_bytes(std::int64_t own) const;
  /// The parts of the ranks that gather, in rank order, on the first of them; on the others those of some. *Collective
  /// over* these ranks. *Shape*: `bytes` are as many as come to this rank, and begin with its own part. *Cost*:
  /// likewise; the bytes of a part travel as often at most.
  void gather(const GatheredBytes& sizes, std::span<std::byte> bytes) const;

  /// A message in pieces, to or from one other rank; both sides know its length.
  void send(std::span<const std::byte> bytes, int destination, int tag) const;
  void receive(std::span<std::byte> bytes, int source, int tag) const;
  /// The same as send(), without waiting.
  [[nodiscard]] SentMessage start_send(std::vector<std::byte> bytes, int destination, int tag) const;
  /// The rank from which a message with this tag has come that is to be received next, if there is one. Not collective.
  [[nodiscard]] std::optional<int> sender_of_next(int tag) const;

 protected:
  explicit Communicator(MPI_Comm handle) : handle_(handle) {}

 private:
  MPI_Comm handle_ = MPI_COMM_NULL;
};

/// All ranks of the run: our duplicate of MPI_COMM_WORLD.
class WorldComm : public Communicator {
 public:
  /// *Collective over* MPI_COMM_WORLD. MPI errors become exceptions.
  [[nodiscard]] static WorldComm duplicate();

 private:
  using Communicator::Communicator;
};

/// The ranks that can share memory: those of one host.
class HostComm : public Communicator {
 public:
  /// *Collective over* `world`.
  [[nodiscard]] static HostComm split(const WorldComm& world);

 private:
  using Communicator::Communicator;
};

/// The ranks that do share a window: those of one host, or a part of them (a pretended node). Only this type makes one.
class NodeComm : public Communicator {
 public:
  /// Divides the ranks of a host into `groups` nodes of neighbouring ranks. *Collective over* `host`.
  [[nodiscard]] static NodeComm split(const HostComm& host, int groups);

 private:
  using Communicator::Communicator;
};

/// Node rank 0 of every node; ordered as the nodes are.
class LeaderComm : public Communicator {
 public:
  /// *Collective over* `world`. The result is for leaders only; on the others it must not be used.
  [[nodiscard]] static LeaderComm split(const WorldComm& world, bool is_leader);
  [[nodiscard]] explicit operator bool() const noexcept { return handle() != MPI_COMM_NULL; }

 private:
  using Communicator::Communicator;
};

}  // namespace windrow
