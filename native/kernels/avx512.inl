// The vectors of AVX-512, which every set that has it shares.
using F = __m512;
using I = __m512i;
struct B {
  __m512i v;
};

inline F load(const float* p) { return _mm512_loadu_ps(p); }
inline void store(float* p, F v) { _mm512_storeu_ps(p, v); }
inline F set1(float x) { return _mm512_set1_ps(x); }
inline F add(F a, F b) { return _mm512_add_ps(a, b); }
inline F sub(F a, F b) { return _mm512_sub_ps(a, b); }
inline F mul(F a, F b) { return _mm512_mul_ps(a, b); }
inline F div(F a, F b) { return _mm512_div_ps(a, b); }
inline F fma(F a, F b, F c) { return _mm512_fmadd_ps(a, b, c); }
inline F max(F a, F b) { return _mm512_max_ps(a, b); }
inline F min(F a, F b) { return _mm512_min_ps(a, b); }
inline F absolute(F a) { return _mm512_abs_ps(a); }
inline float maximum(F a) { return _mm512_reduce_max_ps(a); }
inline bool finite(F a) { return _mm512_cmp_ps_mask(absolute(a), set1(INFINITY), _CMP_LT_OQ) == 0xffff; }
inline F load_f16(const void* p) { return _mm512_cvtph_ps(_mm256_loadu_si256(static_cast<const __m256i*>(p))); }
inline void store_f16(uint16_t* p, F v) {
  v = min(max(v, set1(-65504.0f)), set1(65504.0f));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
}
inline F load_u8(const uint8_t* p) {
  return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
}
inline F load_i8(const uint8_t* p) {
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
}
inline F load_e8m0(const uint8_t* p) {  // 2^-128 and 2^-127 are subnormal: 1 and 2 times 2^21 in the mantissa's place
  const __m512i e = _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  const __m512i normal = _mm512_slli_epi32(_mm512_sub_epi32(e, _mm512_set1_epi32(1)), 23);
  const __m512i subnormal = _mm512_slli_epi32(_mm512_add_epi32(e, _mm512_set1_epi32(1)), 21);
  return _mm512_castsi512_ps(_mm512_max_epi32(normal, subnormal));
}
inline F load_e4m3(const uint8_t* p) {  // as fp16, 2^8 times too small
  const __m256i bytes = _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  return mul(_mm512_cvtph_ps(_mm256_slli_epi16(bytes, 7)), set1(128.0f));
}
inline F to_float(I a) { return _mm512_cvtepi32_ps(a); }
inline F exponent(I n) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_add_epi32(n, _mm512_set1_epi32(127)), 23));
}
inline F select_below(int64_t n, F a, F b) {
  const auto mask = static_cast<__mmask16>(n <= 0 ? 0 : n >= 16 ? 0xffff : (1 << n) - 1);
  return _mm512_mask_blend_ps(mask, b, a);
}

inline I set1_i(int32_t x) { return _mm512_set1_epi32(x); }
inline I load_i(const uint8_t* p) { return _mm512_loadu_si512(p); }
inline I and_i(I a, int32_t mask) { return _mm512_and_si512(a, _mm512_set1_epi32(mask)); }
inline I or_i(I a, I b) { return _mm512_or_si512(a, b); }
inline I shift_right(I a, int n) { return _mm512_srl_epi32(a, _mm_cvtsi32_si128(n)); }
template <int kCount>
inline I shift_left(I a) {
  return _mm512_slli_epi32(a, kCount);
}
inline I round_i(F a) { return _mm512_cvtps_epi32(a); }
inline int32_t sum_i(I a) { return _mm512_reduce_add_epi32(a); }
inline void store_i8(int8_t* p, I a) { _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(a)); }
inline void store_i16(int16_t* p, I a) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtepi32_epi16(a)); }

inline B load_b(const uint8_t* p) { return {_mm512_loadu_si512(p)}; }
inline void store_b(uint8_t* p, B b) { _mm512_storeu_si512(p, b.v); }
template <int kFrom, int kTo>
inline __m512i moved(__m512i v) {
  if constexpr (kFrom > kTo) return _mm512_srli_epi16(v, kFrom - kTo);
  if constexpr (kFrom < kTo) return _mm512_slli_epi16(v, kTo - kFrom);
  return v;
}
template <int kFrom, int kTo, int kWidth>
inline B field(B b) {
  return {_mm512_and_si512(moved<kFrom, kTo>(b.v), _mm512_set1_epi8(((1 << kWidth) - 1) << kTo))};
}
template <int kFrom, int kTo, int kWidth>
inline B insert(B codes, B plane) {  // (moved & mask) | codes in one instruction
  const __m512i mask = _mm512_set1_epi8(((1 << kWidth) - 1) << kTo);
  return {_mm512_ternarylogic_epi32(codes.v, moved<kFrom, kTo>(plane.v), mask, 0xf8)};
}
inline B bytes(I v) { return {v}; }
inline B plus(B a, B b) { return {_mm512_add_epi8(a.v, b.v)}; }
inline B times(B a, B b) {
  const __m512i odd = _mm512_mullo_epi16(_mm512_srli_epi16(a.v, 8), _mm512_srli_epi16(b.v, 8));
  return {_mm512_mask_blend_epi8(0xaaaaaaaaaaaaaaaa, _mm512_mullo_epi16(a.v, b.v), _mm512_slli_epi16(odd, 8))};
}
inline B look_up(const uint8_t* table, B codes) {
  const __m128i entries = _mm_loadu_si128(reinterpret_cast<const __m128i*>(table));
  return {_mm512_shuffle_epi8(_mm512_broadcast_i32x4(entries), codes.v)};
}

inline I pairs_less_32(I pairs) { return _mm512_sub_epi16(pairs, _mm512_set1_epi16(32)); }
inline I dot_halves(I a, I b, I pairs) {
  return _mm512_madd_epi16(_mm512_mask_blend_epi16(0xaaaaaaaa, a, _mm512_slli_epi32(b, 16)), pairs);
}
inline I dot_pairs(I sum, I pairs, const int16_t* two) {
  int32_t both;
  std::memcpy(&both, two, 4);
  return _mm512_dpwssd_epi32(sum, pairs, _mm512_set1_epi32(both));
}

inline I dot_quads(I sum, B bytes, const int8_t* codes) {
  int32_t four;
  std::memcpy(&four, codes, 4);
  return _mm512_dpbusd_epi32(sum, _mm512_set1_epi32(four), bytes.v);
}

struct Partial {};
template <int kBits, int kAt, int kCount>
inline void multiply(I& sum, Partial&, B w, const int8_t* a) {
  int32_t four;
  std::memcpy(&four, a, 4);
  sum = _mm512_dpbusd_epi32(sum, w.v, _mm512_set1_epi32(four));
}
inline I start8(const ActivationGroup& a) { return set1_i(a.offset128); }
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
