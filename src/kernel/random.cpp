#include "kernel/random.hpp"

namespace windrow::kernel {
namespace {

std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

std::uint64_t fnv_1a(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

}  // namespace

std::uint64_t key_of(const Stream& stream) {
  const std::uint64_t named = mix(mix(stream.seed) ^ fnv_1a(stream.array));
  return mix(mix(named ^ stream.call) ^ static_cast<std::uint64_t>(stream.sample));
}

}  // namespace windrow::kernel
