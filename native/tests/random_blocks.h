// Blocks of every quant type at random, the same on every machine: no library distribution is.
#pragma once

#include <cstring>
#include <random>
#include <vector>

#include "weights.h"

namespace galop {

struct Random {
  std::mt19937 bits{7};
  uint8_t byte() { return static_cast<uint8_t>(bits() >> 24); }
  float real() { return (static_cast<float>(bits() >> 8) / 8388608.0f - 1.0f) * 2.0f; }
  std::vector<float> reals(size_t n) {
    std::vector<float> v(n);
    for (float& x : v) x = real();
    return v;
  }
};

// A small finite scale, and minimum, for a block.
inline void draw_scales(const Layout& shape, uint8_t* block, Random& random) {
  if (shape.scales == Scales::kPower) {  // at times the two exponents that make a subnormal
    block[0] = random.byte() < 2 ? random.byte() % 2 : 112 + random.byte() % 16;
  } else if (shape.quant_type == QuantType::NVFP4_SCALED) {
    const float row_scale = 0.7f;
    std::memcpy(block, &row_scale, 4);
  } else if (shape.scales != Scales::kMinifloat) {
    for (int i = 0; i < (has_minimum(shape.scales) ? 2 : 1); ++i) {
      const uint16_t half = f32_to_f16(random.real() * 0.02f);
      std::memcpy(block + shape.source_scale + 2 * i, &half, 2);
      if (shape.quant_type == QuantType::IQ1_M)  // spread over the upper nibbles of four words
        for (int n = 0; n < 4; ++n) block[49 + 2 * n] = (block[49 + 2 * n] & 15) | (half >> (4 * n) & 15) << 4;
    }
  }
}

// Blocks with random codes and small finite scales.
inline std::vector<uint8_t> blocks(QuantType quant_type, int64_t rows, int64_t cols, Random& random) {
  const Layout& shape = layout(quant_type);
  std::vector<uint8_t> data(rows * (cols / shape.block) * shape.source_bytes);
  for (uint8_t& b : data) b = random.byte();
  for (size_t at = 0; at < data.size(); at += shape.source_bytes) draw_scales(shape, &data[at], random);
  return data;
}

}  // namespace galop
