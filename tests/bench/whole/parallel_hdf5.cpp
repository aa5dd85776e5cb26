// The job of input/populate.toml with value "i*cols + j" and checksums, as one writes it with MPI and parallel HDF5:
// every rank allocates, fills and checks its own rows, and all write one file. Prints the seconds of the slowest rank,
// from after MPI_Init to the file's end.
//
//   mpirun -n 2 parallel_hdf5 FILE ROWS COLS independent|collective [fsync]
#include <fcntl.h>
#include <hdf5.h>
#include <mpi.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace {

constexpr std::size_t kGroupBytes = std::size_t{1} << 20;

void require(bool is_good, const char* what) {
  if (is_good) return;
  std::fprintf(stderr, "parallel_hdf5: %s failed\n", what);
  MPI_Abort(MPI_COMM_WORLD, 1);
}

/// My part of a dataset, whose rows are divided in order of rank.
template <std::size_t Rank>
void write_part(hid_t file, hid_t transfer, const char* name, hid_t type, std::array<hsize_t, Rank> shape,
                std::array<hsize_t, Rank> start, std::array<hsize_t, Rank> count, const void* data) {
  const hid_t space = H5Screate_simple(Rank, shape.data(), nullptr);
  const hid_t create = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_fill_time(create, H5D_FILL_TIME_NEVER);  // all of it is written
  const hid_t dataset = H5Dcreate2(file, name, type, space, H5P_DEFAULT, create, H5P_DEFAULT);
  const hid_t part = H5Screate_simple(Rank, count.data(), nullptr);
  H5Sselect_hyperslab(space, H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr);
  require(H5Dwrite(dataset, type, part, space, transfer, data) >= 0, "H5Dwrite");
  H5Sclose(part);
  H5Dclose(dataset);
  H5Pclose(create);
  H5Sclose(space);
}

std::vector<std::uint64_t> checksums_of(const void* data, std::size_t bytes) {
  std::vector<std::uint64_t> sums;
  for (std::size_t at = 0; at < bytes; at += kGroupBytes)
    sums.push_back(XXH3_64bits(static_cast<const char*>(data) + at, std::min(kGroupBytes, bytes - at)));
  return sums;
}

void write_file(const char* path, bool is_collective, hsize_t rows, hsize_t cols, hsize_t first, hsize_t own,
                const double* array) {
  const std::vector<std::uint64_t> sums = checksums_of(array, own * cols * sizeof(double));
  const std::uint64_t groups = sums.size();
  std::uint64_t groups_before = 0;
  std::uint64_t all_groups = 0;
  MPI_Exscan(&groups, &groups_before, 1, MPI_UINT64_T, MPI_SUM, MPI_COMM_WORLD);
  MPI_Allreduce(&groups, &all_groups, 1, MPI_UINT64_T, MPI_SUM, MPI_COMM_WORLD);

  const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_fapl_mpio(access, MPI_COMM_WORLD, MPI_INFO_NULL);
  const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access);
  require(file >= 0, "H5Fcreate");
  const hid_t transfer = H5Pcreate(H5P_DATASET_XFER);
  H5Pset_dxpl_mpio(transfer, is_collective ? H5FD_MPIO_COLLECTIVE : H5FD_MPIO_INDEPENDENT);
  write_part<2>(file, transfer, "array", H5T_NATIVE_DOUBLE, {rows, cols}, {first, 0}, {own, cols}, array);
  write_part<1>(file, transfer, "checksums", H5T_NATIVE_UINT64, {all_groups}, {groups_before}, {groups}, sums.data());
  H5Pclose(transfer);
  require(H5Fclose(file) >= 0, "H5Fclose");
  H5Pclose(access);
}

void sync_file(const char* path) {
  const int file = open(path, O_WRONLY);
  require(file >= 0 && fsync(file) == 0 && close(file) == 0, "fsync");
}

}  // namespace

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  const double begin = MPI_Wtime();
  require(argc >= 5, "reading FILE ROWS COLS independent|collective [fsync]");
  const hsize_t rows = std::strtoull(argv[2], nullptr, 10);
  const hsize_t cols = std::strtoull(argv[3], nullptr, 10);
  int rank = 0;
  int ranks = 1;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  const hsize_t first = rows * static_cast<hsize_t>(rank) / static_cast<hsize_t>(ranks);
  const hsize_t own = rows * static_cast<hsize_t>(rank + 1) / static_cast<hsize_t>(ranks) - first;

  const auto array = std::make_unique_for_overwrite<double[]>(own * cols);
  for (hsize_t i = 0; i < own; ++i)
    for (hsize_t j = 0; j < cols; ++j) array[i * cols + j] = static_cast<double>((first + i) * cols + j);
  write_file(argv[1], std::string(argv[4]) == "collective", rows, cols, first, own, array.get());
  if (argc > 5 && rank == 0) sync_file(argv[1]);

  double seconds = MPI_Wtime() - begin;
  MPI_Allreduce(MPI_IN_PLACE, &seconds, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
  if (rank == 0) std::printf("%.6f\n", seconds);
  MPI_Finalize();
  return 0;
}
