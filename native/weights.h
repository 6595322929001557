// Weight matrices as the kernels read them: panels of 16 rows, groups of 32 along the inner dimension.
//
// Within a group the codes of 4 neighbouring inner positions ("a quad") of 16 rows fill 64 bytes, so a lane owns a
// row and no horizontal addition is ever needed. A 4-bit group keeps quads 0-3 in the low nibbles and 4-7 in the high
// ones; the fifth and sixth bits are planes of their own. Every layout holds exactly the information of its GGUF block.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>

namespace galop {

constexpr int kRows = 16;
constexpr int kGroup = 32;
constexpr int kQuads = kGroup / 4;

enum class QuantType : int { Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K, Q6_K, F32, kCount };

// How a quant type is stored: `block` inner positions of one panel take `panel_bytes`; the same block of one row takes
// `source_bytes` in its GGUF file (`weights/quant_types.py` has the same figures, compared when it is imported). A code
// stands for its value plus `zero`. Of a panel's block: fp16 vectors take its first `head` bytes, then each group has
// its scales, from `minimum` on its minima, from `high` on `high_bits` planes of upper bits, from `codes` on its low
// nibbles or bytes. The source has its fp16 scale, and behind that the one of minima if it has minima, at
// `source_scale`.
struct Layout {
  QuantType quant_type;
  const char* name;
  int block;
  int panel_bytes;
  int source_bytes;
  int zero = 0;
  int head = 0;
  int minimum = -1;
  int high = -1;
  int high_bits = 0;
  int codes = 0;
  int source_scale = 0;

  constexpr int group_bytes() const { return (panel_bytes - head) / (block / kGroup); }
};

constexpr Layout kLayouts[] = {
    // name, block, panel bytes, source bytes, zero, head, minimum, high, high bits, codes, source scale
    {QuantType::Q4_0, "Q4_0", 32, 256 + 32, 18, 8, 0, -1, -1, 0, 32},
    {QuantType::Q4_1, "Q4_1", 32, 256 + 64, 20, 0, 0, 32, -1, 0, 64},
    {QuantType::Q5_0, "Q5_0", 32, 256 + 64 + 32, 22, 16, 0, -1, 32, 1, 96},
    {QuantType::Q5_1, "Q5_1", 32, 256 + 64 + 64, 24, 0, 0, 32, 64, 1, 128},
    {QuantType::Q8_0, "Q8_0", 32, 512 + 32, 34, 128, 0, -1, -1, 0, 32},
    // Two-level scales: fp16 d and dmin of 16 rows, then per group 6-bit scales and minima as bytes.
    {QuantType::Q4_K, "Q4_K", 256, 64 + 8 * (32 + 256), 144, 0, 64, 16, -1, 0, 32},
    {QuantType::Q5_K, "Q5_K", 256, 64 + 8 * (32 + 256 + 64), 176, 0, 64, 16, 32, 1, 96},
    {QuantType::Q6_K, "Q6_K", 256, 32 + 8 * (32 + 256 + 128), 210, 32, 32, -1, 32, 2, 160, 208},
    {QuantType::F32, "F32", 1, kRows * 4, 4},
};

static_assert(
    [] {
      for (int i = 0; i < static_cast<int>(QuantType::kCount); ++i)
        if (static_cast<int>(kLayouts[i].quant_type) != i) return false;
      return std::size(kLayouts) == static_cast<size_t>(QuantType::kCount);
    }(),
    "kLayouts is not in the order of QuantType");

static_assert(kLayouts[std::size(kLayouts) - 1].quant_type == QuantType::F32, "kernels are made for what precedes F32");

constexpr const Layout& layout(QuantType quant_type) { return kLayouts[static_cast<int>(quant_type)]; }

// A packed matrix [rows, cols]; cols is a multiple of its quant type's block.
struct Panels {
  QuantType quant_type = QuantType::F32;
  int64_t rows = 0;
  int64_t cols = 0;
  const uint8_t* data = nullptr;

  int64_t panels() const { return (rows + kRows - 1) / kRows; }
  int64_t panel_bytes() const { return cols / layout(quant_type).block * layout(quant_type).panel_bytes; }
  int64_t bytes() const { return panels() * panel_bytes(); }
  int64_t groups() const { return cols / kGroup; }
  bool is_float() const { return quant_type == QuantType::F32; }
};

// Lays rows [16 * panel, 16 * panel + 16) of a GGUF block matrix into a panel, losslessly. Rows past `rows` become
// zero.
void pack_panel(QuantType quant_type, const uint8_t* source, int64_t rows, int64_t cols, int64_t panel, uint8_t* out);

// The float32 values of one row, exactly those of the GGUF block it came from.
void unpack_row(const Panels& weights, int64_t row, float* out);

float f16_to_f32(uint16_t bits);
uint16_t f32_to_f16(float value);  // to nearest even, saturating to the largest finite half

}  // namespace galop
