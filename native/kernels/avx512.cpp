// x86-64 with AVX-512 F, BW, DQ, VL and VNNI (Ice Lake, Zen 4 and later).
#include <immintrin.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <type_traits>
#include <utility>

#include "kernels.h"

namespace galop::avx512 {
namespace {

constexpr int kTile = 8;
constexpr int kWideFrom = 16 * kTile;
#include "avx512.inl"

}  // namespace

#define GALOP_KERNELS "avx512"
#include "kernels.inl"

}  // namespace galop::avx512
