// A server that owns the numbers: the others ask for them by messages.
#include <deque>
#include <vector>

#include "jobs/sharing/way.hpp"

namespace windrow::jobs::sharing {
namespace {

constexpr int kServer = 0;
/// Kinds of messages.
constexpr int kSet = 0;
constexpr int kNumbers = 1;
constexpr int kDone = 2;

class Server : public Way {
 public:
  Server(const Setting& setting, int last_client)
      : Way(setting),
        mail_(setting.mail()),
        last_client_(last_client),
        own_(is_client() ? static_cast<std::size_t>(setting.numbers) : 0) {
    for (int client = 1; is_server() && client <= last_client; ++client)
      fill(owned_.emplace_back(static_cast<std::size_t>(setting.numbers)), client, 0);
  }

  void run(std::int64_t time) override {
    if (is_server())
      for (int served = 0; served < last_client_; ++served) serve();
    if (is_client()) ask(time);
  }
  void verify(std::int64_t last) override {
    for (int client = 1; is_server() && client <= last_client_; ++client)
      verify_sum(setting(), sum(owned(client)), client, last);
  }
  [[nodiscard]] bool is_server() const final { return rank() == kServer; }

 protected:
  [[nodiscard]] bool is_client() const { return !is_server() && rank() <= last_client_; }
  [[nodiscard]] const Mail& mail() const { return mail_; }
  [[nodiscard]] std::span<double> own() { return own_; }
  [[nodiscard]] std::span<double> owned(int client) { return owned_[static_cast<std::size_t>(client - 1)]; }
  [[nodiscard]] static std::span<std::byte> bytes(std::span<double> part) { return std::as_writable_bytes(part); }

  /// The next client that asks for something.
  [[nodiscard]] int client() const { return *mail_.receive_from_any(kSet, {}, {}); }

  /// A new value for the client's part: sent whole, stored, and acknowledged.
  virtual void ask(std::int64_t time) {
    fill(own(), rank(), time);
    static_cast<void>(mail().send(kSet, {}, kServer, {}));
    static_cast<void>(mail().send(kNumbers, bytes(own()), kServer, {}));
    static_cast<void>(mail().receive(kDone, {}, kServer, {}));
  }
  virtual void serve() {
    const int asks = client();
    static_cast<void>(mail().receive(kNumbers, bytes(owned(asks)), asks, {}));
    static_cast<void>(mail().send(kDone, {}, asks, {}));
  }

 private:
  Mail mail_;
  int last_client_;
  std::vector<double> own_;
  std::deque<std::vector<double>> owned_;
};

/// A client fetches its part and changes what it has got: a copy.
class LostChange final : public Server {
 public:
  using Server::Server;
  void verify(std::int64_t /*last*/) override { Server::verify(0); }

 private:
  void ask(std::int64_t time) override {
    static_cast<void>(mail().send(kSet, {}, kServer, {}));
    static_cast<void>(mail().receive(kNumbers, bytes(own()), kServer, {}));
    verify_sum(setting(), sum(own()), rank(), 0);
    fill(own(), rank(), time + 1);
  }
  void serve() override {
    const int asks = client();
    static_cast<void>(mail().send(kNumbers, bytes(owned(asks)), asks, {}));
  }
};

}  // namespace

std::unique_ptr<Way> make_server_one(const Setting& setting) {
  return std::make_unique<Server>(setting, 1);
}
std::unique_ptr<Way> make_server_all(const Setting& setting) {
  return std::make_unique<Server>(setting, setting.node().size() - 1);
}
std::unique_ptr<Way> make_server_lost(const Setting& setting) {
  return std::make_unique<LostChange>(setting, setting.node().size() - 1);
}

}  // namespace windrow::jobs::sharing
