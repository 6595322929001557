// What the native tests share: checks, a checksum of results, and packed matrices.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "kernels.h"
#include "random_blocks.h"

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

// In files of their own.
void test_attention(const Kernels& k);
void test_full_attention(const Kernels& k);
void test_recurrent(const Kernels& k);
void test_pool();
void test_governor();

}  // namespace galop
