// 16-lane vectors of four NEON registers, shared by the two aarch64 instruction sets; they differ in dot4.
struct F {
  float32x4_t v[4];
};
struct I {
  int32x4_t v[4];
};
struct B {
  uint8x16_t v[4];
};

template <class V, class Step>
inline V lanes(Step step) {
  return {step(0), step(1), step(2), step(3)};
}

inline F load(const float* p) {
  return lanes<F>([&](int i) { return vld1q_f32(p + 4 * i); });
}
inline void store(float* p, F x) {
  for (int i = 0; i < 4; ++i) vst1q_f32(p + 4 * i, x.v[i]);
}
inline F set1(float x) {
  return lanes<F>([&](int) { return vdupq_n_f32(x); });
}
inline F add(F x, F y) {
  return lanes<F>([&](int i) { return vaddq_f32(x.v[i], y.v[i]); });
}
inline F sub(F x, F y) {
  return lanes<F>([&](int i) { return vsubq_f32(x.v[i], y.v[i]); });
}
inline F mul(F x, F y) {
  return lanes<F>([&](int i) { return vmulq_f32(x.v[i], y.v[i]); });
}
inline F div(F x, F y) {
  return lanes<F>([&](int i) { return vdivq_f32(x.v[i], y.v[i]); });
}
inline F fma(F x, F y, F z) {
  return lanes<F>([&](int i) { return vfmaq_f32(z.v[i], x.v[i], y.v[i]); });
}
inline F max(F x, F y) {
  return lanes<F>([&](int i) { return vmaxq_f32(x.v[i], y.v[i]); });
}
inline F min(F x, F y) {
  return lanes<F>([&](int i) { return vminq_f32(x.v[i], y.v[i]); });
}
inline F absolute(F x) {
  return lanes<F>([&](int i) { return vabsq_f32(x.v[i]); });
}
inline float maximum(F x) { return vmaxvq_f32(vmaxq_f32(vmaxq_f32(x.v[0], x.v[1]), vmaxq_f32(x.v[2], x.v[3]))); }
inline bool finite(F x) {
  const float32x4_t limit = vdupq_n_f32(INFINITY);
  const auto below = [&](int i) { return vcltq_f32(vabsq_f32(x.v[i]), limit); };
  return vminvq_u32(vandq_u32(vandq_u32(below(0), below(1)), vandq_u32(below(2), below(3)))) != 0;
}
inline F load_f16(const void* p) {
  const auto* half = static_cast<const uint16_t*>(p);
  return lanes<F>([&](int i) { return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(half + 4 * i))); });
}
inline void store_f16(uint16_t* p, F x) {
  x = min(max(x, set1(-65504.0f)), set1(65504.0f));
  for (int i = 0; i < 4; ++i) vst1_u16(p + 4 * i, vreinterpret_u16_f16(vcvt_f16_f32(x.v[i])));
}
inline F from_words(int16x8_t a, int16x8_t b) {
  return {vcvtq_f32_s32(vmovl_s16(vget_low_s16(a))), vcvtq_f32_s32(vmovl_s16(vget_high_s16(a))),
          vcvtq_f32_s32(vmovl_s16(vget_low_s16(b))), vcvtq_f32_s32(vmovl_s16(vget_high_s16(b)))};
}
inline F load_u8(const uint8_t* p) {
  const uint8x16_t v = vld1q_u8(p);
  return from_words(vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(v))), vreinterpretq_s16_u16(vmovl_u8(vget_high_u8(v))));
}
inline F load_i8(const uint8_t* p) {
  const int8x16_t v = vreinterpretq_s8_u8(vld1q_u8(p));
  return from_words(vmovl_s8(vget_low_s8(v)), vmovl_s8(vget_high_s8(v)));
}
inline F load_e8m0(const uint8_t* p) {  // 2^-128 and 2^-127 are subnormal: 1 and 2 times 2^21 in the mantissa's place
  const uint8x16_t v = vld1q_u8(p);
  const uint16x8_t a = vmovl_u8(vget_low_u8(v)), b = vmovl_u8(vget_high_u8(v));
  const I e = {vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(a))), vreinterpretq_s32_u32(vmovl_u16(vget_high_u16(a))),
               vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(b))), vreinterpretq_s32_u32(vmovl_u16(vget_high_u16(b)))};
  const int32x4_t one = vdupq_n_s32(1);
  return lanes<F>([&](int i) {
    return vreinterpretq_f32_s32(
        vmaxq_s32(vshlq_n_s32(vsubq_s32(e.v[i], one), 23), vshlq_n_s32(vaddq_s32(e.v[i], one), 21)));
  });
}
inline F load_e4m3(const uint8_t* p) {  // as fp16, 2^8 times too small
  const uint8x16_t v = vld1q_u8(p);
  const uint16x8_t a = vshll_n_u8(vget_low_u8(v), 7), b = vshll_n_u8(vget_high_u8(v), 7);
  const F small = {
      vcvt_f32_f16(vreinterpret_f16_u16(vget_low_u16(a))), vcvt_f32_f16(vreinterpret_f16_u16(vget_high_u16(a))),
      vcvt_f32_f16(vreinterpret_f16_u16(vget_low_u16(b))), vcvt_f32_f16(vreinterpret_f16_u16(vget_high_u16(b)))};
  return mul(small, set1(128.0f));
}
inline F to_float(I x) {
  return lanes<F>([&](int i) { return vcvtq_f32_s32(x.v[i]); });
}
inline F exponent(I n) {
  return lanes<F>([&](int i) { return vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(n.v[i], vdupq_n_s32(127)), 23)); });
}
inline F select_below(int64_t n, F x, F y) {
  static constexpr int32_t first[] = {0, 1, 2, 3};
  const int32x4_t limit = vdupq_n_s32(static_cast<int32_t>(n <= 0 ? 0 : n >= 16 ? 16 : n));
  return lanes<F>([&](int i) {
    const int32x4_t lane = vaddq_s32(vld1q_s32(first), vdupq_n_s32(4 * i));
    return vbslq_f32(vcltq_s32(lane, limit), x.v[i], y.v[i]);
  });
}

inline I set1_i(int32_t x) {
  return lanes<I>([&](int) { return vdupq_n_s32(x); });
}
inline I load_i(const uint8_t* p) {
  return lanes<I>([&](int i) { return vreinterpretq_s32_u8(vld1q_u8(p + 16 * i)); });
}
inline I and_i(I x, int32_t mask) {
  return lanes<I>([&](int i) { return vandq_s32(x.v[i], vdupq_n_s32(mask)); });
}
inline I or_i(I x, I y) {
  return lanes<I>([&](int i) { return vorrq_s32(x.v[i], y.v[i]); });
}
inline I shift_right(I x, int n) {
  return lanes<I>(
      [&](int i) { return vreinterpretq_s32_u32(vshlq_u32(vreinterpretq_u32_s32(x.v[i]), vdupq_n_s32(-n))); });
}
template <int kCount>
inline I shift_left(I x) {
  return lanes<I>([&](int i) { return vshlq_n_s32(x.v[i], kCount); });
}
inline I round_i(F x) {
  return lanes<I>([&](int i) { return vcvtnq_s32_f32(x.v[i]); });
}
inline int32_t sum_i(I x) { return vaddvq_s32(vaddq_s32(vaddq_s32(x.v[0], x.v[1]), vaddq_s32(x.v[2], x.v[3]))); }
inline void store_i8(int8_t* p, I x) {
  const int16x8_t a = vcombine_s16(vmovn_s32(x.v[0]), vmovn_s32(x.v[1]));
  const int16x8_t b = vcombine_s16(vmovn_s32(x.v[2]), vmovn_s32(x.v[3]));
  vst1q_s8(p, vcombine_s8(vmovn_s16(a), vmovn_s16(b)));
}
inline void store_i16(int16_t* p, I x) {
  vst1q_s16(p, vcombine_s16(vmovn_s32(x.v[0]), vmovn_s32(x.v[1])));
  vst1q_s16(p + 8, vcombine_s16(vmovn_s32(x.v[2]), vmovn_s32(x.v[3])));
}

inline B load_b(const uint8_t* p) {
  return lanes<B>([&](int i) { return vld1q_u8(p + 16 * i); });
}
inline void store_b(uint8_t* p, B b) {
  for (int i = 0; i < 4; ++i) vst1q_u8(p + 16 * i, b.v[i]);
}
template <int kFrom, int kTo, int kWidth>
inline B field(B x) {
  return lanes<B>([&](int i) {
    const uint8x16_t moved = vshlq_u8(x.v[i], vdupq_n_s8(kTo - kFrom));
    return vandq_u8(moved, vdupq_n_u8(((1 << kWidth) - 1) << kTo));
  });
}
template <int kFrom, int kTo, int kWidth>
inline B insert(B codes, B plane) {
  const B moved = field<kFrom, kTo, kWidth>(plane);
  return lanes<B>([&](int i) { return vorrq_u8(codes.v[i], moved.v[i]); });
}
inline B bytes(I x) {
  return lanes<B>([&](int i) { return vreinterpretq_u8_s32(x.v[i]); });
}
inline B plus(B x, B y) {
  return lanes<B>([&](int i) { return vaddq_u8(x.v[i], y.v[i]); });
}
inline B times(B x, B y) {
  return lanes<B>([&](int i) { return vmulq_u8(x.v[i], y.v[i]); });
}
inline B look_up(const uint8_t* table, B codes) {
  return lanes<B>([&](int i) { return vqtbl1q_u8(vld1q_u8(table), codes.v[i]); });
}

inline I pairs_less_32(I pairs) {
  return lanes<I>(
      [&](int i) { return vreinterpretq_s32_s16(vsubq_s16(vreinterpretq_s16_s32(pairs.v[i]), vdupq_n_s16(32))); });
}
inline int32x4_t first_of(int32x4_t pairs) { return vshrq_n_s32(vshlq_n_s32(pairs, 16), 16); }
inline int32x4_t second_of(int32x4_t pairs) { return vshrq_n_s32(pairs, 16); }
inline I dot_halves(I x, I y, I pairs) {
  return lanes<I>([&](int i) {
    return vmlaq_s32(vmulq_s32(first_of(x.v[i]), first_of(pairs.v[i])), first_of(y.v[i]), second_of(pairs.v[i]));
  });
}
inline I dot_pairs(I sum, I pairs, const int16_t* two) {
  int32_t both;
  std::memcpy(&both, two, 4);
  const int16x4_t t = vreinterpret_s16_s32(vdup_n_s32(both));
  return lanes<I>([&](int i) {
    const int16x8_t p = vreinterpretq_s16_s32(pairs.v[i]);
    return vaddq_s32(sum.v[i], vpaddq_s32(vmull_s16(vget_low_s16(p), t), vmull_s16(vget_high_s16(p), t)));
  });
}

inline int8x16_t four_of(const int8_t* a) {
  int32_t four;
  std::memcpy(&four, a, 4);
  return vreinterpretq_s8_s32(vdupq_n_s32(four));
}
inline I dot_quads(I sum, B bytes, const int8_t* codes) {
  const int8x16_t a = four_of(codes);
  return lanes<I>([&](int i) { return vdotq_s32(sum.v[i], vreinterpretq_s8_u8(bytes.v[i]), a); });
}
inline void prefetch_line(const uint8_t* p) { __builtin_prefetch(p, 0, 2); }
inline void prefetch_written(const float* p) { __builtin_prefetch(p, 1, 3); }
template <int kBytes>
inline void prefetch(const uint8_t* p) {
  __builtin_prefetch(p + 2048);
}
