#include "weights.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "blocks.h"

namespace galop {

float f16_to_f32(uint16_t bits) {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000) << 16;
  const uint32_t exponent = (bits >> 10) & 31;
  const uint32_t mantissa = bits & 0x3ff;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000u | (mantissa << 13));
  if (exponent == 0) {
    const float magnitude = std::ldexp(static_cast<float>(mantissa), -24);
    return sign ? -magnitude : magnitude;
  }
  return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (mantissa << 13));
}

uint16_t f32_to_f16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint16_t sign = static_cast<uint16_t>((bits >> 16) & 0x8000);
  const uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return sign | 0x7e00;   // NaN
  if (magnitude >= 0x477ff000u) return sign | 0x7bff;  // would round past 65504
  if (magnitude < 0x38800000u) {                       // subnormal half: let the float adder round
    const float shifted = std::bit_cast<float>(magnitude) + 0.5f;
    return sign | static_cast<uint16_t>(std::bit_cast<uint32_t>(shifted) - 0x3f000000u);
  }
  const uint32_t rounded = magnitude + 0xfff + ((magnitude >> 13) & 1) - 0x38000000u;
  return sign | static_cast<uint16_t>(rounded >> 13);
}

float e8m0_to_f32(uint8_t exponent) {
  if (exponent < 2) return std::bit_cast<float>(0x00200000u << exponent);  // subnormal
  return std::bit_cast<float>(static_cast<uint32_t>(exponent - 1) << 23);
}

float e4m3_to_f32(uint8_t bits) { return f16_to_f32(static_cast<uint16_t>((bits & 0x7f) << 7)) * 128.0f; }

namespace {

template <class T>
T read(const uint8_t* p) {
  T value;
  std::memcpy(&value, p, sizeof(value));
  return value;
}

template <class T>
void write(uint8_t* p, T value) {
  std::memcpy(p, &value, sizeof(value));
}

float half_at(const uint8_t* p) { return f16_to_f32(read<uint16_t>(p)); }

constexpr uint32_t kEachByte = 0x01010101u;

void add_bits(uint8_t* to, uint32_t bits) { write(to, read<uint32_t>(to) | bits); }

// Quad j of a row, a code in each byte; no shift below moves a bit that is kept out of its byte. The plane of the high
// bits is the first.
void place_quad(const Layout& at, uint8_t* codes, int row, int j, uint32_t quad) {
  const uint32_t low = quad & kEachByte * ((1u << at.low_bits) - 1);
  add_bits(codes + 64 * (at.high_bits + vector_of(at.low_bits, j)) + 4 * row, low << bit_of(at.low_bits, j));
  if (!at.high_bits) return;
  const uint32_t high = quad >> at.low_bits & kEachByte * ((1u << at.high_bits) - 1);
  add_bits(codes + 64 * vector_of(at.high_bits, j) + 4 * row, high << bit_of(at.high_bits, j));
}

int find_code(const Layout& at, const uint8_t* codes, int row, int k) {
  const int j = k / 4, byte = 4 * row + k % 4;
  const auto field = [&](const uint8_t* plane, int bits) {
    return plane[64 * vector_of(bits, j) + byte] >> bit_of(bits, j) & ((1 << bits) - 1);
  };
  const int low = field(codes + 64 * at.high_bits, at.low_bits);
  return at.high_bits ? low | field(codes, at.high_bits) << at.low_bits : low;
}

int find_bits(const uint8_t* vector, int row, int at, int width) {
  return static_cast<int>(read<uint32_t>(vector + 4 * row) >> at & ((1u << width) - 1));
}

// The place of a nibble of half h (of 16) in two vectors: those of 4 groups in an int32, second halves above.
int vector_of_half(int h) { return 64 * (h / 8); }
int bit_of_half(int h) { return 16 * (h % 2) + 4 * (h / 2 % 4); }

void place_scales(const Layout& at, uint8_t* block, int row, const Block& from) {
  const Scales kind = at.scales;
  const bool has_d = kind != Scales::kPower && kind != Scales::kMinifloat;
  if (has_d) write(block + 2 * row, from.d);
  if (has_minimum(kind)) write(block + 32 + 2 * row, from.m);
  for (int g = 0; g < at.groups(); ++g) {
    uint8_t* group = block + head_bytes(kind) + g * at.group_bytes();
    const uint8_t *each = from.scales + g, *halves = from.scales + 2 * g;
    switch (kind) {
      case Scales::kPower:
      case Scales::kSigned:
        group[row] = *each;
        break;
      case Scales::kMinifloat:
      case Scales::kSignedHalf:
        group[row] = halves[0];
        group[16 + row] = halves[1];
        break;
      case Scales::kByteMinimum:
        group[row] = *each;
        group[16 + row] = from.minima[g];
        break;
      case Scales::kNibbleHalf:
        for (int h = 2 * g; h < 2 * g + 2; ++h) {
          add_bits(block + 64 + vector_of_half(h) + 4 * row, uint32_t{from.scales[h]} << bit_of_half(h));
          add_bits(block + 192 + vector_of_half(h) + 4 * row, uint32_t{from.minima[h]} << bit_of_half(h));
        }
        break;
      case Scales::kSixBitHalf:
        for (int h = 2 * g; h < 2 * g + 2; ++h) {
          add_bits(block + 32 + vector_of_half(h) + 4 * row, (from.scales[h] & 15u) << bit_of_half(h));
          add_bits(block + 160 + 4 * row, uint32_t{from.scales[h]} >> 4 << (16 * (h % 2) + 2 * g));
        }
        break;
      case Scales::kOdd:
      case Scales::kOddShifted:
        add_bits(block + 32 + 4 * row, uint32_t{*each} << (4 * g));
        break;
      case Scales::kOddHalf:
        for (int h = 2 * g; h < 2 * g + 2; ++h)
          add_bits(block + 32 + vector_of_half(h) + 4 * row, uint32_t{from.scales[h]} << bit_of_half(h));
        break;
      case Scales::kFloat:
      case Scales::kFloatMinimum:
      case Scales::kNone:
        break;
    }
  }
}

// (value of a code + shift) * scale + minimum, of half h of a block
struct Scale {
  float scale, minimum = 0, shift = 0;
};

Scale find_scale(const Layout& at, const uint8_t* block, int row, int h) {
  const int g = h / 2;
  const uint8_t* group = block + head_bytes(at.scales) + g * at.group_bytes();
  const float d = half_at(block + 2 * row), unit = d / static_cast<float>(1 << at.halvings);
  const auto odd = [&](int s) { return unit * static_cast<float>(2 * s + 1); };
  switch (at.scales) {
    case Scales::kFloat:
      return {d};
    case Scales::kFloatMinimum:
      return {d, half_at(block + 32 + 2 * row)};
    case Scales::kPower:
      return {e8m0_to_f32(group[row])};
    case Scales::kMinifloat:
      return {e4m3_to_f32(group[16 * (h % 2) + row])};
    case Scales::kByteMinimum:
      return {d * group[row], -half_at(block + 32 + 2 * row) * group[16 + row]};
    case Scales::kSigned:
      return {d * static_cast<int8_t>(group[row])};
    case Scales::kSignedHalf:
      return {d * static_cast<int8_t>(group[16 * (h % 2) + row])};
    case Scales::kNibbleHalf:
      return {d * static_cast<float>(find_bits(block + 64 + vector_of_half(h), row, bit_of_half(h), 4)),
              -half_at(block + 32 + 2 * row) *
                  static_cast<float>(find_bits(block + 192 + vector_of_half(h), row, bit_of_half(h), 4))};
    case Scales::kSixBitHalf: {
      const int low = find_bits(block + 32 + vector_of_half(h), row, bit_of_half(h), 4);
      const int high = find_bits(block + 160, row, 16 * (h % 2) + 2 * g, 2);
      return {d * static_cast<float>((low | high << 4) - 32)};
    }
    case Scales::kOdd:
      return {odd(find_bits(block + 32, row, 4 * g, 4))};
    case Scales::kOddHalf:
      return {odd(find_bits(block + 32 + vector_of_half(h), row, bit_of_half(h), 4))};
    case Scales::kOddShifted:
      return {odd(find_bits(block + 32, row, 4 * g, 3)), 0,
              find_bits(block + 32, row, 4 * g + 3, 1) ? -1.125f : -0.875f};
    case Scales::kNone:
      break;
  }
  return {0};
}

}  // namespace

void pack_panel(QuantType quant_type, const uint8_t* source, int64_t rows, int64_t cols, int64_t panel, uint8_t* out) {
  const Layout& at = layout(quant_type);
  const Panels shape{quant_type, rows, cols, nullptr};
  const int64_t blocks = cols / at.block;
  std::memset(out, 0, shape.panel_bytes());
  const int64_t first = panel * kRows;
  const int count = static_cast<int>(std::min<int64_t>(kRows, rows - first));
  if (quant_type == QuantType::F32) {  // [k][row]
    for (int row = 0; row < count; ++row)
      for (int64_t k = 0; k < cols; ++k)
        std::memcpy(out + (k * kRows + row) * 4, source + ((first + row) * cols + k) * 4, 4);
    return;
  }
  Block block;
  for (int row = 0; row < count; ++row) {
    const uint8_t* from = source + (first + row) * blocks * at.source_bytes;
    uint8_t* to = out + shape.row_scale_bytes();
    if (at.scaled_rows()) write(out + 4 * row, quant_type == QuantType::NVFP4_SCALED ? read<float>(from) : 1.0f);
    for (int64_t b = 0; b < blocks; ++b, from += at.source_bytes, to += at.panel_bytes()) {
      read_block(at, from, block);
      place_scales(at, to, row, block);
      for (int g = 0; g < at.groups(); ++g) {
        uint8_t* codes = to + head_bytes(at.scales) + g * at.group_bytes() + scale_bytes(at.scales);
        for (int j = 0; j < kQuads; ++j)
          place_quad(at, codes, row, j, read<uint32_t>(block.codes + g * kGroup + 4 * j));
      }
    }
  }
}

void unpack_row(const Panels& weights, int64_t index, float* out) {
  const Layout& at = layout(weights.quant_type);
  const int row = static_cast<int>(index % kRows);
  const uint8_t* panel = weights.data + index / kRows * weights.panel_bytes();
  if (weights.is_float()) {
    for (int64_t k = 0; k < weights.cols; ++k) std::memcpy(out + k, panel + (k * kRows + row) * 4, 4);
    return;
  }
  const float row_scale = at.scaled_rows() ? read<float>(panel + 4 * row) : 1.0f;
  const uint8_t* block = panel + weights.row_scale_bytes();
  for (int64_t b = 0; b < weights.cols / at.block; ++b, block += at.panel_bytes()) {
    for (int h = 0; h < 2 * at.groups(); ++h, out += kGroup / 2) {
      const uint8_t* codes = block + head_bytes(at.scales) + h / 2 * at.group_bytes() + scale_bytes(at.scales);
      const Scale s = find_scale(at, block, row, h);
      for (int k = 0; k < kGroup / 2; ++k) {
        const auto value = static_cast<float>(at.value(find_code(at, codes, row, h % 2 * (kGroup / 2) + k)));
        out[k] = s.scale * (value + s.shift);
        if (has_minimum(at.scales)) out[k] += s.minimum;
        if (at.scaled_rows()) out[k] *= row_scale;
      }
    }
  }
}

}  // namespace galop
