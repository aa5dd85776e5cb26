#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace windrow::io {

/// XXH3-64 of some bytes, with the default secret and seed 0; by the vector kernels of the level in use.
[[nodiscard]] std::uint64_t checksum(std::span<const std::byte> bytes) noexcept;

/// The checksum of a group of an array.
struct GroupChecksum {
  std::int64_t group = 0;
  std::uint64_t checksum = 0;
};

/// The same number as checksum() from bytes that come in pieces, in order: of a group that lies in several panels.
class ChecksumStream {
 public:
  ChecksumStream();
  ~ChecksumStream();
  ChecksumStream(ChecksumStream&&) noexcept;
  ChecksumStream& operator=(ChecksumStream&&) noexcept;

  void feed(std::span<const std::byte> bytes) noexcept;
  /// The checksum of all that was fed since the last call.
  [[nodiscard]] std::uint64_t finish() noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// XXH3-128 of bytes that come in pieces: of the part of a file that is neither array nor seal.
class Fingerprint {
 public:
  using Value = std::array<std::uint64_t, 2>;  ///< low half, high half

  Fingerprint();
  ~Fingerprint();
  Fingerprint(Fingerprint&&) noexcept;
  Fingerprint& operator=(Fingerprint&&) noexcept;

  void feed(std::span<const std::byte> bytes) noexcept;
  /// The fingerprint of all that was fed since the last call.
  [[nodiscard]] Value finish() noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace windrow::io
