// x86-64 with AMX tiles of int8 besides AVX-512 (Sapphire Rapids and later): prompts are multiplied in tiles.
#include <immintrin.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <type_traits>
#include <utility>

#include "kernels.h"

namespace galop::amx {
namespace {

constexpr int kTile = 8;
constexpr int kWideFrom = 4 * kTile;
#include "avx512.inl"

#define GALOP_MATRIX_TILES
constexpr int kColumnTile = 16;

// Registers 0 to 3 take sums, 4 and 6 the activations of a group or half, 5 and 7 its codes.
struct alignas(64) TileShapes {
  uint8_t palette = 1, start_row = 0, reserved[14] = {};
  uint16_t row_bytes[16] = {};
  uint8_t rows[16] = {};
  constexpr TileShapes() = default;
  constexpr TileShapes(int columns, int quads) {
    for (int i = 0; i < 8; ++i) {
      const bool activations = i == 4 || i == 6, codes = i == 5 || i == 7;
      row_bytes[i] = static_cast<uint16_t>(activations ? 4 * quads : 64);
      rows[i] = static_cast<uint8_t>(codes ? quads : columns);
    }
  }
};

// For products of so many quads with so many columns, until release_tiles().
template <int kQuads>
inline void shape_tiles(int64_t columns) {
  static constexpr auto shapes = [] {
    std::array<TileShapes, kColumnTile> by_columns;
    for (int i = 0; i < kColumnTile; ++i) by_columns[i] = TileShapes(i + 1, kQuads);
    return by_columns;
  }();
  asm volatile("ldtilecfg %0" ::"m"(shapes[columns - 1]));
}

inline void release_tiles() { asm volatile("tilerelease"); }

// sums[product][column][row] of at most 4 consecutive groups, or halves of groups. All are under way before the first is
// asked for, since one takes three times as long as the next has to wait for it.
template <int kColumns, int kQuads, int kProducts>
[[gnu::always_inline]] inline void multiply_tiles(const uint8_t* codes, int64_t group_bytes, const ActivationGroup* a,
                                                  int32_t* sums) {
  constexpr int parts = galop::kQuads / kQuads;
  const int64_t activation_bytes = sizeof(ActivationGroup), code_bytes = 64;
  repeat<kProducts>([&](auto i) [[gnu::always_inline]] {
    constexpr int sum = i, left = 4 + 2 * (i % 2), right = left + 1, part = i % parts;
    const int8_t* from = a[i / parts * kColumns].codes + 4 * kQuads * part;
    const uint8_t* with = codes + i / parts * group_bytes + 64 * kQuads * part;
    asm volatile("tileloadd (%0, %1), %%tmm%c2" ::"r"(from), "r"(activation_bytes), "i"(left) : "memory");
    asm volatile("tileloadd (%0, %1), %%tmm%c2" ::"r"(with), "r"(code_bytes), "i"(right) : "memory");
    asm volatile("tilezero %%tmm%c0" ::"i"(sum));
    asm volatile("tdpbssd %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(sum), "i"(left), "i"(right));
  });
  repeat<kProducts>([&](auto i) [[gnu::always_inline]] {
    constexpr int sum = i;
    asm volatile("tilestored %%tmm%c2, (%0, %1)" ::"r"(sums + i * kColumns * kRows), "r"(code_bytes), "i"(sum)
                 : "memory");
  });
}

}  // namespace

#define GALOP_KERNELS "amx"
#include "kernels.inl"

}  // namespace galop::amx
