#include "mpi/communicator.hpp"

#include <algorithm>
#include <array>
#include <numeric>

#include "base/error.hpp"
#include "mpi/count.hpp"

namespace windrow {
namespace {

template <typename T>
MPI_Datatype datatype();
template <>
MPI_Datatype datatype<std::int64_t>() {
  return MPI_INT64_T;
}
template <>
MPI_Datatype datatype<double>() {
  return MPI_DOUBLE;
}

template <typename T>
T reduce(MPI_Comm comm, T value, MPI_Op operation) {
  T result{};
  check_mpi(MPI_Allreduce(&value, &result, 1, datatype<T>(), operation, comm), "MPI_Allreduce");
  return result;
}

void reduce(MPI_Comm comm, std::span<double> values, MPI_Op operation) {
  check_mpi(MPI_Allreduce(MPI_IN_PLACE, values.data(), mpi_count(std::ssize(values)), MPI_DOUBLE, operation, comm),
            "MPI_Allreduce");
}

/// Calls `function` for the pieces of a long message.
template <typename Bytes, typename Function>
void for_each_piece(Bytes bytes, Function&& function) {
  constexpr auto piece_bytes = static_cast<std::size_t>(kMessageBytes);
  for (std::size_t begin = 0; begin < bytes.size(); begin += piece_bytes)
    function(bytes.subspan(begin, std::min(piece_bytes, bytes.size() - begin)));
}

constexpr int kGatherTag = 0;

MPI_Comm split(MPI_Comm parent, int color, int key) {
  MPI_Comm result = MPI_COMM_NULL;
  check_mpi(MPI_Comm_split(parent, color, key, &result), "MPI_Comm_split");
  return result;
}

}  // namespace

void check_mpi(int code, const char* call) {
  if (code != MPI_SUCCESS) throw Error(ExitStatus::internal, mpi_error_text(code, call));
}

std::string mpi_error_text(int code, const char* call) {
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  int length = 0;
  MPI_Error_string(code, text.data(), &length);
  return fmt::format("{}: {}", call, std::string_view(text.data(), static_cast<std::size_t>(length)));
}

std::string processor_name() {
  std::array<char, MPI_MAX_PROCESSOR_NAME> name{};
  int length = 0;
  check_mpi(MPI_Get_processor_name(name.data(), &length), "MPI_Get_processor_name");
  return {name.data(), static_cast<std::size_t>(length)};
}

Communicator& Communicator::operator=(Communicator&& other) noexcept {
  std::swap(handle_, other.handle_);
  return *this;
}

Communicator::~Communicator() {
  // MPI_Comm_free is collective: while unwinding, other ranks may not come.
  if (handle_ != MPI_COMM_NULL && std::uncaught_exceptions() == 0) MPI_Comm_free(&handle_);
}

int Communicator::rank() const {
  int rank = 0;
  check_mpi(MPI_Comm_rank(handle_, &rank), "MPI_Comm_rank");
  return rank;
}

int Communicator::size() const {
  int size = 0;
  check_mpi(MPI_Comm_size(handle_, &size), "MPI_Comm_size");
  return size;
}

void Communicator::barrier() const {
  check_mpi(MPI_Barrier(handle_), "MPI_Barrier");
}

StartedBarrier Communicator::start_barrier() const {
  StartedBarrier barrier;
  check_mpi(MPI_Ibarrier(handle_, &barrier.request_), "MPI_Ibarrier");
  return barrier;
}

bool StartedBarrier::is_done() {
  int done = 0;
  check_mpi(MPI_Test(&request_, &done, MPI_STATUS_IGNORE), "MPI_Test");
  return done != 0;
}

void Communicator::broadcast(std::span<std::byte> bytes, int root) const {
  for_each_piece(bytes, [&](std::span<std::byte> piece) {
    check_mpi(MPI_Bcast(piece.data(), mpi_count(std::ssize(piece)), MPI_BYTE, root, handle_), "MPI_Bcast");
  });
}

std::int64_t Communicator::broadcast(std::int64_t value, int root) const {
  broadcast(std::as_writable_bytes(std::span(&value, 1)), root);
  return value;
}

std::string Communicator::broadcast(std::string text, int root) const {
  text.resize(static_cast<std::size_t>(broadcast(std::ssize(text), root)));
  broadcast(std::as_writable_bytes(std::span(text)), root);
  return text;
}

std::int64_t Communicator::sum(std::int64_t value) const {
  return reduce(handle_, value, MPI_SUM);
}
std::int64_t Communicator::minimum(std::int64_t value) const {
  return reduce(handle_, value, MPI_MIN);
}
std::int64_t Communicator::maximum(std::int64_t value) const {
  return reduce(handle_, value, MPI_MAX);
}
double Communicator::sum(double value) const {
  return reduce(handle_, value, MPI_SUM);
}
double Communicator::maximum(double value) const {
  return reduce(handle_, value, MPI_MAX);
}

void Communicator::sum(std::span<double> values) const {
  reduce(handle_, values, MPI_SUM);
}
void Communicator::maximum(std::span<double> values) const {
  reduce(handle_, values, MPI_MAX);
}

std::vector<std::int64_t> Communicator::all_gather(std::int64_t value) const {
  std::vector<std::int64_t> values(static_cast<std::size_t>(size()));
  check_mpi(MPI_Allgather(&value, 1, MPI_INT64_T, values.data(), 1, MPI_INT64_T, handle_), "MPI_Allgather");
  return values;
}

std::vector<std::string> Communicator::all_gather(const std::string& text) const {
  const auto length = static_cast<std::size_t>(maximum(std::ssize(text)));
  std::string padded = text;
  padded.resize(length, '\0');
  std::string all(length * static_cast<std::size_t>(size()), '\0');
  const int count = mpi_count(static_cast<std::int64_t>(length));
  check_mpi(MPI_Allgather(padded.data(), count, MPI_CHAR, all.data(), count, MPI_CHAR, handle_), "MPI_Allgather");
  std::vector<std::string> texts;
  for (std::size_t begin = 0; texts.size() < static_cast<std::size_t>(size()); begin += length)
    texts.emplace_back(all.substr(begin, length).c_str());
  return texts;
}

GatheredBytes::GatheredBytes(int first, int count, int rank, const std::function<std::int64_t(int rank)>& bytes_of)
    : GatheredBytes(first, count, rank) {
  bytes_[0] = bytes_of(rank);
  for_each_below([&](std::size_t number, int below, int ranks) {
    for (int other = below; other < below + ranks; ++other) bytes_[number] += bytes_of(other);
  });
}

std::int64_t GatheredBytes::total() const {
  return std::reduce(bytes_.begin(), bytes_.end());
}

/// Calls `function` for the ranks from which this one gathers: with the number of each, the rank, and how many from it
/// on it gathers itself.
template <typename Function>
void GatheredBytes::for_each_below(const Function& function) const {
  std::size_t number = 0;
  for (std::int64_t step = 1; (place_ & step) == 0 && place_ + step < count_; step *= 2) {
    const auto below = static_cast<int>(place_ + step);
    function(++number, first_ + below, static_cast<int>(std::min<std::int64_t>(step, count_ - below)));
  }
}

/// The rank that gathers from this one; of the first there is none.
int GatheredBytes::rank_above() const {
  return first_ + (place_ & (place_ - 1));
}

GatheredBytes Communicator::gathered_bytes(std::int64_t own) const {
  GatheredBytes sizes(0, size(), rank());
  sizes.bytes_[0] = own;
  sizes.for_each_below([&](std::size_t number, int below, int /*ranks*/) {
    receive(std::as_writable_bytes(std::span(&sizes.bytes_[number], 1)), below, kGatherTag);
  });
  const std::int64_t total = sizes.total();
  if (sizes.place_ != 0) send(std::as_bytes(std::span(&total, 1)), sizes.rank_above(), kGatherTag);
  return sizes;
}

void Communicator::gather(const GatheredBytes& sizes, std::span<std::byte> bytes) const {
  std::span<std::byte> rest = bytes.subspan(static_cast<std::size_t>(sizes.own()));
  sizes.for_each_below([&](std::size_t number, int below, int /*ranks*/) {
    const auto some = static_cast<std::size_t>(sizes.bytes_[number]);
    receive(rest.first(some), below, kGatherTag);
    rest = rest.subspan(some);
  });
  if (sizes.place_ != 0) send(bytes, sizes.rank_above(), kGatherTag);
}

void Communicator::send(std::span<const std::byte> bytes, int destination, int tag) const {
  for_each_piece(bytes, [&](std::span<const std::byte> piece) {
    check_mpi(MPI_Send(piece.data(), mpi_count(std::ssize(piece)), MPI_BYTE, destination, tag, handle_), "MPI_Send");
  });
}

void Communicator::receive(std::span<std::byte> bytes, int source, int tag) const {
  for_each_piece(bytes, [&](std::span<std::byte> piece) {
    check_mpi(MPI_Recv(piece.data(), mpi_count(std::ssize(piece)), MPI_BYTE, source, tag, handle_, MPI_STATUS_IGNORE),
              "MPI_Recv");
  });
}

SentMessage Communicator::start_send(std::vector<std::byte> bytes, int destination, int tag) const {
  SentMessage message;
  message.bytes_ = std::make_unique<std::vector<std::byte>>(std::move(bytes));
  for_each_piece(std::span<const std::byte>(*message.bytes_), [&](std::span<const std::byte> piece) {
    message.requests_.push_back(MPI_REQUEST_NULL);
    check_mpi(MPI_Isend(piece.data(), mpi_count(std::ssize(piece)), MPI_BYTE, destination, tag, handle_,
                        &message.requests_.back()),
              "MPI_Isend");
  });
  return message;
}

SentMessage& SentMessage::operator=(SentMessage&& other) noexcept {
  std::swap(bytes_, other.bytes_);
  std::swap(requests_, other.requests_);
  return *this;
}

SentMessage::~SentMessage() {
  bool is_needed = false;
  for (MPI_Request& request : requests_) {
    if (request == MPI_REQUEST_NULL) continue;
    MPI_Request_free(&request);
    is_needed = true;
  }
  if (is_needed) static_cast<void>(bytes_.release());
}

bool SentMessage::is_done() {
  int done = 0;
  check_mpi(MPI_Testall(mpi_count(std::ssize(requests_)), requests_.data(), &done, MPI_STATUSES_IGNORE), "MPI_Testall");
  return done != 0;
}

std::optional<int> Communicator::sender_of_next(int tag) const {
  int is_there = 0;
  MPI_Status status;
  check_mpi(MPI_Iprobe(MPI_ANY_SOURCE, tag, handle_, &is_there, &status), "MPI_Iprobe");
  if (is_there == 0) return std::nullopt;
  return status.MPI_SOURCE;
}

WorldComm WorldComm::duplicate() {
  MPI_Comm handle = MPI_COMM_NULL;
  check_mpi(MPI_Comm_dup(MPI_COMM_WORLD, &handle), "MPI_Comm_dup");
  // Communicators split from this one inherit the handler.
  check_mpi(MPI_Comm_set_errhandler(handle, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  return WorldComm(handle);
}

HostComm HostComm::split(const WorldComm& world) {
  MPI_Comm handle = MPI_COMM_NULL;
  check_mpi(MPI_Comm_split_type(world.handle(), MPI_COMM_TYPE_SHARED, world.rank(), MPI_INFO_NULL, &handle),
            "MPI_Comm_split_type");
  return HostComm(handle);
}

NodeComm NodeComm::split(const HostComm& host, int groups) {
  const std::int64_t size = host.size();
  const std::int64_t rank = host.rank();
  const auto group = static_cast<int>(rank * std::min<std::int64_t>(groups, size) / size);
  return NodeComm(windrow::split(host.handle(), group, host.rank()));
}

LeaderComm LeaderComm::split(const WorldComm& world, bool is_leader) {
  return LeaderComm(windrow::split(world.handle(), is_leader ? 0 : MPI_UNDEFINED, world.rank()));
}

}  // namespace windrow
