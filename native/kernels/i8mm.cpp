// aarch64 with the int8 matrix extension (Neoverse V1, Cortex-A510/X2, Apple M2 and later): unsigned by signed
// products.
#include <arm_neon.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <type_traits>
#include <utility>

#include "kernels.h"

namespace galop::i8mm {
namespace {

constexpr int kTile = 4;
constexpr int kWideFrom = 4 * kTile;
#include "neon.inl"

struct Partial {};
template <int kBits, int kAt, int kCount>
inline void multiply(I& sum, Partial&, B w, const int8_t* codes) {
  const int8x16_t a = four_of(codes);
  sum = lanes<I>([&](int i) { return vusdotq_s32(sum.v[i], w.v[i], a); });
}
inline I start8(const ActivationGroup& a) { return set1_i(a.offset128); }

}  // namespace

#define GALOP_KERNELS "i8mm"
#include "kernels.inl"

}  // namespace galop::i8mm
