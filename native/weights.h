// Weight matrices as the kernels read them: panels of 16 rows, groups of 32 along the inner dimension.
//
// Within a group the codes of 4 neighbouring inner positions ("a quad") of 16 rows fill 64 bytes, so a lane owns a
// row and no horizontal addition is ever needed. Codes lie in planes of 1, 2, 4 or 8 of their bits: 64 bytes for each
// bit. Every layout holds exactly the information of its GGUF block.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>

namespace galop {

constexpr int kRows = 16;
constexpr int kGroup = 32;
constexpr int kQuads = kGroup / 4;

enum class QuantType : int {
  Q4_0,
  Q4_1,
  Q5_0,
  Q5_1,
  Q8_0,
  Q4_K,
  Q5_K,
  Q6_K,
  Q2_K,
  Q3_K,
  IQ4_NL,
  IQ4_XS,
  MXFP4,
  NVFP4,
  NVFP4_SCALED,
  Q1_0,
  Q2_0,
  TQ1_0,
  TQ2_0,
  IQ1_S,
  IQ1_M,
  IQ2_XXS,
  IQ2_XS,
  IQ2_S,
  IQ3_XXS,
  IQ3_S,
  F32,
  kCount
};

// What a panel's block of 16 rows keeps besides codes: in its head, and before the codes of each group. "fp16 d" is a
// half of each row; a nibble or byte is of each row too. A half is 16 of a group's 32 positions.
enum class Scales : int {
  kFloat,         // d
  kFloatMinimum,  // d and a minimum that is added
  kPower,         // per group the exponent of a power of two (E8M0), no d
  kMinifloat,     // per half a byte of 4 exponent and 3 mantissa bits (E4M3), no d
  kByteMinimum,   // d, dmin; per group a byte and the byte of a minimum: d * byte * code - dmin * byte
  kSigned,        // d; per group an int8
  kSignedHalf,    // d; per half an int8
  kNibbleHalf,    // d, dmin; in the head a nibble and the nibble of a minimum per half
  kSixBitHalf,    // d; in the head 6 bits per half, less 32
  kOdd,           // d; in the head a nibble s per group, for 2 s + 1
  kOddHalf,       // d; in the head a nibble s per half, for 2 s + 1
  kOddShifted,    // d; in the head a nibble per group, s and then a sign: d * (2 s + 1) * (code - 1 +- 1/8)
  kNone
};

constexpr int head_bytes(Scales scales) {
  switch (scales) {
    case Scales::kFloat:
    case Scales::kSigned:
    case Scales::kSignedHalf:
      return 32;
    case Scales::kFloatMinimum:
    case Scales::kByteMinimum:
      return 64;
    case Scales::kNibbleHalf:
      return 64 + 2 * 128;
    case Scales::kSixBitHalf:
      return 32 + 128 + 64;
    case Scales::kOdd:
    case Scales::kOddShifted:
      return 32 + 64;
    case Scales::kOddHalf:
      return 32 + 128;
    case Scales::kPower:
    case Scales::kMinifloat:
    case Scales::kNone:
      return 0;
  }
  return 0;
}

constexpr int scale_bytes(Scales scales) {  // of a group
  switch (scales) {
    case Scales::kPower:
    case Scales::kSigned:
      return 16;
    case Scales::kMinifloat:
    case Scales::kByteMinimum:
    case Scales::kSignedHalf:
      return 32;
    default:
      return 0;
  }
}

constexpr bool has_minimum(Scales scales) {  // that the file keeps as an fp16 behind the scale
  return scales == Scales::kFloatMinimum || scales == Scales::kByteMinimum || scales == Scales::kNibbleHalf;
}

// The values that codes stand for, where these are not the codes themselves less a zero point.
constexpr int8_t kBitValues[] = {-1, 1};
constexpr int8_t kNonLinearValues[] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
constexpr int8_t kFloat4Values[] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};  // twice E2M1
constexpr int8_t kEighthValues[] = {-7, 1, 9, 0, -9, -1, 7, 0};                                // 8 g +- 1
constexpr int8_t kGrid2Values[] = {8, 25, 43, 0, -8, -25, -43, 0};
constexpr int8_t kGrid3Values[] = {4, 12, 20, 28, 36, 44, 52, 62, -4, -12, -20, -28, -36, -44, -52, -62};
constexpr int8_t kGrid3OddValues[] = {1, 3, 5, 7, 9, 11, 13, 15, -1, -3, -5, -7, -9, -11, -13, -15};

// How a quant type is stored: `block` positions of one row take `source_bytes` in its GGUF file (the figures of
// `weights/quant_types.py`, compared when that is imported), with the fp16 scale, and behind it that of minima if
// there is one, at `source_scale`. In panels a code has `low_bits` in one plane and `high_bits` above them in another;
// plus `zero` is what the kernels multiply: the code itself, or the entry of `values` for it plus `zero`. Scales are
// 2^-halvings of what they are by Scales.
struct Layout {
  QuantType quant_type;
  const char* name;
  int block;
  int source_bytes;
  int source_scale;
  Scales scales;
  int low_bits;
  int high_bits = 0;
  int zero = 0;
  const int8_t* values = nullptr;
  int halvings = 0;

  constexpr int groups() const { return block / kGroup; }
  constexpr int code_bytes() const { return 64 * (low_bits + high_bits); }  // of a group
  constexpr int group_bytes() const { return scale_bytes(scales) + code_bytes(); }
  constexpr int panel_bytes() const {  // of a block
    return quant_type == QuantType::F32 ? kRows * 4 : head_bytes(scales) + groups() * group_bytes();
  }
  constexpr int value(int code) const { return values ? values[code] : code - zero; }
  // Whether a panel begins with a float32 of each row that all its values are multiplied with.
  constexpr bool scaled_rows() const { return scales == Scales::kMinifloat; }
  // Seldom seen: two columns at a time are multiplied, which spares the compiler a kernel for each width.
  constexpr bool rare() const { return quant_type >= QuantType::Q1_0; }
};

constexpr Layout kLayouts[] = {
    // name, block, source bytes, source scale, scales, low bits, high bits, zero, values, halvings
    {QuantType::Q4_0, "Q4_0", 32, 18, 0, Scales::kFloat, 4, 0, 8},
    {QuantType::Q4_1, "Q4_1", 32, 20, 0, Scales::kFloatMinimum, 4},
    {QuantType::Q5_0, "Q5_0", 32, 22, 0, Scales::kFloat, 4, 1, 16},
    {QuantType::Q5_1, "Q5_1", 32, 24, 0, Scales::kFloatMinimum, 4, 1},
    {QuantType::Q8_0, "Q8_0", 32, 34, 0, Scales::kFloat, 8, 0, 128},
    {QuantType::Q4_K, "Q4_K", 256, 144, 0, Scales::kByteMinimum, 4},
    {QuantType::Q5_K, "Q5_K", 256, 176, 0, Scales::kByteMinimum, 4, 1},
    {QuantType::Q6_K, "Q6_K", 256, 210, 208, Scales::kSignedHalf, 4, 2, 32},
    {QuantType::Q2_K, "Q2_K", 256, 84, 80, Scales::kNibbleHalf, 2},
    {QuantType::Q3_K, "Q3_K", 256, 110, 108, Scales::kSixBitHalf, 2, 1, 4},
    {QuantType::IQ4_NL, "IQ4_NL", 32, 18, 0, Scales::kFloat, 4, 0, 128, kNonLinearValues},
    {QuantType::IQ4_XS, "IQ4_XS", 256, 136, 0, Scales::kSigned, 4, 0, 128, kNonLinearValues},
    {QuantType::MXFP4, "MXFP4", 32, 17, 0, Scales::kPower, 4, 0, 16, kFloat4Values},
    {QuantType::NVFP4, "NVFP4", 64, 36, 0, Scales::kMinifloat, 4, 0, 32, kFloat4Values},
    // Each block behind the float32 that all values of its row are multiplied with (no type of a file).
    {QuantType::NVFP4_SCALED, "NVFP4_SCALED", 64, 40, 0, Scales::kMinifloat, 4, 0, 32, kFloat4Values},
    {QuantType::Q1_0, "Q1_0", 128, 18, 0, Scales::kFloat, 1, 0, 1, kBitValues},
    {QuantType::Q2_0, "Q2_0", 64, 18, 0, Scales::kFloat, 2, 0, 1},
    {QuantType::TQ1_0, "TQ1_0", 256, 54, 52, Scales::kFloat, 2, 0, 1},
    {QuantType::TQ2_0, "TQ2_0", 256, 66, 64, Scales::kFloat, 2, 0, 1},
    // Their codes are indices into a grid of 4 or 8 values each, which are looked up once, when they are packed.
    {QuantType::IQ1_S, "IQ1_S", 256, 50, 0, Scales::kOddShifted, 2},
    {QuantType::IQ1_M, "IQ1_M", 256, 56, 48, Scales::kOddHalf, 2, 1, 32, kEighthValues, 3},
    {QuantType::IQ2_XXS, "IQ2_XXS", 256, 66, 0, Scales::kOdd, 2, 1, 64, kGrid2Values, 3},
    {QuantType::IQ2_XS, "IQ2_XS", 256, 74, 0, Scales::kOddHalf, 2, 1, 64, kGrid2Values, 3},
    {QuantType::IQ2_S, "IQ2_S", 256, 82, 0, Scales::kOddHalf, 2, 1, 64, kGrid2Values, 3},
    {QuantType::IQ3_XXS, "IQ3_XXS", 256, 98, 0, Scales::kOdd, 4, 0, 64, kGrid3Values, 2},
    {QuantType::IQ3_S, "IQ3_S", 256, 110, 0, Scales::kOdd, 4, 0, 16, kGrid3OddValues},
    {QuantType::F32, "F32", 1, 4, 0, Scales::kNone, 0},
};

// Where a quad is in a plane of so many bits of each code: in which 64 bytes, and from which bit of these on. Nibbles
// of quads 4 to 7 stand above those of 0 to 3, narrower planes fill their bytes in order.
constexpr int vector_of(int bits, int quad) { return bits == 4 ? quad % 4 : quad * bits / 8; }
constexpr int bit_of(int bits, int quad) { return bits == 4 ? 4 * (quad / 4) : quad * bits % 8; }

static_assert(
    [] {
      for (int i = 0; i < static_cast<int>(QuantType::kCount); ++i)
        if (static_cast<int>(kLayouts[i].quant_type) != i) return false;
      return std::size(kLayouts) == static_cast<size_t>(QuantType::kCount);
    }(),
    "kLayouts is not in the order of QuantType");

static_assert(kLayouts[std::size(kLayouts) - 1].quant_type == QuantType::F32, "kernels are made for what precedes F32");

constexpr const Layout& layout(QuantType quant_type) { return kLayouts[static_cast<int>(quant_type)]; }

// The first quant type whose panels are those of a given one, so that no kernel is compiled twice.
constexpr QuantType like(QuantType quant_type) {
  const Layout& a = layout(quant_type);
  for (const Layout& b : kLayouts)
    if (a.block == b.block && a.scales == b.scales && a.low_bits == b.low_bits && a.high_bits == b.high_bits &&
        a.zero == b.zero && a.values == b.values && a.halvings == b.halvings && a.scaled_rows() == b.scaled_rows())
      return b.quant_type;
  return quant_type;
}

// A packed matrix [rows, cols]; cols is a multiple of its quant type's block.
struct Panels {
  QuantType quant_type = QuantType::F32;
  int64_t rows = 0;
  int64_t cols = 0;
  const uint8_t* data = nullptr;

  int64_t panels() const { return (rows + kRows - 1) / kRows; }
  int64_t row_scale_bytes() const { return layout(quant_type).scaled_rows() ? kRows * 4 : 0; }
  int64_t panel_bytes() const {
    return row_scale_bytes() + cols / layout(quant_type).block * layout(quant_type).panel_bytes();
  }
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
uint16_t f32_to_f16(float value);     // to nearest even, saturating to the largest finite half
float e8m0_to_f32(uint8_t exponent);  // 2^(exponent - 128)
float e4m3_to_f32(uint8_t bits);      // half of what the 7 lower bits are, each of which is a number

}  // namespace galop
