// Weight matrices as the kernels read them: panels of 16 rows, groups of 32 along the inner dimension.
//
// Within a group the codes of 4 neighbouring inner positions ("a quad") of 16 rows fill 64 bytes, so a lane owns a
// row and no horizontal addition is ever needed. A 4-bit group keeps quads 0-3 in the low nibbles and 4-7 in the high
// ones; the fifth and sixth bits are planes of their own. Every layout holds exactly the information of its GGUF block.
#pragma once

#include <cstddef>
#include <cstdint>

namespace galop {

constexpr int kRows = 16;
constexpr int kGroup = 32;
constexpr int kQuads = kGroup / 4;

enum class Kind : int { Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K, Q6_K, F32, kCount };

// What a kind costs: `block` inner positions of one panel take `panel_bytes`; the same block of one row takes
// `source_bytes` in its GGUF file.
struct Layout {
  const char* name;
  int block;
  int panel_bytes;
  int source_bytes;
};

constexpr Layout kLayouts[] = {
    {"Q4_0", 32, 256 + 32, 18},
    {"Q4_1", 32, 256 + 64, 20},
    {"Q5_0", 32, 256 + 64 + 32, 22},
    {"Q5_1", 32, 256 + 64 + 64, 24},
    {"Q8_0", 32, 512 + 32, 34},
    // Two-level scales: fp16 d and dmin of 16 rows, then per group 6-bit scales and minima as bytes.
    {"Q4_K", 256, 64 + 8 * (32 + 256), 144},
    {"Q5_K", 256, 64 + 8 * (32 + 256 + 64), 176},
    {"Q6_K", 256, 32 + 8 * (32 + 256 + 128), 210},
    {"F32", 1, kRows * 4, 4},
};

inline const Layout& layout(Kind kind) { return kLayouts[static_cast<int>(kind)]; }

// A packed matrix [rows, cols]; cols is a multiple of the kind's block.
struct Panels {
  Kind kind = Kind::F32;
  int64_t rows = 0;
  int64_t cols = 0;
  const uint8_t* data = nullptr;

  int64_t panels() const { return (rows + kRows - 1) / kRows; }
  int64_t panel_bytes() const { return cols / layout(kind).block * layout(kind).panel_bytes; }
  int64_t bytes() const { return panels() * panel_bytes(); }
  int64_t groups() const { return cols / kGroup; }
};

// Lays rows [16 * panel, 16 * panel + 16) of a GGUF block matrix into a panel, losslessly. Rows past `rows` become zero.
void pack_panel(Kind kind, const uint8_t* source, int64_t rows, int64_t cols, int64_t panel, uint8_t* out);

// The float32 values of one row, exactly those of the GGUF block it came from.
void unpack_row(const Panels& weights, int64_t row, float* out);

float f16_to_f32(uint16_t bits);
uint16_t f32_to_f16(float value);  // to nearest even, saturating to the largest finite half

}  // namespace galop
