// A library that is loaded before all others (LD_PRELOAD) and counts what a rank asks of MPI.
//
//   WINDROW_MESSAGES=FOLDER   each rank writes FOLDER/RANK as it ends: a line for each rank of the world that it has
//   sent messages to, "sent RANK MESSAGES BYTES", for each that it has received messages of, "received RANK MESSAGES
//   BYTES", and for each kind of collective call, "called NAME RANKS CALLS BYTES", where RANKS is the size of the
//   communicator, and BYTES what comes to a rank that gets the most, the root.
//
// What MPI sends within a collective call is not seen here: Open MPI's own algorithms for these are trees.
#include <mpi.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <utility>

namespace {

struct Traffic {
  std::int64_t messages = 0;
  std::int64_t bytes = 0;
  void add(std::int64_t more) {
    ++messages;
    bytes += more;
  }
};

std::map<int, Traffic> sent;
std::map<int, Traffic> received;
std::map<std::pair<std::string, int>, Traffic> called;

std::int64_t bytes_of(int count, MPI_Datatype type) {
  int each = 0;
  PMPI_Type_size(type, &each);
  return std::int64_t{count} * each;
}

int world_rank_of(int rank, MPI_Comm comm) {
  MPI_Group group = MPI_GROUP_NULL;
  MPI_Group world = MPI_GROUP_NULL;
  PMPI_Comm_group(comm, &group);
  PMPI_Comm_group(MPI_COMM_WORLD, &world);
  int found = MPI_UNDEFINED;
  PMPI_Group_translate_ranks(group, 1, &rank, world, &found);
  PMPI_Group_free(&group);
  PMPI_Group_free(&world);
  return found;
}

void count_sent(int count, MPI_Datatype type, int to, MPI_Comm comm) {
  sent[world_rank_of(to, comm)].add(bytes_of(count, type));
}

void count_received(int count, MPI_Datatype type, int from, MPI_Comm comm) {
  received[world_rank_of(from, comm)].add(bytes_of(count, type));
}

int size_of(MPI_Comm comm) {
  int size = 0;
  PMPI_Comm_size(comm, &size);
  return size;
}

void count_call(const char* name, std::int64_t bytes, MPI_Comm comm) {
  called[{name, size_of(comm)}].add(bytes);
}

void write() {
  const char* const folder = std::getenv("WINDROW_MESSAGES");
  if (folder == nullptr) return;
  int rank = 0;
  PMPI_Comm_rank(MPI_COMM_WORLD, &rank);
  std::ofstream file(std::string(folder) + "/" + std::to_string(rank));
  for (const auto& [name, traffic] : {std::pair{"sent", &sent}, std::pair{"received", &received}})
    for (const auto& [partner, some] : *traffic)
      file << name << ' ' << partner << ' ' << some.messages << ' ' << some.bytes << '\n';
  for (const auto& [call, some] : called)
    file << "called " << call.first << ' ' << call.second << ' ' << some.messages << ' ' << some.bytes << '\n';
}

}  // namespace

extern "C" {

int MPI_Finalize() {
  write();
  return PMPI_Finalize();
}

int MPI_Send(const void* data, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm) {
  count_sent(count, type, to, comm);
  return PMPI_Send(data, count, type, to, tag, comm);
}

int MPI_Isend(const void* data, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm, MPI_Request* request) {
  count_sent(count, type, to, comm);
  return PMPI_Isend(data, count, type, to, tag, comm, request);
}

int MPI_Recv(void* data, int count, MPI_Datatype type, int from, int tag, MPI_Comm comm, MPI_Status* status) {
  count_received(count, type, from, comm);
  return PMPI_Recv(data, count, type, from, tag, comm, status);
}

int MPI_Irecv(void* data, int count, MPI_Datatype type, int from, int tag, MPI_Comm comm, MPI_Request* request) {
  count_received(count, type, from, comm);
  return PMPI_Irecv(data, count, type, from, tag, comm, request);
}

int MPI_Barrier(MPI_Comm comm) {
  count_call("Barrier", 0, comm);
  return PMPI_Barrier(comm);
}

int MPI_Ibarrier(MPI_Comm comm, MPI_Request* request) {
  count_call("Barrier", 0, comm);
  return PMPI_Ibarrier(comm, request);
}

int MPI_Bcast(void* data, int count, MPI_Datatype type, int root, MPI_Comm comm) {
  count_call("Bcast", bytes_of(count, type), comm);
  return PMPI_Bcast(data, count, type, root, comm);
}

int MPI_Ibcast(void* data, int count, MPI_Datatype type, int root, MPI_Comm comm, MPI_Request* request) {
  count_call("Bcast", bytes_of(count, type), comm);
  return PMPI_Ibcast(data, count, type, root, comm, request);
}

int MPI_Allreduce(const void* data, void* result, int count, MPI_Datatype type, MPI_Op op, MPI_Comm comm) {
  count_call("Allreduce", bytes_of(count, type), comm);
  return PMPI_Allreduce(data, result, count, type, op, comm);
}

int MPI_Iallreduce(const void* data, void* result, int count, MPI_Datatype type, MPI_Op op, MPI_Comm comm,
                   MPI_Request* request) {
  count_call("Allreduce", bytes_of(count, type), comm);
  return PMPI_Iallreduce(data, result, count, type, op, comm, request);
}

// What follows brings each rank, or the root, something of every rank.
int MPI_Allgather(const void* data, int count, MPI_Datatype type, void* all, int each, MPI_Datatype all_type,
                  MPI_Comm comm) {
  count_call("Allgather", bytes_of(each, all_type) * size_of(comm), comm);
  return PMPI_Allgather(data, count, type, all, each, all_type, comm);
}

int MPI_Comm_dup(MPI_Comm comm, MPI_Comm* made) {
  count_call("Comm_dup", 0, comm);
  return PMPI_Comm_dup(comm, made);
}

int MPI_Comm_split(MPI_Comm comm, int color, int key, MPI_Comm* made) {
  count_call("Comm_split", 0, comm);
  return PMPI_Comm_split(comm, color, key, made);
}

int MPI_Comm_split_type(MPI_Comm comm, int type, int key, MPI_Info info, MPI_Comm* made) {
  count_call("Comm_split", 0, comm);
  return PMPI_Comm_split_type(comm, type, key, info, made);
}

int MPI_Win_allocate_shared(MPI_Aint bytes, int unit, MPI_Info info, MPI_Comm comm, void* base, MPI_Win* window) {
  count_call("Win_allocate", 0, comm);
  return PMPI_Win_allocate_shared(bytes, unit, info, comm, base, window);
}

int MPI_Win_allocate(MPI_Aint bytes, int unit, MPI_Info info, MPI_Comm comm, void* base, MPI_Win* window) {
  count_call("Win_allocate", 0, comm);
  return PMPI_Win_allocate(bytes, unit, info, comm, base, window);
}
}
