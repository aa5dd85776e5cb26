#include "io/checksums.hpp"

#include "kernel/kernels.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace windrow::io {

struct ChecksumStream::State {
  XXH3_state_t hash;
};
struct Fingerprint::State {
  XXH3_state_t hash;
};

std::uint64_t checksum(std::span<const std::byte> bytes) noexcept {
  return kernel::kernels().hash(bytes.data(), bytes.size());
}

ChecksumStream::ChecksumStream() : state_(std::make_unique<State>()) {
  XXH3_64bits_reset(&state_->hash);
}
ChecksumStream::~ChecksumStream() = default;
ChecksumStream::ChecksumStream(ChecksumStream&&) noexcept = default;
ChecksumStream& ChecksumStream::operator=(ChecksumStream&&) noexcept = default;

void ChecksumStream::feed(std::span<const std::byte> bytes) noexcept {
  XXH3_64bits_update(&state_->hash, bytes.data(), bytes.size());
}

std::uint64_t ChecksumStream::finish() noexcept {
  const std::uint64_t sum = XXH3_64bits_digest(&state_->hash);
  XXH3_64bits_reset(&state_->hash);
  return sum;
}

Fingerprint::Fingerprint() : state_(std::make_unique<State>()) {
  XXH3_128bits_reset(&state_->hash);
}
Fingerprint::~Fingerprint() = default;
Fingerprint::Fingerprint(Fingerprint&&) noexcept = default;
Fingerprint& Fingerprint::operator=(Fingerprint&&) noexcept = default;

void Fingerprint::feed(std::span<const std::byte> bytes) noexcept {
  XXH3_128bits_update(&state_->hash, bytes.data(), bytes.size());
}

Fingerprint::Value Fingerprint::finish() noexcept {
  const XXH128_hash_t hash = XXH3_128bits_digest(&state_->hash);
  XXH3_128bits_reset(&state_->hash);
  return {hash.low64, hash.high64};
}

}  // namespace windrow::io
