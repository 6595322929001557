#include "weights.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

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

namespace {

uint16_t read_u16(const uint8_t* p) {
  uint16_t value;
  std::memcpy(&value, p, 2);
  return value;
}

// One row's block, taken apart: codes in order and, per group, its scale and minimum.
struct Block {
  uint8_t codes[256];
  uint16_t d = 0, m = 0;           // fp16 block scale; fp16 minimum or scale of minima
  uint8_t scales[16], minima[16];  // second-level integers
};

void split_nibbles(const uint8_t* qs, uint8_t* codes) {  // a 32-block: low nibbles first, then high
  for (int i = 0; i < 16; ++i) {
    codes[i] = qs[i] & 15;
    codes[i + 16] = qs[i] >> 4;
  }
}

void add_fifth_bits(const uint8_t* qh, uint8_t* codes) {
  uint32_t bits;
  std::memcpy(&bits, qh, 4);
  for (int i = 0; i < 32; ++i) codes[i] |= ((bits >> i) & 1) << 4;
}

void read_k_scales(const uint8_t* s, Block& b) {  // 8 six-bit scales and minima in 12 bytes
  for (int j = 0; j < 8; ++j) {
    if (j < 4) {
      b.scales[j] = s[j] & 63;
      b.minima[j] = s[j + 4] & 63;
    } else {
      b.scales[j] = (s[j + 4] & 15) | ((s[j - 4] >> 6) << 4);
      b.minima[j] = (s[j + 4] >> 4) | ((s[j] >> 6) << 4);
    }
  }
}

void read_block(const Layout& from, const uint8_t* p, Block& b) {
  b.d = read_u16(p + from.source_scale);
  if (from.minimum >= 0) b.m = read_u16(p + from.source_scale + 2);
  switch (from.quant_type) {  // without a default, so that compilers point out a type that has no case
    case QuantType::Q4_0:
      split_nibbles(p + 2, b.codes);
      break;
    case QuantType::Q4_1:
      split_nibbles(p + 4, b.codes);
      break;
    case QuantType::Q5_0:
      split_nibbles(p + 6, b.codes);
      add_fifth_bits(p + 2, b.codes);
      break;
    case QuantType::Q5_1:
      split_nibbles(p + 8, b.codes);
      add_fifth_bits(p + 4, b.codes);
      break;
    case QuantType::Q8_0:
      for (int i = 0; i < 32; ++i) b.codes[i] = p[2 + i] ^ 0x80;  // stored with an offset of 128
      break;
    case QuantType::Q4_K:
    case QuantType::Q5_K: {
      read_k_scales(p + 4, b);
      const bool five = from.quant_type == QuantType::Q5_K;
      const uint8_t* qh = p + 16;
      const uint8_t* qs = p + (five ? 48 : 16);
      for (int j = 0; j < 8; ++j)
        for (int l = 0; l < 32; ++l) {
          const uint8_t byte = qs[32 * (j / 2) + l];
          uint8_t code = j % 2 ? byte >> 4 : byte & 15;
          if (five) code |= ((qh[l] >> j) & 1) << 4;
          b.codes[32 * j + l] = code;
        }
      break;
    }
    case QuantType::Q6_K: {
      const uint8_t *ql = p, *qh = p + 128;
      std::memcpy(b.scales, p + 192, 16);
      for (int n = 0; n < 2; ++n)
        for (int l = 0; l < 32; ++l) {
          const uint8_t a = ql[64 * n + l], c = ql[64 * n + l + 32], h = qh[32 * n + l];
          uint8_t* q = b.codes + 128 * n + l;
          q[0] = (a & 15) | ((h & 3) << 4);
          q[32] = (c & 15) | (((h >> 2) & 3) << 4);
          q[64] = (a >> 4) | (((h >> 4) & 3) << 4);
          q[96] = (c >> 4) | ((h >> 6) << 4);
        }
      break;
    }
    case QuantType::F32:
    case QuantType::kCount:
      break;
  }
}

// The codes of one row and group, four bytes (a quad) at a time; no shift crosses a byte.
void place_codes(const Layout& at, uint8_t* group, int row, const uint8_t* codes) {
  uint32_t quad[kQuads], plane[2] = {0, 0};
  std::memcpy(quad, codes, sizeof(quad));
  if (at.quant_type == QuantType::Q8_0) {
    for (int j = 0; j < kQuads; ++j) std::memcpy(group + at.codes + 64 * j + 4 * row, &quad[j], 4);
    return;
  }
  for (int j = 0; j < kQuads; ++j) {
    const uint32_t upper = quad[j] >> 4;
    if (at.high_bits == 1) plane[0] |= (upper & 0x01010101u) << j;
    if (at.high_bits == 2) plane[j / 4] |= (upper & 0x03030303u) << (2 * (j % 4));
    quad[j] &= 0x0f0f0f0fu;
  }
  for (int j = 0; j < 4; ++j) {
    const uint32_t both = quad[j] | quad[j + 4] << 4;
    std::memcpy(group + at.codes + 64 * j + 4 * row, &both, 4);
  }
  for (int i = 0; i < at.high_bits; ++i) std::memcpy(group + at.high + 64 * i + 4 * row, &plane[i], 4);
}

uint8_t find_code(const Layout& at, const uint8_t* group, int row, int k) {
  const int quad = k / 4, byte = 4 * row + k % 4;
  if (at.quant_type == QuantType::Q8_0) return group[at.codes + 64 * quad + byte];
  uint8_t code = (group[at.codes + 64 * (quad % 4) + byte] >> (quad < 4 ? 0 : 4)) & 15;
  if (at.high_bits == 1) code |= ((group[at.high + byte] >> quad) & 1) << 4;
  if (at.high_bits == 2) code |= ((group[at.high + 64 * (quad / 4) + byte] >> (2 * (quad % 4))) & 3) << 4;
  return code;
}

}  // namespace

void pack_panel(QuantType quant_type, const uint8_t* source, int64_t rows, int64_t cols, int64_t panel, uint8_t* out) {
  const Layout& shape = layout(quant_type);
  const int64_t blocks = cols / shape.block;
  std::memset(out, 0, blocks * shape.panel_bytes);
  const int64_t first = panel * kRows;
  const int count = static_cast<int>(std::min<int64_t>(kRows, rows - first));
  if (quant_type == QuantType::F32) {  // [k][row]
    for (int row = 0; row < count; ++row)
      for (int64_t k = 0; k < cols; ++k)
        std::memcpy(out + (k * kRows + row) * 4, source + ((first + row) * cols + k) * 4, 4);
    return;
  }
  const bool two_level = shape.block == 256;
  Block block;
  for (int row = 0; row < count; ++row) {
    const uint8_t* from = source + (first + row) * blocks * shape.source_bytes;
    for (int64_t b = 0; b < blocks; ++b, from += shape.source_bytes) {
      uint8_t* to = out + b * shape.panel_bytes;
      read_block(shape, from, block);
      if (two_level) {
        std::memcpy(to + 2 * row, &block.d, 2);
        if (quant_type != QuantType::Q6_K) std::memcpy(to + 32 + 2 * row, &block.m, 2);
      }
      for (int g = 0; g < shape.block / kGroup; ++g) {
        uint8_t* group = to + shape.head + g * shape.group_bytes();
        if (quant_type == QuantType::Q6_K) {
          group[row] = block.scales[2 * g];
          group[16 + row] = block.scales[2 * g + 1];
        } else if (two_level) {
          group[row] = block.scales[g];
          group[16 + row] = block.minima[g];
        } else {
          std::memcpy(group + 2 * row, &block.d, 2);
          if (shape.minimum >= 0) std::memcpy(group + shape.minimum + 2 * row, &block.m, 2);
        }
        place_codes(shape, group, row, block.codes + g * kGroup);
      }
    }
  }
}

void unpack_row(const Panels& weights, int64_t index, float* out) {
  const QuantType quant_type = weights.quant_type;
  const Layout& shape = layout(quant_type);
  const int row = static_cast<int>(index % kRows);
  const uint8_t* panel = weights.data + index / kRows * weights.panel_bytes();
  if (quant_type == QuantType::F32) {
    for (int64_t k = 0; k < weights.cols; ++k) std::memcpy(out + k, panel + (k * kRows + row) * 4, 4);
    return;
  }
  for (int64_t b = 0; b < weights.cols / shape.block; ++b) {
    const uint8_t* block = panel + b * shape.panel_bytes;
    for (int g = 0; g < shape.block / kGroup; ++g) {
      const uint8_t* group = block + shape.head + g * shape.group_bytes();
      float* to = out + b * shape.block + g * kGroup;
      for (int k = 0; k < kGroup; ++k) {
        const float code = static_cast<float>(find_code(shape, group, row, k) - shape.zero);
        if (quant_type == QuantType::Q6_K) {
          const auto scale = static_cast<int8_t>(group[16 * (k / 16) + row]);
          to[k] = f16_to_f32(read_u16(block + 2 * row)) * static_cast<float>(scale) * code;
        } else if (shape.block == 256) {
          const float scale = f16_to_f32(read_u16(block + 2 * row)) * static_cast<float>(group[row]);
          const float minimum = f16_to_f32(read_u16(block + 32 + 2 * row)) * static_cast<float>(group[16 + row]);
          to[k] = scale * code - minimum;
        } else {
          const float value = f16_to_f32(read_u16(group + 2 * row)) * code;
          to[k] = shape.minimum < 0 ? value : value + f16_to_f32(read_u16(group + shape.minimum + 2 * row));
        }
      }
    }
  }
}

}  // namespace galop
