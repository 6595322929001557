// aarch64 with the dot-product extension (Cortex-A55/A76, Apple M1 and later).
#include <arm_neon.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <type_traits>
#include <utility>

#include "kernels.h"

namespace galop::neon {
namespace {

constexpr int kTile = 4;
constexpr int kWideFrom = 4 * kTile;
#include "neon.inl"

// sdot takes signed codes: those of at most 6 bits are their own signed value.
struct Partial {};
template <int kBits, int kAt, int kCount>
inline void multiply(I& sum, Partial&, B w, const int8_t* codes) {
  const int8x16_t a = four_of(codes);
  if constexpr (kBits == 8) w = lanes<B>([&](int i) { return veorq_u8(w.v[i], vdupq_n_u8(128)); });
  sum = lanes<I>([&](int i) { return vdotq_s32(sum.v[i], vreinterpretq_s8_u8(w.v[i]), a); });
}
inline I start8(const ActivationGroup&) { return set1_i(0); }

}  // namespace

#define GALOP_KERNELS "neon"
#include "kernels.inl"

}  // namespace galop::neon
