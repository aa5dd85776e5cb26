#pragma once

#include <array>
#include <cstddef>

#include "jobs/sharing/way.hpp"

namespace windrow::jobs::sharing {

/// Ways to move: node ranks 0 and 1, 2 and 3, ... are pairs; the first fills its part, the second adds it up. The last
/// of an odd number has nothing to do.
class PairWay : public Way {
 public:
  explicit PairWay(const Setting& setting) : Way(setting), mail_(setting.mail()) {}

  void run(std::int64_t time) final {
    if (writes()) write(time);
    if (reads()) verify_sum(setting(), read(time), partner(), time);
  }

 protected:
  [[nodiscard]] bool has_partner() const { return partner() < setting().node().size(); }
  [[nodiscard]] bool writes() const { return has_partner() && rank() % 2 == 0; }
  [[nodiscard]] bool reads() const { return has_partner() && rank() % 2 == 1; }
  [[nodiscard]] int partner() const { return rank() ^ 1; }

  /// A word to the partner, and from it: kinds of messages of the way's own.
  void tell(int kind) const { static_cast<void>(mail_.send(kind, {}, partner(), {})); }
  void hear(int kind) const { static_cast<void>(mail_.receive(kind, {}, partner(), {})); }
  [[nodiscard]] const Mail& mail() const { return mail_; }

  /// Fills the part and gives it away.
  virtual void write(std::int64_t time) = 0;
  /// The sum of what the partner has given.
  virtual double read(std::int64_t time) = 0;

 private:
  Mail mail_;
};

/// One whose ranks have memory of their own for a part.
class PairWithMemory : public PairWay {
 public:
  explicit PairWithMemory(const Setting& setting)
      : PairWay(setting), part_(has_partner() ? static_cast<std::size_t>(setting.numbers) : 0) {}

 protected:
  [[nodiscard]] std::span<double> part() { return part_; }
  [[nodiscard]] std::span<std::byte> bytes() { return std::as_writable_bytes(part()); }

 private:
  std::vector<double> part_;
};

}  // namespace windrow::jobs::sharing
