// In the place of src/io/checksums.cpp: `windrow` linked with it computes no checksums, so that their cost can be seen.
#include "io/checksums.hpp"

namespace windrow::io {

struct ChecksumStream::State {};
struct Fingerprint::State {};

std::uint64_t checksum(std::span<const std::byte> /*bytes*/) noexcept {
  return 0;
}

ChecksumStream::ChecksumStream() = default;
ChecksumStream::~ChecksumStream() = default;
ChecksumStream::ChecksumStream(ChecksumStream&&) noexcept = default;
ChecksumStream& ChecksumStream::operator=(ChecksumStream&&) noexcept = default;
void ChecksumStream::feed(std::span<const std::byte> /*bytes*/) noexcept {}
std::uint64_t ChecksumStream::finish() noexcept {
  return 0;
}

Fingerprint::Fingerprint() = default;
Fingerprint::~Fingerprint() = default;
Fingerprint::Fingerprint(Fingerprint&&) noexcept = default;
Fingerprint& Fingerprint::operator=(Fingerprint&&) noexcept = default;
void Fingerprint::feed(std::span<const std::byte> /*bytes*/) noexcept {}
Fingerprint::Value Fingerprint::finish() noexcept {
  return {};
}

}  // namespace windrow::io
