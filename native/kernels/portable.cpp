// Plain C++: the fallback, and the instruction set the others are tested against.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <type_traits>
#include <utility>

#include "kernels.h"

namespace galop::portable {
namespace {

constexpr int kTile = 4;
constexpr int kWideFrom = 4 * kTile;
struct F {
  float v[16];
};
struct I {
  int32_t v[16];
};
struct B {
  uint8_t v[64];
};

template <class V, class Step>
inline V lanes(Step step) {
  V out;
  for (int i = 0; i < static_cast<int>(sizeof(out.v) / sizeof(out.v[0])); ++i) out.v[i] = step(i);
  return out;
}

inline F load(const float* p) {
  return lanes<F>([&](int i) { return p[i]; });
}
inline void store(float* p, F x) { std::memcpy(p, x.v, sizeof(x.v)); }
inline F set1(float x) {
  return lanes<F>([&](int) { return x; });
}
inline F add(F x, F y) {
  return lanes<F>([&](int i) { return x.v[i] + y.v[i]; });
}
inline F sub(F x, F y) {
  return lanes<F>([&](int i) { return x.v[i] - y.v[i]; });
}
inline F mul(F x, F y) {
  return lanes<F>([&](int i) { return x.v[i] * y.v[i]; });
}
inline F div(F x, F y) {
  return lanes<F>([&](int i) { return x.v[i] / y.v[i]; });
}

// A correctly rounded float fma without the instruction: the product is exact in double, the sum is rounded to odd
// (Boldo and Melquiond, 2008), and rounding that to float is then rounding once.
inline float fma_1(float a, float b, float c) {
  const double product = static_cast<double>(a) * b, addend = c;
  const double s = product + addend;
  const double part = s - product;
  const double error = (product - (s - part)) + (addend - part);
  auto bits = std::bit_cast<uint64_t>(s);
  if (error != 0 && (bits & 1) == 0 && std::isfinite(s)) bits += (error > 0) == (s > 0) ? 1 : -1;
  return static_cast<float>(std::bit_cast<double>(bits));
}
inline F fma(F x, F y, F z) {
  return lanes<F>([&](int i) { return fma_1(x.v[i], y.v[i], z.v[i]); });
}
inline F max(F x, F y) {
  return lanes<F>([&](int i) { return x.v[i] > y.v[i] ? x.v[i] : y.v[i]; });
}
inline F min(F x, F y) {
  return lanes<F>([&](int i) { return x.v[i] < y.v[i] ? x.v[i] : y.v[i]; });
}
inline F absolute(F x) {
  return lanes<F>([&](int i) { return std::fabs(x.v[i]); });
}
inline float maximum(F x) { return *std::max_element(x.v, x.v + 16); }
inline bool finite(F x) {
  return std::all_of(x.v, x.v + 16, [](float lane) { return std::isfinite(lane); });
}
inline F load_f16(const void* p) {
  uint16_t half[16];
  std::memcpy(half, p, sizeof(half));
  return lanes<F>([&](int i) { return f16_to_f32(half[i]); });
}
inline void store_f16(uint16_t* p, F x) {
  for (int i = 0; i < 16; ++i) p[i] = f32_to_f16(x.v[i]);
}
inline F load_u8(const uint8_t* p) {
  return lanes<F>([&](int i) { return static_cast<float>(p[i]); });
}
inline F load_i8(const uint8_t* p) {
  return lanes<F>([&](int i) { return static_cast<float>(static_cast<int8_t>(p[i])); });
}
inline F load_e8m0(const uint8_t* p) {
  return lanes<F>([&](int i) { return e8m0_to_f32(p[i]); });
}
inline F load_e4m3(const uint8_t* p) {
  return lanes<F>([&](int i) { return e4m3_to_f32(p[i]); });
}
inline F to_float(I x) {
  return lanes<F>([&](int i) { return static_cast<float>(x.v[i]); });
}
inline F exponent(I n) {
  return lanes<F>([&](int i) { return std::bit_cast<float>(static_cast<uint32_t>(n.v[i] + 127) << 23); });
}
inline F select_below(int64_t n, F x, F y) {
  return lanes<F>([&](int i) { return i < n ? x.v[i] : y.v[i]; });
}

inline I set1_i(int32_t x) {
  return lanes<I>([&](int) { return x; });
}
inline I load_i(const uint8_t* p) {
  I x;
  std::memcpy(x.v, p, sizeof(x.v));
  return x;
}
inline I and_i(I x, int32_t mask) {
  return lanes<I>([&](int i) { return x.v[i] & mask; });
}
inline I or_i(I x, I y) {
  return lanes<I>([&](int i) { return x.v[i] | y.v[i]; });
}
inline I shift_right(I x, int n) {
  return lanes<I>([&](int i) { return static_cast<int32_t>(static_cast<uint32_t>(x.v[i]) >> n); });
}
template <int kCount>
inline I shift_left(I x) {
  return lanes<I>([&](int i) { return static_cast<int32_t>(static_cast<uint32_t>(x.v[i]) << kCount); });
}
inline I round_i(F x) {  // 0 for what is no int32, which C++ leaves open; nothing is made of that
  return lanes<I>(
      [&](int i) { return std::abs(x.v[i]) < 0x1p31f ? static_cast<int32_t>(std::nearbyint(x.v[i])) : 0; });
}
inline int32_t sum_i(I x) {
  int32_t total = 0;
  for (int32_t lane : x.v) total += lane;
  return total;
}
inline void store_i8(int8_t* p, I x) {
  for (int i = 0; i < 16; ++i) p[i] = static_cast<int8_t>(x.v[i]);
}
inline void store_i16(int16_t* p, I x) {
  for (int i = 0; i < 16; ++i) p[i] = static_cast<int16_t>(x.v[i]);
}

inline B load_b(const uint8_t* p) {
  B b;
  std::memcpy(b.v, p, 64);
  return b;
}
inline void store_b(uint8_t* p, B b) { std::memcpy(p, b.v, 64); }
template <int kFrom, int kTo, int kWidth>
inline B field(B x) {
  return lanes<B>([&](int i) { return (x.v[i] >> kFrom & ((1 << kWidth) - 1)) << kTo; });
}
template <int kFrom, int kTo, int kWidth>
inline B insert(B codes, B plane) {
  const B moved = field<kFrom, kTo, kWidth>(plane);
  return lanes<B>([&](int i) { return codes.v[i] | moved.v[i]; });
}
inline B bytes(I x) { return std::bit_cast<B>(x); }
inline B plus(B x, B y) {
  return lanes<B>([&](int i) { return static_cast<uint8_t>(x.v[i] + y.v[i]); });
}
inline B times(B x, B y) {
  return lanes<B>([&](int i) { return static_cast<uint8_t>(x.v[i] * y.v[i]); });
}
inline B look_up(const uint8_t* table, B codes) {
  return lanes<B>([&](int i) { return table[codes.v[i]]; });
}

inline int32_t first_of(int32_t pair) { return static_cast<int16_t>(pair); }
inline int32_t second_of(int32_t pair) { return pair >> 16; }
inline I pairs_less_32(I pairs) {
  return lanes<I>([&](int i) {
    const auto first = static_cast<uint32_t>(first_of(pairs.v[i]) - 32);
    const auto second = static_cast<uint32_t>(second_of(pairs.v[i]) - 32);
    return static_cast<int32_t>((first & 0xffff) | second << 16);
  });
}
inline I dot_halves(I x, I y, I pairs) {
  return lanes<I>([&](int i) {
    return first_of(x.v[i]) * first_of(pairs.v[i]) + first_of(y.v[i]) * second_of(pairs.v[i]);
  });
}
inline I dot_pairs(I sum, I pairs, const int16_t* two) {
  return lanes<I>([&](int i) { return sum.v[i] + first_of(pairs.v[i]) * two[0] + second_of(pairs.v[i]) * two[1]; });
}

inline I dot_quads(I sum, B bytes, const int8_t* codes) {
  for (int row = 0; row < 16; ++row)
    for (int i = 0; i < 4; ++i) sum.v[row] += static_cast<int8_t>(bytes.v[4 * row + i]) * codes[i];
  return sum;
}

struct Partial {};
template <int kBits, int kAt, int kCount>
inline void multiply(I& sum, Partial&, B w, const int8_t* a) {
  for (int row = 0; row < 16; ++row)
    for (int i = 0; i < 4; ++i) sum.v[row] += w.v[4 * row + i] * a[i];
}
inline I start8(const ActivationGroup& a) { return set1_i(a.offset128); }
inline void prefetch_line(const uint8_t*) {}
inline void prefetch_written(const float*) {}
template <int kBytes>
inline void prefetch(const uint8_t*) {}

}  // namespace

#define GALOP_KERNELS "portable"
#include "kernels.inl"

}  // namespace galop::portable
