// x86-64 with AVX2, FMA and F16C (Haswell, Zen and later).
#include <immintrin.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <type_traits>
#include <utility>

#include "kernels.h"

namespace galop::avx2 {
namespace {

constexpr int kTile = 4;
constexpr int kWideFrom = 3 * kTile;
struct F {
  __m256 a, b;
};
struct I {
  __m256i a, b;
};
struct B {
  __m256i a, b;
};

inline F load(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
inline void store(float* p, F v) {
  _mm256_storeu_ps(p, v.a);
  _mm256_storeu_ps(p + 8, v.b);
}
inline F set1(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
inline F add(F x, F y) { return {_mm256_add_ps(x.a, y.a), _mm256_add_ps(x.b, y.b)}; }
inline F sub(F x, F y) { return {_mm256_sub_ps(x.a, y.a), _mm256_sub_ps(x.b, y.b)}; }
inline F mul(F x, F y) { return {_mm256_mul_ps(x.a, y.a), _mm256_mul_ps(x.b, y.b)}; }
inline F div(F x, F y) { return {_mm256_div_ps(x.a, y.a), _mm256_div_ps(x.b, y.b)}; }
inline F fma(F x, F y, F z) { return {_mm256_fmadd_ps(x.a, y.a, z.a), _mm256_fmadd_ps(x.b, y.b, z.b)}; }
inline F max(F x, F y) { return {_mm256_max_ps(x.a, y.a), _mm256_max_ps(x.b, y.b)}; }
inline F min(F x, F y) { return {_mm256_min_ps(x.a, y.a), _mm256_min_ps(x.b, y.b)}; }
inline F absolute(F x) {
  const __m256 sign = _mm256_set1_ps(-0.0f);
  return {_mm256_andnot_ps(sign, x.a), _mm256_andnot_ps(sign, x.b)};
}
inline float maximum(F x) {
  const __m256 m = _mm256_max_ps(x.a, x.b);
  __m128 v = _mm_max_ps(_mm256_castps256_ps128(m), _mm256_extractf128_ps(m, 1));
  v = _mm_max_ps(v, _mm_movehl_ps(v, v));
  return _mm_cvtss_f32(_mm_max_ss(v, _mm_shuffle_ps(v, v, 1)));
}
inline bool finite(F x) {
  const F size = absolute(x);
  const __m256 limit = _mm256_set1_ps(INFINITY);
  const __m256 below =
      _mm256_and_ps(_mm256_cmp_ps(size.a, limit, _CMP_LT_OQ), _mm256_cmp_ps(size.b, limit, _CMP_LT_OQ));
  return _mm256_movemask_ps(below) == 0xff;
}
inline F load_f16(const void* p) {
  const auto* half = static_cast<const __m128i*>(p);
  return {_mm256_cvtph_ps(_mm_loadu_si128(half)), _mm256_cvtph_ps(_mm_loadu_si128(half + 1))};
}
inline void store_f16(uint16_t* p, F v) {
  v = min(max(v, set1(-65504.0f)), set1(65504.0f));
  auto* half = reinterpret_cast<__m128i*>(p);
  _mm_storeu_si128(half, _mm256_cvtps_ph(v.a, _MM_FROUND_TO_NEAREST_INT));
  _mm_storeu_si128(half + 1, _mm256_cvtps_ph(v.b, _MM_FROUND_TO_NEAREST_INT));
}
inline F load_u8(const uint8_t* p) {
  const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return {_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(v)), _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_srli_si128(v, 8)))};
}
inline F load_i8(const uint8_t* p) {
  const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return {_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(v)), _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(v, 8)))};
}
inline __m256 e8m0_8(__m256i e) {  // 2^-128 and 2^-127 are subnormal: 1 and 2 times 2^21 in the mantissa's place
  const __m256i normal = _mm256_slli_epi32(_mm256_sub_epi32(e, _mm256_set1_epi32(1)), 23);
  const __m256i subnormal = _mm256_slli_epi32(_mm256_add_epi32(e, _mm256_set1_epi32(1)), 21);
  return _mm256_castsi256_ps(_mm256_max_epi32(normal, subnormal));
}
inline F load_e8m0(const uint8_t* p) {
  const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return {e8m0_8(_mm256_cvtepu8_epi32(v)), e8m0_8(_mm256_cvtepu8_epi32(_mm_srli_si128(v, 8)))};
}
inline F load_e4m3(const uint8_t* p) {  // as fp16, 2^8 times too small
  const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  const __m128i a = _mm_slli_epi16(_mm_cvtepu8_epi16(v), 7);
  const __m128i b = _mm_slli_epi16(_mm_cvtepu8_epi16(_mm_srli_si128(v, 8)), 7);
  return mul({_mm256_cvtph_ps(a), _mm256_cvtph_ps(b)}, set1(128.0f));
}
inline F to_float(I x) { return {_mm256_cvtepi32_ps(x.a), _mm256_cvtepi32_ps(x.b)}; }
inline __m256 exponent_8(__m256i n) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(n, _mm256_set1_epi32(127)), 23));
}
inline F exponent(I n) { return {exponent_8(n.a), exponent_8(n.b)}; }
inline F select_below(int64_t n, F x, F y) {
  const __m256i limit = _mm256_set1_epi32(static_cast<int>(n <= 0 ? 0 : n >= 16 ? 16 : n));
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  const __m256i a = _mm256_cmpgt_epi32(limit, lane);
  const __m256i b = _mm256_cmpgt_epi32(limit, _mm256_add_epi32(lane, _mm256_set1_epi32(8)));
  return {_mm256_blendv_ps(y.a, x.a, _mm256_castsi256_ps(a)), _mm256_blendv_ps(y.b, x.b, _mm256_castsi256_ps(b))};
}

inline I set1_i(int32_t x) { return {_mm256_set1_epi32(x), _mm256_set1_epi32(x)}; }
inline I load_i(const uint8_t* p) {
  const auto* v = reinterpret_cast<const __m256i*>(p);
  return {_mm256_loadu_si256(v), _mm256_loadu_si256(v + 1)};
}
inline I and_i(I x, int32_t mask) {
  const __m256i m = _mm256_set1_epi32(mask);
  return {_mm256_and_si256(x.a, m), _mm256_and_si256(x.b, m)};
}
inline I or_i(I x, I y) { return {_mm256_or_si256(x.a, y.a), _mm256_or_si256(x.b, y.b)}; }
inline I shift_right(I x, int n) {
  const __m128i count = _mm_cvtsi32_si128(n);
  return {_mm256_srl_epi32(x.a, count), _mm256_srl_epi32(x.b, count)};
}
template <int kCount>
inline I shift_left(I x) {
  return {_mm256_slli_epi32(x.a, kCount), _mm256_slli_epi32(x.b, kCount)};
}
inline I round_i(F x) { return {_mm256_cvtps_epi32(x.a), _mm256_cvtps_epi32(x.b)}; }
inline int32_t sum_i(I x) {
  const __m256i s = _mm256_add_epi32(x.a, x.b);
  __m128i v = _mm_add_epi32(_mm256_castsi256_si128(s), _mm256_extracti128_si256(s, 1));
  v = _mm_add_epi32(v, _mm_shuffle_epi32(v, 0x4e));
  return _mm_cvtsi128_si32(_mm_add_epi32(v, _mm_shuffle_epi32(v, 0xb1)));
}
inline void store_i8(int8_t* p, I x) {
  const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(x.a, x.b), 0xd8);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p),
                   _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1)));
}
inline void store_i16(int16_t* p, I x) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm256_permute4x64_epi64(_mm256_packs_epi32(x.a, x.b), 0xd8));
}

inline B load_b(const uint8_t* p) {
  const auto* v = reinterpret_cast<const __m256i*>(p);
  return {_mm256_loadu_si256(v), _mm256_loadu_si256(v + 1)};
}
inline void store_b(uint8_t* p, B x) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), x.a);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p) + 1, x.b);
}
template <int kFrom, int kTo, int kWidth>
inline __m256i field_32(__m256i v) {
  if constexpr (kFrom > kTo) v = _mm256_srli_epi16(v, kFrom - kTo);
  if constexpr (kFrom < kTo) v = _mm256_slli_epi16(v, kTo - kFrom);
  return _mm256_and_si256(v, _mm256_set1_epi8(((1 << kWidth) - 1) << kTo));
}
template <int kFrom, int kTo, int kWidth>
inline B field(B x) {
  return {field_32<kFrom, kTo, kWidth>(x.a), field_32<kFrom, kTo, kWidth>(x.b)};
}
template <int kFrom, int kTo, int kWidth>
inline B insert(B codes, B plane) {
  const B moved = field<kFrom, kTo, kWidth>(plane);
  return {_mm256_or_si256(codes.a, moved.a), _mm256_or_si256(codes.b, moved.b)};
}
inline B bytes(I x) { return {x.a, x.b}; }
inline B plus(B x, B y) { return {_mm256_add_epi8(x.a, y.a), _mm256_add_epi8(x.b, y.b)}; }
inline __m256i times_32(__m256i x, __m256i y) {
  const __m256i even = _mm256_and_si256(_mm256_mullo_epi16(x, y), _mm256_set1_epi16(255));
  const __m256i odd = _mm256_mullo_epi16(_mm256_srli_epi16(x, 8), _mm256_srli_epi16(y, 8));
  return _mm256_or_si256(even, _mm256_slli_epi16(odd, 8));
}
inline B times(B x, B y) { return {times_32(x.a, y.a), times_32(x.b, y.b)}; }
inline B look_up(const uint8_t* table, B codes) {
  const __m256i entries = _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(table)));
  return {_mm256_shuffle_epi8(entries, codes.a), _mm256_shuffle_epi8(entries, codes.b)};
}

inline I pairs_less_32(I pairs) {
  const __m256i less = _mm256_set1_epi16(32);
  return {_mm256_sub_epi16(pairs.a, less), _mm256_sub_epi16(pairs.b, less)};
}
inline __m256i both_halves(__m256i a, __m256i b) { return _mm256_blend_epi16(a, _mm256_slli_epi32(b, 16), 0xaa); }
inline I dot_halves(I x, I y, I pairs) {
  return {_mm256_madd_epi16(both_halves(x.a, y.a), pairs.a), _mm256_madd_epi16(both_halves(x.b, y.b), pairs.b)};
}
inline I dot_pairs(I sum, I pairs, const int16_t* two) {
  int32_t both;
  std::memcpy(&both, two, 4);
  const __m256i t = _mm256_set1_epi32(both);
  return {_mm256_add_epi32(sum.a, _mm256_madd_epi16(pairs.a, t)),
          _mm256_add_epi32(sum.b, _mm256_madd_epi16(pairs.b, t))};
}

inline __m256i four_of(const int8_t* a) {
  int32_t four;
  std::memcpy(&four, a, 4);
  return _mm256_set1_epi32(four);
}
inline I dot_quads(I sum, B bytes, const int8_t* codes) {  // at most 2 * 127 * 128 in 16 bits
  const __m256i four = four_of(codes), one = _mm256_set1_epi16(1);
  return {_mm256_add_epi32(sum.a, _mm256_madd_epi16(_mm256_maddubs_epi16(four, bytes.a), one)),
          _mm256_add_epi32(sum.b, _mm256_madd_epi16(_mm256_maddubs_epi16(four, bytes.b), one))};
}
// 16-bit sums of products. With b-bit codes a lane grows by at most 2 * (2^b - 1) * 127 a quad, so 8 quads of 4-bit
// codes, 4 of 5-bit, 2 of 6-bit and 1 of 7-bit ones fit before they are widened (vpmaddubsw and the additions cannot
// saturate).
struct Partial {
  __m256i a, b;
};
constexpr int quads_before_widening(int bits) { return bits == 8 ? 1 : 1 << (7 - bits); }
inline __m256i widen_add(__m256i sum, __m256i words) {
  return _mm256_add_epi32(sum, _mm256_madd_epi16(words, _mm256_set1_epi16(1)));
}
template <int kBits, int kAt, int kCount>
inline void multiply(I& sum, Partial& part, B w, const int8_t* codes) {
  constexpr int run = std::min(quads_before_widening(kBits), kCount);
  const __m256i x = four_of(codes);
  __m256i a, b;
  if constexpr (kBits == 8) {  // signed: |w| times x with w's sign, at most 2 * 128 * 127
    const __m256i flip = _mm256_set1_epi8(-128);
    w = {_mm256_xor_si256(w.a, flip), _mm256_xor_si256(w.b, flip)};
    a = _mm256_maddubs_epi16(_mm256_abs_epi8(w.a), _mm256_sign_epi8(x, w.a));
    b = _mm256_maddubs_epi16(_mm256_abs_epi8(w.b), _mm256_sign_epi8(x, w.b));
  } else {
    a = _mm256_maddubs_epi16(w.a, x);
    b = _mm256_maddubs_epi16(w.b, x);
  }
  if constexpr (kAt % run != 0) {
    a = _mm256_add_epi16(part.a, a);
    b = _mm256_add_epi16(part.b, b);
#if defined(__GNUC__)
    asm("" : "+x"(a), "+x"(b));  // else GCC makes the sums a tree, whose leaves do not fit the registers
#endif
  }
  part = {a, b};
  if constexpr ((kAt + 1) % run == 0) sum = {widen_add(sum.a, a), widen_add(sum.b, b)};
}
inline I start8(const ActivationGroup&) { return set1_i(0); }
inline void prefetch_line(const uint8_t* p) { _mm_prefetch(reinterpret_cast<const char*>(p), _MM_HINT_T1); }
inline void prefetch_written(const float* p) { __builtin_prefetch(p, 1, 3); }
// What comes 8 KiB later is asked into L2 and what comes next into L1 (on two cores whose hardware prefetcher stops at a
// 4 KiB page: 20 GB/s from L1 hints alone, 28 with both; on one Zen 4 core 8 columns of Q5_0: 7.9 GB/s without, 14.9).
template <int kBytes>
inline void prefetch(const uint8_t* p) {
  for (int line = 0; line < (kBytes + 63) / 64; ++line) {
    prefetch_line(p + 8192 + 64 * line);
    _mm_prefetch(reinterpret_cast<const char*>(p) + 640 + 64 * line, _MM_HINT_T0);
  }
}

}  // namespace

#define GALOP_KERNELS "avx2"
#include "kernels.inl"

}  // namespace galop::avx2
