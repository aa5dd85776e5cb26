// What messages cost: the constants of docs/scaling.md, which tests/messages/table measures. Prints, on rank 0, the
// seconds of a message of 8 bytes and of one of 8 MB from rank 0 to the last rank, and of an all-reduce of 8 bytes.
#include <mpi.h>

#include <algorithm>
#include <cstdio>
#include <vector>

namespace {

constexpr int kSmall = 8;
constexpr int kLarge = 8'000'000;

/// Of a message there, half of the time there and back; the median of some rounds.
double seconds_of_message(int bytes, int partner, int rank) {
  std::vector<char> content(static_cast<std::size_t>(bytes));
  std::vector<double> rounds;
  constexpr int kRounds = 21;
  const int each = bytes == kSmall ? 1000 : 5;
  for (int round = 0; round < kRounds; ++round) {
    const double begin = MPI_Wtime();
    for (int n = 0; n < each; ++n) {
      if (rank == 0) MPI_Send(content.data(), bytes, MPI_BYTE, partner, 0, MPI_COMM_WORLD);
      if (rank == partner) MPI_Recv(content.data(), bytes, MPI_BYTE, 0, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
      if (rank == partner) MPI_Send(content.data(), bytes, MPI_BYTE, 0, 0, MPI_COMM_WORLD);
      if (rank == 0) MPI_Recv(content.data(), bytes, MPI_BYTE, partner, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    }
    rounds.push_back((MPI_Wtime() - begin) / (2 * each));
  }
  std::ranges::sort(rounds);
  return rounds[kRounds / 2];
}

double seconds_of_all_reduce() {
  constexpr int kCalls = 200;
  double value = 0.0;
  MPI_Barrier(MPI_COMM_WORLD);
  const double begin = MPI_Wtime();
  for (int n = 0; n < kCalls; ++n) MPI_Allreduce(MPI_IN_PLACE, &value, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
  return (MPI_Wtime() - begin) / kCalls;
}

}  // namespace

int main() {
  MPI_Init(nullptr, nullptr);
  int rank = 0;
  int ranks = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  const double all_reduce = seconds_of_all_reduce();
  const double small = seconds_of_message(kSmall, ranks - 1, rank);
  const double large = seconds_of_message(kLarge, ranks - 1, rank);
  if (rank == 0) std::printf("%.3e %.3e %.3e\n", small, large, all_reduce);
  MPI_Finalize();
}
