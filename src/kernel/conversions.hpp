#pragma once

// Vectors of lanes into vectors of elements: see lanes.hpp for who may include this.

#include "kernel/sources.hpp"

namespace windrow::kernel {
namespace {

inline std::int64_t truncate_to_int64(double x) {
  return x >= -0x1p63 && x < 0x1p63 ? static_cast<std::int64_t>(x) : INT64_MIN;
}

inline Int64 truncate_to_int64(Float64 x) {
#if WINDROW_LANE_BYTES == 64
  return reinterpret_cast<Int64>(_mm512_maskz_cvttpd_epi64(kAll, reinterpret_cast<__m512d>(x)));
#else
  Int64 v{};
  for (int lane = 0; lane < kWidth<double>; ++lane) v[lane] = truncate_to_int64(x[lane]);
  return v;
#endif
}

/// Two vectors of doubles into one of int32, truncated.
inline Int32 truncate_to_int32(Float64 a, Float64 b) {
#if WINDROW_LANE_BYTES == 64
  const __m256i low = _mm512_maskz_cvttpd_epi32(kAll, reinterpret_cast<__m512d>(a));
  const __m256i high = _mm512_maskz_cvttpd_epi32(kAll, reinterpret_cast<__m512d>(b));
  return reinterpret_cast<Int32>(_mm512_maskz_inserti64x4(kAll, _mm512_castsi256_si512(low), high, 1));
#elif WINDROW_LANE_BYTES == 32
  const __m128i low = _mm256_cvttpd_epi32(reinterpret_cast<__m256d>(a));
  const __m128i high = _mm256_cvttpd_epi32(reinterpret_cast<__m256d>(b));
  return reinterpret_cast<Int32>(_mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1));
#elif defined(__SSE2__)
  const __m128i low = _mm_cvttpd_epi32(reinterpret_cast<__m128d>(a));
  const __m128i high = _mm_cvttpd_epi32(reinterpret_cast<__m128d>(b));
  return reinterpret_cast<Int32>(_mm_unpacklo_epi64(low, high));
#else
  Int32 v{};
  for (int lane = 0; lane < kWidth<std::int32_t>; ++lane) {
    const double x = lane < kWidth<double> ? a[lane] : b[lane - kWidth<double>];
    v[lane] = x > -0x1.00000002p31 && x < 0x1p31 ? static_cast<std::int32_t>(x) : INT32_MIN;
  }
  return v;
#endif
}

inline Float32 round_to_float32(Float64 a, Float64 b) {
#if WINDROW_LANE_BYTES == 64
  const auto low = _mm256_castps_si256(_mm512_maskz_cvtpd_ps(kAll, reinterpret_cast<__m512d>(a)));
  const auto high = _mm256_castps_si256(_mm512_maskz_cvtpd_ps(kAll, reinterpret_cast<__m512d>(b)));
  return reinterpret_cast<Float32>(_mm512_maskz_inserti64x4(kAll, _mm512_castsi256_si512(low), high, 1));
#elif WINDROW_LANE_BYTES == 32
  const __m128 low = _mm256_cvtpd_ps(reinterpret_cast<__m256d>(a));
  const __m128 high = _mm256_cvtpd_ps(reinterpret_cast<__m256d>(b));
  return reinterpret_cast<Float32>(_mm256_insertf128_ps(_mm256_castps128_ps256(low), high, 1));
#elif defined(__SSE2__)
  const __m128 low = _mm_cvtpd_ps(reinterpret_cast<__m128d>(a));
  const __m128 high = _mm_cvtpd_ps(reinterpret_cast<__m128d>(b));
  return reinterpret_cast<Float32>(_mm_movelh_ps(low, high));
#else
  Float32 v{};
  for (int lane = 0; lane < kWidth<float>; ++lane)
    v[lane] = static_cast<float>(lane < kWidth<double> ? a[lane] : b[lane - kWidth<double>]);
  return v;
#endif
}

/// The low halves of two vectors of lanes.
inline Int32 low_halves(Bits a, Bits b) {
#if WINDROW_LANE_BYTES == 64
  const __m256i low = _mm512_maskz_cvtepi64_epi32(kAll, reinterpret_cast<__m512i>(a));
  const __m256i high = _mm512_maskz_cvtepi64_epi32(kAll, reinterpret_cast<__m512i>(b));
  return reinterpret_cast<Int32>(_mm512_maskz_inserti64x4(kAll, _mm512_castsi256_si512(low), high, 1));
#else
  Int32 v{};
  for (int lane = 0; lane < kWidth<std::int32_t>; ++lane) {
    const std::uint64_t x = lane < kWidth<double> ? a[lane] : b[lane - kWidth<double>];
    v[lane] = static_cast<std::int32_t>(static_cast<std::uint32_t>(x));
  }
  return v;
#endif
}

inline Float64 nearest_float32(Float64 x) {
#if WINDROW_LANE_BYTES == 64
  return reinterpret_cast<Float64>(
      _mm512_maskz_cvtps_pd(kAll, _mm512_maskz_cvtpd_ps(kAll, reinterpret_cast<__m512d>(x))));
#elif WINDROW_LANE_BYTES == 32
  return reinterpret_cast<Float64>(_mm256_cvtps_pd(_mm256_cvtpd_ps(reinterpret_cast<__m256d>(x))));
#elif defined(__SSE2__)
  return reinterpret_cast<Float64>(_mm_cvtps_pd(_mm_cvtpd_ps(reinterpret_cast<__m128d>(x))));
#else
  for (int lane = 0; lane < kWidth<double>; ++lane) x[lane] = static_cast<float>(x[lane]);
  return x;
#endif
}

/// The low half of each lane with its sign.
inline Int64 low_int32(Int64 x) {
#if WINDROW_LANE_BYTES == 64
  return as_int((bits_of(x) << 32)) >> 32;
#else
  const Bits low = bits_of(x) & broadcast<std::uint64_t>(0xffffffff);
  const Bits sign = broadcast<std::uint64_t>(0x80000000);
  return as_int((low ^ sign) - sign);
#endif
}

/// Elements to lanes one vector at a time; the last ones singly, for nothing may be read beyond them.
template <typename Element, typename Lane>
inline void widen(const void* elements, void* lanes, std::int64_t count) {
  const auto* const from = static_cast<const Element*>(elements);
  auto* const to = static_cast<Lane*>(lanes);
  std::int64_t n = 0;
  if constexpr (sizeof(Element) == 8) {
    for (; n + kWidth<Lane> <= count; n += kWidth<Lane>) store(to + n, load(from + n));
  } else if constexpr (sizeof(Element) == 4) {
    for (; n + kWidth<Lane> <= count; n += kWidth<Lane>) {
      using Narrow [[gnu::vector_size(kLaneBytes / 2)]] = Element;
      Narrow v;
      __builtin_memcpy(&v, from + n, sizeof v);
      store(to + n, __builtin_convertvector(v, Vector<Lane>));
    }
  }
  for (; n < count; ++n) to[n] = static_cast<Lane>(from[n]);
}

/// Truth values; there are no others of one byte.
inline bool to_int8(const void* lanes, void* out, std::int64_t count, Store) {
  const auto* const from = static_cast<const std::uint64_t*>(lanes);
  auto* const to = static_cast<std::uint8_t*>(out);
  for (std::int64_t n = 0; n < count; ++n) to[n] = static_cast<std::uint8_t>(from[n]);
  return true;
}

template <typename A>
struct TruncateToInt64 {
  A a;
  Int64 operator()(std::int64_t n) const { return truncate_to_int64(a(n)); }
};

template <typename A>
struct TruncateToInt32 {
  A a;
  Int32 operator()(std::int64_t n) const { return truncate_to_int32(a(n), a(n + kWidth<double>)); }
};

template <typename A>
struct RoundToFloat32 {
  A a;
  Float32 operator()(std::int64_t n) const { return round_to_float32(a(n), a(n + kWidth<double>)); }
};

template <typename A>
struct LowHalves {
  A a;
  Int32 operator()(std::int64_t n) const { return low_halves(a(n), a(n + kWidth<double>)); }
};

template <typename A>
struct FloatOfInt {
  A a;
  Float64 operator()(std::int64_t n) const { return float_of(as_int(a(n))); }
};

template <typename A>
struct FloatOfSmall {
  A a;
  Float64 operator()(std::int64_t n) const { return float_of_small_signed(a(n)); }
};

template <typename A>
struct AsInt {
  A a;
  Int64 operator()(std::int64_t n) const { return as_int(a(n)); }
};

}  // namespace
}  // namespace windrow::kernel
