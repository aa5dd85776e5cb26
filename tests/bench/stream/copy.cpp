// The disk's own speed: a file is read and another of the same size written, one thread ahead of the other by at most
// two pieces, the room reserved before, from and to memory that is there. Prints the seconds.
//   stream_copy FROM TO OFFSET BYTES DURABLE
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <thread>
#include <vector>

namespace {

constexpr long kPiece = 8L << 20;
constexpr long kBuffers = 3;

/// Counts pieces, for another thread that waits for them.
class Count {
 public:
  void add() {
    {
      const std::lock_guard lock(mutex_);
      ++count_;
    }
    changed_.notify_one();
  }
  void wait_for(long count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return count_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  long count_ = 0;
};

void check(bool is_good, const char* what) {
  if (is_good) return;
  std::perror(what);
  std::exit(1);
}

}  // namespace

int main(int, char** arguments) {
  const int from = open(arguments[1], O_RDONLY);
  const int to = open(arguments[2], O_WRONLY | O_CREAT | O_TRUNC, 0644);
  const long offset = std::atol(arguments[3]);
  const long bytes = std::atol(arguments[4]);
  const bool durable = std::atoi(arguments[5]) != 0;
  check(from >= 0 && to >= 0, "open");
  std::vector<std::vector<char>> buffers(kBuffers, std::vector<char>(kPiece));
  Count read;
  Count written;
  const auto begin = std::chrono::steady_clock::now();
  check(fallocate(to, FALLOC_FL_KEEP_SIZE, 0, bytes) == 0, "fallocate");
  const long pieces = (bytes + kPiece - 1) / kPiece;
  std::thread reader([&] {
    for (long piece = 0; piece < pieces; ++piece) {
      written.wait_for(piece - kBuffers + 1);
      char* const buffer = buffers[static_cast<std::size_t>(piece % kBuffers)].data();
      const long end = std::min(kPiece, bytes - piece * kPiece);
      for (long at = 0; at < end;) {
        const ssize_t got = pread(from, buffer + at, static_cast<std::size_t>(end - at), offset + piece * kPiece + at);
        check(got > 0, "pread");
        at += got;
      }
      read.add();
    }
  });
  for (long piece = 0; piece < pieces; ++piece) {
    read.wait_for(piece + 1);
    const char* const buffer = buffers[static_cast<std::size_t>(piece % kBuffers)].data();
    const long end = std::min(kPiece, bytes - piece * kPiece);
    for (long at = 0; at < end;) {
      const ssize_t put = pwrite(to, buffer + at, static_cast<std::size_t>(end - at), piece * kPiece + at);
      check(put > 0, "pwrite");
      at += put;
    }
    if (durable) sync_file_range(to, piece * kPiece, end, SYNC_FILE_RANGE_WRITE);
    written.add();
  }
  reader.join();
  if (durable) check(fsync(to) == 0, "fsync");
  close(to);
  std::printf("%.6f\n", std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
}
