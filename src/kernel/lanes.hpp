#pragma once

// Vector registers of one width, for the sources of src/kernel/level_*.cpp alone. Each of them includes this file with
// its own width, so everything here has internal linkage: code of a higher level must never be shared with a lower one.
// For the same reason nothing of the standard library is called from here.

#include <cstdint>

#ifndef WINDROW_LANE_BYTES
#define WINDROW_LANE_BYTES 16
#endif
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace windrow::kernel {
namespace {

inline constexpr int kLaneBytes = WINDROW_LANE_BYTES;

template <typename T>
struct VectorOf {
  using Type [[gnu::vector_size(kLaneBytes)]] = T;
};
template <typename T>
using Vector = typename VectorOf<T>::Type;

template <typename T>
inline constexpr std::int64_t kWidth = kLaneBytes / static_cast<std::int64_t>(sizeof(T));

#if WINDROW_LANE_BYTES == 64
/// GCC 12 warns of its own header where an instruction without a mask is used; with all lanes set it is the same one.
inline constexpr __mmask8 kAll = 0xff;
#endif

using Float64 = Vector<double>;
using Float32 = Vector<float>;
using Int64 = Vector<std::int64_t>;
using Int32 = Vector<std::int32_t>;
using Bits = Vector<std::uint64_t>;

template <typename V>
using ElementOf = decltype(V{}[0] + V{}[0]);

inline Bits bits_of(Float64 x) {
  return reinterpret_cast<Bits>(x);
}
inline Bits bits_of(Int64 x) {
  return reinterpret_cast<Bits>(x);
}
inline Float64 as_float(Bits x) {
  return reinterpret_cast<Float64>(x);
}
inline Int64 as_int(Bits x) {
  return reinterpret_cast<Int64>(x);
}

template <typename T>
inline Vector<T> load(const T* from) {
  Vector<T> v;
  __builtin_memcpy(&v, from, sizeof v);
  return v;
}

template <typename T>
inline void store(T* to, Vector<T> v) {
  __builtin_memcpy(to, &v, sizeof v);
}

template <typename T>
inline void store_part(T* to, Vector<T> v, std::int64_t count) {
  __builtin_memcpy(to, &v, static_cast<std::uint64_t>(count) * sizeof(T));
}

/// Subtracting zero keeps every value, the sign of -0.0 too.
template <typename T>
inline Vector<T> broadcast(T x) {
  return x - Vector<T>{};
}

template <typename T>
inline Vector<T> lane_numbers() {
  Vector<T> v{};
  for (int lane = 0; lane < kWidth<T>; ++lane) v[lane] = static_cast<T>(lane);
  return v;
}

/// 1 in lanes where the mask is set, else 0.
inline Int64 truth(Int64 mask) {
  return as_int(bits_of(mask) & broadcast<std::uint64_t>(1));
}

/// a < b ? a : b, and so b where one of them is NaN.
inline Float64 smaller(Float64 a, Float64 b) {
#if WINDROW_LANE_BYTES == 64
  return reinterpret_cast<Float64>(
      _mm512_maskz_min_pd(kAll, reinterpret_cast<__m512d>(a), reinterpret_cast<__m512d>(b)));
#elif WINDROW_LANE_BYTES == 32
  return reinterpret_cast<Float64>(_mm256_min_pd(reinterpret_cast<__m256d>(a), reinterpret_cast<__m256d>(b)));
#elif defined(__SSE2__)
  return reinterpret_cast<Float64>(_mm_min_pd(reinterpret_cast<__m128d>(a), reinterpret_cast<__m128d>(b)));
#else
  return a < b ? a : b;
#endif
}

/// a > b ? a : b, and so b where one of them is NaN.
inline Float64 larger(Float64 a, Float64 b) {
#if WINDROW_LANE_BYTES == 64
  return reinterpret_cast<Float64>(
      _mm512_maskz_max_pd(kAll, reinterpret_cast<__m512d>(a), reinterpret_cast<__m512d>(b)));
#elif WINDROW_LANE_BYTES == 32
  return reinterpret_cast<Float64>(_mm256_max_pd(reinterpret_cast<__m256d>(a), reinterpret_cast<__m256d>(b)));
#elif defined(__SSE2__)
  return reinterpret_cast<Float64>(_mm_max_pd(reinterpret_cast<__m128d>(a), reinterpret_cast<__m128d>(b)));
#else
  return a > b ? a : b;
#endif
}

/// Whether multiply_add() rounds once: all processors of the level can.
inline constexpr bool kFuses = kLaneBytes > 16;

/// a b + c, rounded once, at the baseline twice: there is no instruction, and a function would take ten times as long.
inline Float64 multiply_add(Float64 a, Float64 b, Float64 c) {
#if WINDROW_LANE_BYTES == 64
  return reinterpret_cast<Float64>(_mm512_maskz_fmadd_pd(kAll, reinterpret_cast<__m512d>(a),
                                                         reinterpret_cast<__m512d>(b), reinterpret_cast<__m512d>(c)));
#elif WINDROW_LANE_BYTES == 32
  return reinterpret_cast<Float64>(
      _mm256_fmadd_pd(reinterpret_cast<__m256d>(a), reinterpret_cast<__m256d>(b), reinterpret_cast<__m256d>(c)));
#else
  return a * b + c;
#endif
}

/// Whether a mask is set in any lane.
inline bool any(Int64 mask) {
#if WINDROW_LANE_BYTES == 64
  return _mm512_movepi64_mask(reinterpret_cast<__m512i>(mask)) != 0;
#elif WINDROW_LANE_BYTES == 32
  return _mm256_movemask_pd(reinterpret_cast<__m256d>(mask)) != 0;
#elif defined(__SSE2__)
  return _mm_movemask_pd(reinterpret_cast<__m128d>(mask)) != 0;
#else
  return (mask[0] | mask[1]) != 0;
#endif
}

/// The sign bit alone.
inline Bits sign_of(Float64 x) {
  return bits_of(x) & broadcast<std::uint64_t>(0x8000000000000000);
}

inline Float64 magnitude(Float64 x) {
  return as_float(bits_of(x) & broadcast<std::uint64_t>(0x7fffffffffffffff));
}

/// -x in lanes where `sign` has the sign bit.
inline Float64 signed_by(Float64 x, Bits sign) {
  return as_float(bits_of(x) ^ sign);
}

/// x where the mask is set, elsewhere the NaN that the processor makes of an invalid operation: programs know no other,
/// and so no bit depends on which of two NaN an operation passes on.
inline Float64 where_defined(Int64 mask, Float64 x) {
  return mask ? x : as_float(broadcast<std::uint64_t>(0xfff8000000000000));
}

/// Exact for 0 <= x < 2^52: the bits of 2^52 + x are those of 2^52 with x in the fraction.
inline Float64 float_of_small(Bits x) {
  return as_float(x | broadcast<std::uint64_t>(0x4330000000000000)) - broadcast(0x1p52);
}

/// Exact for |x| <= 2^51.
inline Float64 float_of_small_signed(Bits x) {
  return as_float(x + broadcast<std::uint64_t>(0x4338000000000000)) - broadcast(0x1.8p52);
}

/// int64 to float64, rounded once: both halves are placed in fractions exactly, the last addition rounds.
inline Float64 float_of(Int64 x) {
#if WINDROW_LANE_BYTES == 64
  return reinterpret_cast<Float64>(_mm512_maskz_cvtepi64_pd(kAll, reinterpret_cast<__m512i>(x)));
#else
  const Bits low = (bits_of(x) & broadcast<std::uint64_t>(0xffffffff)) | broadcast<std::uint64_t>(0x4330000000000000);
  // 0x1.00000801p84 is 2^84 + 2^63 + 2^52, all that was added.
  const Bits high = (bits_of(x) >> 32) ^ broadcast<std::uint64_t>(0x4530000080000000);
  return (as_float(high) - broadcast(0x1.00000801p84)) + as_float(low);
#endif
}

/// The product of the low 32 bits of each lane.
inline Bits multiply_low_halves(Bits a, Bits b) {
#if WINDROW_LANE_BYTES == 64
  return reinterpret_cast<Bits>(
      _mm512_maskz_mul_epu32(kAll, reinterpret_cast<__m512i>(a), reinterpret_cast<__m512i>(b)));
#elif WINDROW_LANE_BYTES == 32
  return reinterpret_cast<Bits>(_mm256_mul_epu32(reinterpret_cast<__m256i>(a), reinterpret_cast<__m256i>(b)));
#elif defined(__SSE2__)
  return reinterpret_cast<Bits>(_mm_mul_epu32(reinterpret_cast<__m128i>(a), reinterpret_cast<__m128i>(b)));
#else
  const Bits mask = broadcast<std::uint64_t>(0xffffffff);
  return (a & mask) * (b & mask);
#endif
}

/// The high 32 bits of each lane as the low ones of the result, whose high ones are anything. In the widest
/// vectors shifts would compete with multiplications for one port of the processor; shuffles do not.
inline Bits high_halves(Bits x) {
#if WINDROW_LANE_BYTES == 64
  return reinterpret_cast<Bits>(_mm512_maskz_shuffle_epi32(0xffff, reinterpret_cast<__m512i>(x), _MM_PERM_DDBB));
#else
  return x >> 32;
#endif
}

/// The low halves of two vectors' lanes, joined to lanes.
inline Bits join_low_halves(Bits low, Bits high) {
#if WINDROW_LANE_BYTES == 64
  return reinterpret_cast<Bits>(_mm512_mask_shuffle_epi32(reinterpret_cast<__m512i>(low), 0xaaaa,
                                                          reinterpret_cast<__m512i>(high), _MM_PERM_CCAA));
#else
  return (low & broadcast<std::uint64_t>(0xffffffff)) | (high << 32);
#endif
}

#if WINDROW_LANE_BYTES != 64
/// The low halves of a vector's lanes under the high halves of another's, which has no low ones.
inline Bits under_high_halves(Bits low, Bits high) {
#if WINDROW_LANE_BYTES == 32
  return reinterpret_cast<Bits>(
      _mm256_blend_epi32(reinterpret_cast<__m256i>(low), reinterpret_cast<__m256i>(high), 0xaa));
#else
  return (low & broadcast<std::uint64_t>(0xffffffff)) | high;
#endif
}

inline Bits low_halves_shifted_by_11(Bits x) {
  using Halves = Vector<std::uint32_t>;
  return reinterpret_cast<Bits>(reinterpret_cast<Halves>(x) >> 11);
}
#endif

/// (b >> 11) 2^-53 of the 64 bits b whose words are the low halves of `low` and `high`, exactly. Words are placed in
/// the fractions of numbers whose last bits are worth 2^-32 and 2^-53; what that added is taken away again.
inline Float64 unit_interval(Bits low, Bits high) {
#if WINDROW_LANE_BYTES == 64
  return float_of(as_int(join_low_halves(low, high) >> 11)) * broadcast(0x1p-53);
#else
  const Float64 first = as_float(under_high_halves(high, broadcast<std::uint64_t>(0x4130000000000000)));
  const Float64 rest =
      as_float(under_high_halves(low_halves_shifted_by_11(low), broadcast<std::uint64_t>(0x3fe0000000000000)));
  return (first - broadcast(0x1.000008p20)) + rest;
#endif
}

inline Float64 square_root(Float64 x) {
#if WINDROW_LANE_BYTES == 64
  return reinterpret_cast<Float64>(_mm512_maskz_sqrt_pd(kAll, reinterpret_cast<__m512d>(x)));
#elif WINDROW_LANE_BYTES == 32
  return reinterpret_cast<Float64>(_mm256_sqrt_pd(reinterpret_cast<__m256d>(x)));
#elif defined(__SSE2__)
  return reinterpret_cast<Float64>(_mm_sqrt_pd(reinterpret_cast<__m128d>(x)));
#else
  for (int lane = 0; lane < kWidth<double>; ++lane) x[lane] = __builtin_sqrt(x[lane]);
  return x;
#endif
}

/// The numbers of the pairs that a vector has in its lanes, in an order that interleave() needs.
inline Bits pair_numbers() {
  Bits v{};
  for (int lane = 0; lane < kWidth<double>; ++lane)
    v[lane] = static_cast<std::uint64_t>(lane / 2 + lane % 2 * (kWidth<double> / 2));
  return v;
}

struct Interleaved {
  Float64 first;
  Float64 second;
};

/// a and b of pair 0, a and b of pair 1, ...: of lanes ordered as pair_numbers().
inline Interleaved interleave(Float64 a, Float64 b) {
#if WINDROW_LANE_BYTES == 64
  const auto x = reinterpret_cast<__m512d>(a);
  const auto y = reinterpret_cast<__m512d>(b);
  return {reinterpret_cast<Float64>(_mm512_maskz_unpacklo_pd(kAll, x, y)),
          reinterpret_cast<Float64>(_mm512_maskz_unpackhi_pd(kAll, x, y))};
#elif WINDROW_LANE_BYTES == 32
  const auto x = reinterpret_cast<__m256d>(a);
  const auto y = reinterpret_cast<__m256d>(b);
  return {reinterpret_cast<Float64>(_mm256_unpacklo_pd(x, y)), reinterpret_cast<Float64>(_mm256_unpackhi_pd(x, y))};
#else
  return {Float64{a[0], b[0]}, Float64{a[1], b[1]}};
#endif
}

/// One whole vector past the caches; `to` is aligned as the vector.
template <typename T>
inline void stream(T* to, Vector<T> v) {
#if WINDROW_LANE_BYTES == 64
  _mm512_stream_si512(reinterpret_cast<__m512i*>(to), reinterpret_cast<__m512i>(v));
#elif WINDROW_LANE_BYTES == 32
  _mm256_stream_si256(reinterpret_cast<__m256i*>(to), reinterpret_cast<__m256i>(v));
#elif defined(__SSE2__)
  _mm_stream_si128(reinterpret_cast<__m128i*>(to), reinterpret_cast<__m128i>(v));
#else
  store(to, v);
#endif
}

}  // namespace
}  // namespace windrow::kernel
