// What the native tests share: checks, a checksum of results, random numbers and packed matrices.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "kernels.h"
#include "weights.h"

namespace galop {

inline uint64_t checksum = 1469598103934665603ull;
inline int checks = 0;

inline void absorb(const void* data, size_t bytes) {
  for (size_t i = 0; i < bytes; ++i) checksum = (checksum ^ static_cast<const uint8_t*>(data)[i]) * 1099511628211ull;
}

inline void check(bool condition, const std::string& what) {
  ++checks;
  if (condition) return;
  std::printf("FAILED: %s\n", what.c_str());
  std::exit(1);
}

template <class T>
void same(const std::vector<T>& a, const std::vector<T>& b, const std::string& what) {
  check(a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0, what);
}

// The same numbers on every machine: no library distribution is.
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

// Blocks with random codes and small finite scales.
inline std::vector<uint8_t> blocks(QuantType quant_type, int64_t rows, int64_t cols, Random& random) {
  const Layout& shape = layout(quant_type);
  std::vector<uint8_t> data(rows * (cols / shape.block) * shape.source_bytes);
  for (uint8_t& b : data) b = random.byte();
  for (size_t at = 0; at < data.size(); at += shape.source_bytes) {
    for (int i = 0; i < (shape.minimum >= 0 ? 2 : 1); ++i) {
      const uint16_t half = f32_to_f16(random.real() * 0.02f);
      std::memcpy(&data[at + shape.source_scale + 2 * i], &half, 2);
    }
  }
  return data;
}

struct Packed {
  std::vector<uint8_t> data;
  Panels panels;
};

inline Packed packed(QuantType quant_type, int64_t rows, int64_t cols, Random& random) {
  Packed out;
  std::vector<uint8_t> source;
  if (quant_type == QuantType::F32) {
    const auto values = random.reals(rows * cols);
    source.resize(values.size() * 4);
    std::memcpy(source.data(), values.data(), source.size());
  } else {
    source = blocks(quant_type, rows, cols, random);
  }
  out.panels = {quant_type, rows, cols, nullptr};
  out.data.resize(out.panels.bytes());
  for (int64_t p = 0; p < out.panels.panels(); ++p)
    pack_panel(quant_type, source.data(), rows, cols, p, out.data.data() + p * out.panels.panel_bytes());
  out.panels.data = out.data.data();
  return out;
}

// In attention_test.cpp.
void test_attention(const Kernels& k);

}  // namespace galop
