// Ways to move by means of the operating system.
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "jobs/sharing/pair.hpp"

namespace windrow::jobs::sharing {
namespace {

constexpr int kOpened = 0;
constexpr int kFilled = 1;
constexpr int kRead = 2;

[[noreturn]] void fail(const char* what) {
  throw Error(errno == ENOSPC || errno == EDQUOT ? ExitStatus::resources : ExitStatus::io, "cannot {}: {}", what,
              errno_text(errno));
}

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  [[nodiscard]] int get() const { return number_; }

 private:
  int number_ = -1;
};

/// Waits until something can be read or written there, or another rank has failed.
void wait_for(const Setting& setting, int descriptor, short events) {
  pollfd entry{.fd = descriptor, .events = events, .revents = 0};
  while (poll(&entry, 1, 100) <= 0) setting.throw_if_failed();
}

/// All bytes, by a call that transfers some: write(2) and its like, on what does not block.
template <typename Byte, typename Transfer>
void transfer_all(const Setting& setting, int descriptor, short events, std::span<Byte> bytes, const char* what,
                  const Transfer& transfer) {
  while (!bytes.empty()) {
    const ssize_t done = transfer(bytes);
    if (done > 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(done));
    } else if (done == 0) {
      throw Error(ExitStatus::io, "cannot {}: the other end is closed", what);
    } else if (errno == EAGAIN) {
      wait_for(setting, descriptor, events);
    } else if (errno != EINTR) {
      fail(what);
    }
  }
}

void write_all(const Setting& setting, int descriptor, std::span<const std::byte> bytes) {
  transfer_all(setting, descriptor, POLLOUT, bytes, "write to a pipe",
               [&](auto rest) { return ::write(descriptor, rest.data(), rest.size()); });
}

void read_all(const Setting& setting, int descriptor, std::span<std::byte> bytes) {
  transfer_all(setting, descriptor, POLLIN, bytes, "read from a pipe",
               [&](auto rest) { return ::read(descriptor, rest.data(), rest.size()); });
}

/// A pipe that the writer makes; the reader opens its end by the writer's entry in /proc.
class Pipe : public PairWithMemory {
 public:
  explicit Pipe(const Setting& setting) : PairWithMemory(setting) {
    struct Name {
      std::int64_t pid;
      std::int64_t descriptor;
    } name{};
    if (writes()) {
      std::array<int, 2> ends{};
      if (pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC) != 0) fail("make a pipe");
      end_ = Descriptor(ends[1]);
      others_ = Descriptor(ends[0]);
      fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);  // as much as anybody may
      name = {getpid(), ends[0]};
      static_cast<void>(mail().send(kOpened, std::as_bytes(std::span(&name, 1)), partner(), {}));
      hear(kOpened);
      others_ = Descriptor();
    }
    if (reads()) {
      static_cast<void>(mail().receive(kOpened, std::as_writable_bytes(std::span(&name, 1)), partner(), {}));
      const std::string path = fmt::format("/proc/{}/fd/{}", name.pid, name.descriptor);
      end_ = Descriptor(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
      const int error_number = errno;
      tell(kOpened);
      if (end_.get() < 0) throw Unavailable(fmt::format("{}: {}", path, errno_text(error_number)));
    }
  }

 protected:
  [[nodiscard]] int end() const { return end_.get(); }
  void write(std::int64_t time) override {
    fill(part(), rank(), time);
    write_all(setting(), end(), bytes());
  }
  double read(std::int64_t /*time*/) override {
    read_all(setting(), end(), bytes());
    return sum(part());
  }

 private:
  Descriptor end_;
  Descriptor others_;
};

/// What a queue of Python objects does: the array becomes a string of bytes, which goes through a pipe, and a new
/// array.
class Serialised final : public Pipe {
 public:
  using Pipe::Pipe;

 private:
  struct Header {
    std::int64_t bytes;
    std::int64_t type;
  };
  void write(std::int64_t time) override {
    fill(part(), rank(), time);
    std::vector<std::byte> message(sizeof(Header) + bytes().size());
    const Header header{std::ssize(bytes()), 'd'};
    std::memcpy(message.data(), &header, sizeof header);
    std::memcpy(message.data() + sizeof header, bytes().data(), bytes().size());
    write_all(setting(), end(), message);
  }
  double read(std::int64_t /*time*/) override {
    Header header{};
    read_all(setting(), end(), std::as_writable_bytes(std::span(&header, 1)));
    std::vector<std::byte> message(static_cast<std::size_t>(header.bytes));
    read_all(setting(), end(), message);
    std::vector<double> array(message.size() / sizeof(double));
    std::memcpy(array.data(), message.data(), message.size());
    return sum(array);
  }
};

/// Something with a name, of the writer's process and for the pair alone, that is taken away once both have opened it.
std::string own_name(const Setting& setting, const std::string& folder) {
  return fmt::format("{}/windrow-sharing.{}.{}", folder, getpid(), setting.rank());
}

class Fifo final : public PairWithMemory {
 public:
  explicit Fifo(const Setting& setting) : PairWithMemory(setting) {
    std::array<char, 4096> name{};
    if (writes()) {
      const std::string path = own_name(setting, "/dev/shm");
      path.copy(name.data(), name.size() - 1);
      const bool is_made = mkfifo(path.c_str(), 0600) == 0;
      const int error_number = errno;
      if (!is_made) name[0] = '\0';
      // Open for reading too, it does not wait for the reader.
      end_ = Descriptor(is_made ? open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC) : -1);
      static_cast<void>(mail().send(kOpened, std::as_bytes(std::span(name)), partner(), {}));
      hear(kOpened);
      if (is_made) unlink(path.c_str());
      if (end_.get() < 0) throw Unavailable(fmt::format("{}: {}", path, errno_text(error_number)));
      fcntl(end_.get(), F_SETPIPE_SZ, 1 << 20);
    }
    if (reads()) {
      static_cast<void>(mail().receive(kOpened, std::as_writable_bytes(std::span(name)), partner(), {}));
      if (name[0] != '\0') end_ = Descriptor(open(name.data(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
      const int error_number = errno;
      tell(kOpened);
      if (end_.get() < 0) throw Unavailable(fmt::format("a FIFO: {}", errno_text(error_number)));
    }
  }

 private:
  void write(std::int64_t time) override {
    fill(part(), rank(), time);
    write_all(setting(), end_.get(), bytes());
  }
  double read(std::int64_t /*time*/) override {
    read_all(setting(), end_.get(), bytes());
    return sum(part());
  }
  Descriptor end_;
};

/// Messages of at most 8 KiB, of which ten can wait: what any user may have.
class MessageQueue final : public PairWithMemory {
 public:
  explicit MessageQueue(const Setting& setting) : PairWithMemory(setting) {
    std::array<char, 256> name{};
    if (writes()) {
      const std::string own = own_name(setting, "");
      own.copy(name.data(), name.size() - 1);
      mq_attr shape{};
      shape.mq_maxmsg = 10;
      shape.mq_msgsize = kMost;
      queue_ = mq_open(own.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_NONBLOCK | O_CLOEXEC, 0600, &shape);
      const int error_number = errno;
      if (queue_ < 0) name[0] = '\0';
      static_cast<void>(mail().send(kOpened, std::as_bytes(std::span(name)), partner(), {}));
      hear(kOpened);
      if (queue_ < 0) throw Unavailable(fmt::format("mq_open: {}", errno_text(error_number)));
      mq_unlink(own.c_str());
    }
    if (reads()) {
      static_cast<void>(mail().receive(kOpened, std::as_writable_bytes(std::span(name)), partner(), {}));
      if (name[0] != '\0') queue_ = mq_open(name.data(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
      const int error_number = errno;
      tell(kOpened);
      if (queue_ < 0) throw Unavailable(fmt::format("mq_open: {}", errno_text(error_number)));
    }
  }
  ~MessageQueue() override {
    if (queue_ >= 0) mq_close(queue_);
  }

 private:
  static constexpr std::size_t kMost = 8192;
  void write(std::int64_t time) override {
    fill(part(), rank(), time);
    transfer_all(setting(), queue_, POLLOUT, std::span<const std::byte>(bytes()), "send to a message queue",
                 [&](auto rest) {
                   const std::size_t some = std::min(rest.size(), kMost);
                   const int done = mq_send(queue_, reinterpret_cast<const char*>(rest.data()), some, 0);
                   return done == 0 ? static_cast<ssize_t>(some) : ssize_t{-1};
                 });
  }
  double read(std::int64_t /*time*/) override {
    std::array<char, kMost> message{};
    transfer_all(setting(), queue_, POLLIN, bytes(), "receive from a message queue", [&](auto rest) {
      const ssize_t done = mq_receive(queue_, message.data(), message.size(), nullptr);
      if (done > 0) std::memcpy(rest.data(), message.data(), std::min(rest.size(), static_cast<std::size_t>(done)));
      return done;
    });
    return sum(part());
  }

  mqd_t queue_ = -1;
};

/// A file that the writer makes and both have open; its name is taken away at once.
class SharedFile : public PairWay {
 public:
  SharedFile(const Setting& setting, const std::string& folder) : PairWay(setting) {
    std::array<char, 4096> name{};
    if (writes()) {
      const std::string path = own_name(setting, folder);
      path.copy(name.data(), name.size() - 1);
      file_ = Descriptor(open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
      const int error_number = errno;
      if (file_.get() < 0) name[0] = '\0';
      static_cast<void>(mail().send(kOpened, std::as_bytes(std::span(name)), partner(), {}));
      hear(kOpened);
      if (file_.get() < 0) throw Unavailable(fmt::format("{}: {}", path, errno_text(error_number)));
      unlink(path.c_str());
      if (ftruncate(file_.get(), setting.bytes()) != 0) fail("make a file of the numbers' length");
    }
    if (reads()) {
      static_cast<void>(mail().receive(kOpened, std::as_writable_bytes(std::span(name)), partner(), {}));
      if (name[0] != '\0') file_ = Descriptor(open(name.data(), O_RDWR | O_CLOEXEC));
      const int error_number = errno;
      tell(kOpened);
      if (file_.get() < 0) throw Unavailable(fmt::format("a file in {}: {}", folder, errno_text(error_number)));
    }
  }

 protected:
  [[nodiscard]] int file() const { return file_.get(); }
  virtual void give(std::int64_t time) = 0;
  virtual double look() = 0;

 private:
  void write(std::int64_t time) override {
    if (time > 0) hear(kRead);
    give(time);
    tell(kFilled);
    if (time + 1 == setting().fills) hear(kRead);
  }
  double read(std::int64_t /*time*/) override {
    hear(kFilled);
    const double found = look();
    tell(kRead);
    return found;
  }
  Descriptor file_;
};

/// Written and read by calls.
class PlainFile final : public SharedFile {
 public:
  PlainFile(const Setting& setting, const std::string& folder, bool is_in_memory)
      : SharedFile(setting, folder),
        part_(has_partner() ? static_cast<std::size_t>(setting.numbers) : 0),
        is_in_memory_(is_in_memory) {}
  [[nodiscard]] std::int64_t file_bytes() const override {
    struct stat status {};
    return is_in_memory_ && writes() && fstat(file(), &status) == 0 ? status.st_blocks * 512 : 0;
  }

 private:
  void give(std::int64_t time) override {
    fill(part_, rank(), time);
    std::int64_t at = 0;
    transfer_all(setting(), file(), POLLOUT, std::as_bytes(std::span(part_)), "write a file", [&](auto rest) {
      const ssize_t done = pwrite(file(), rest.data(), rest.size(), at);
      at += std::max<ssize_t>(done, 0);
      return done;
    });
  }
  double look() override {
    std::int64_t at = 0;
    transfer_all(setting(), file(), POLLIN, std::as_writable_bytes(std::span(part_)), "read a file", [&](auto rest) {
      const ssize_t done = pread(file(), rest.data(), rest.size(), at);
      at += std::max<ssize_t>(done, 0);
      return done;
    });
    return sum(part_);
  }
  std::vector<double> part_;
  bool is_in_memory_;
};

class MappedFile final : public SharedFile {
 public:
  explicit MappedFile(const Setting& setting) : SharedFile(setting, setting.folder) {
    if (!has_partner()) return;
    // Room for it first: a store to a page that no disk has room for would end the process.
    if (writes() && posix_fallocate(file(), 0, setting.bytes()) != 0)
      throw Error(ExitStatus::resources, "no room for a file of {} bytes in {}", setting.bytes(), setting.folder);
    if (writes())
      tell(kFilled);
    else
      hear(kFilled);
    memory_ = mmap(nullptr, static_cast<std::size_t>(setting.bytes()), PROT_READ | PROT_WRITE, MAP_SHARED, file(), 0);
    if (memory_ == MAP_FAILED) fail("map a file");
  }
  ~MappedFile() override {
    if (memory_ != MAP_FAILED) munmap(memory_, static_cast<std::size_t>(setting().bytes()));
  }

 private:
  [[nodiscard]] std::int64_t file_bytes() const override { return writes() ? setting().bytes() : 0; }
  void give(std::int64_t time) override { fill(part(), rank(), time); }
  double look() override { return sum(part()); }
  [[nodiscard]] std::span<double> part() const {
    return {static_cast<double*>(memory_), static_cast<std::size_t>(setting().numbers)};
  }
  void* memory_ = MAP_FAILED;
};

}  // namespace

std::unique_ptr<Way> make_serialised(const Setting& setting) {
  return std::make_unique<Serialised>(setting);
}
std::unique_ptr<Way> make_pipe(const Setting& setting) {
  return std::make_unique<Pipe>(setting);
}
std::unique_ptr<Way> make_fifo(const Setting& setting) {
  return std::make_unique<Fifo>(setting);
}
std::unique_ptr<Way> make_queue(const Setting& setting) {
  return std::make_unique<MessageQueue>(setting);
}
std::unique_ptr<Way> make_disk_file(const Setting& setting) {
  return std::make_unique<PlainFile>(setting, setting.folder, false);
}
std::unique_ptr<Way> make_tmpfs_file(const Setting& setting) {
  return std::make_unique<PlainFile>(setting, "/dev/shm", true);
}
std::unique_ptr<Way> make_mapped_file(const Setting& setting) {
  return std::make_unique<MappedFile>(setting);
}

}  // namespace windrow::jobs::sharing
