#include "blocks.h"

#include <bit>
#include <cstring>
#include <iterator>

#include "grids.h"

namespace galop {
namespace {

template <class T>
T read(const uint8_t* p) {
  T value;
  std::memcpy(&value, p, sizeof(value));
  return value;
}

void split_nibbles(const uint8_t* qs, int count, uint8_t* codes) {  // low nibbles first, then high
  for (int i = 0; i < count; ++i) {
    codes[i] = qs[i] & 15;
    codes[i + count] = qs[i] >> 4;
  }
}

void add_fifth_bits(const uint8_t* qh, uint8_t* codes) {
  const auto bits = read<uint32_t>(qh);
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

void read_q45_k(const uint8_t* qs, const uint8_t* qh, Block& b) {
  for (int j = 0; j < 8; ++j)
    for (int l = 0; l < 32; ++l) {
      const uint8_t byte = qs[32 * (j / 2) + l];
      b.codes[32 * j + l] = (j % 2 ? byte >> 4 : byte & 15) | (qh ? ((qh[l] >> j) & 1) << 4 : 0);
    }
}

void read_q6_k(const uint8_t* ql, const uint8_t* qh, Block& b) {
  for (int n = 0; n < 2; ++n)
    for (int l = 0; l < 32; ++l) {
      const uint8_t low = ql[64 * n + l], next = ql[64 * n + l + 32], h = qh[32 * n + l];
      uint8_t* q = b.codes + 128 * n + l;
      q[0] = (low & 15) | ((h & 3) << 4);
      q[32] = (next & 15) | (((h >> 2) & 3) << 4);
      q[64] = (low >> 4) | (((h >> 4) & 3) << 4);
      q[96] = (next >> 4) | ((h >> 6) << 4);
    }
}

// Codes of 2 bits as Q2_K, Q3_K and TQ2_0 have them: 32 bytes hold 4 groups.
void split_crumbs(const uint8_t* qs, uint8_t* codes) {
  for (int i = 0; i < 256; ++i) codes[i] = (qs[32 * (i / 128) + i % 32] >> (2 * (i / 32 % 4))) & 3;
}

void read_q3_k(const uint8_t* p, Block& b) {
  const uint8_t* s = p + 96;
  split_crumbs(p + 32, b.codes);
  for (int i = 0; i < 256; ++i) b.codes[i] |= ((p[i % 32] >> (i / 32)) & 1) << 2;
  for (int i = 0; i < 16; ++i)
    b.scales[i] = ((i < 8 ? s[i] : s[i - 8] >> 4) & 15) | (((s[8 + i % 4] >> (2 * (i / 4))) & 3) << 4);
}

// The file's scales have a sign that is not looked at and a code for 0; a panel's have 7 bits that are all of numbers.
void read_nvfp4(const uint8_t* p, Block& b) {
  for (int half = 0; half < 4; ++half) {
    b.scales[half] = p[half] == 0x7f ? 0 : p[half] & 0x7f;
    split_nibbles(p + 4 + 8 * half, 8, b.codes + 16 * half);
  }
}

// Digits of base 3, the highest first: a byte is their number as a fraction of 256.
void read_trits(const uint8_t* p, int bytes, int digits, uint8_t* codes) {
  for (int i = 0; i < bytes; ++i) {
    uint8_t rest = p[i];
    for (int n = 0; n < digits; ++n, rest *= 3) codes[n * bytes + i] = static_cast<uint8_t>(rest * 3 >> 8);
  }
}

// Looked up in a grid, with bit j of `signs` above the code of value j.
void add_entry(const Grid& grid, int index, uint32_t signs, uint8_t* codes) {
  const int bits = 16 / grid.codes, sign_bit = grid.codes == 8 ? 2 : 3, mask = (1 << sign_bit) - 1;
  for (int j = 0; j < grid.codes; ++j)
    codes[j] = ((grid.entries[index] >> (bits * j)) & mask) | (((signs >> j) & 1) << sign_bit);
}

// Seven signs; the eighth makes the number of negative ones even.
uint32_t signs_of(uint32_t seven) { return seven | (std::popcount(seven) & 1) << 7; }

void split_scales(const uint8_t* p, int count, Block& b) {  // nibbles, the low one first
  for (int i = 0; i < count; ++i) b.scales[i] = (p[i / 2] >> (4 * (i % 2))) & 15;
}

void read_iq1_s(const uint8_t* p, const Grid& grid, Block& b) {
  for (int g = 0; g < 8; ++g) {
    const auto high = read<uint16_t>(p + 34 + 2 * g);
    b.scales[g] = high >> 12;  // 3 bits and the sign of the eighth
    for (int k = 0; k < 4; ++k)
      add_entry(grid, p[2 + 4 * g + k] | ((high >> (3 * k)) & 7) << 8, 0, b.codes + 32 * g + 8 * k);
  }
}

void read_iq1_m(const uint8_t* p, const Grid& grid, Block& b) {
  b.d = 0;
  for (int i = 0; i < 4; ++i) {
    const auto scales = read<uint16_t>(p + 48 + 2 * i);
    b.d |= static_cast<uint16_t>((scales >> 12) << (4 * i));
    for (int k = 0; k < 4; ++k) b.scales[4 * i + k] = (scales >> (3 * k)) & 7;
  }
  for (int i = 0; i < 32; ++i) {
    const int high = p[32 + i / 2] >> (4 * (i % 2)) & 15;
    add_entry(grid, p[i] | (high & 7) << 8, high & 8 ? 255 : 0, b.codes + 8 * i);
  }
}

void read_iq2_xxs(const uint8_t* p, const Grid& grid, Block& b) {
  for (int g = 0; g < 8; ++g) {
    const uint8_t* group = p + 2 + 8 * g;
    const auto signs = read<uint32_t>(group + 4);
    b.scales[g] = signs >> 28;
    for (int k = 0; k < 4; ++k) add_entry(grid, group[k], signs_of((signs >> (7 * k)) & 127), b.codes + 32 * g + 8 * k);
  }
}

void read_iq2_xs(const uint8_t* p, const Grid& grid, Block& b) {
  split_scales(p + 66, 16, b);
  for (int i = 0; i < 32; ++i) {
    const auto both = read<uint16_t>(p + 2 + 2 * i);
    add_entry(grid, both & 511, signs_of(both >> 9), b.codes + 8 * i);
  }
}

void read_iq2_s(const uint8_t* p, const Grid& grid, Block& b) {
  split_scales(p + 74, 16, b);
  for (int i = 0; i < 32; ++i)
    add_entry(grid, p[2 + i] | ((p[66 + i / 4] >> (2 * (i % 4))) & 3) << 8, p[34 + i], b.codes + 8 * i);
}

void read_iq3_xxs(const uint8_t* p, const Grid& grid, Block& b) {
  for (int g = 0; g < 8; ++g) {
    const auto signs = read<uint32_t>(p + 66 + 4 * g);
    b.scales[g] = signs >> 28;
    for (int k = 0; k < 8; ++k)
      add_entry(grid, p[2 + 8 * g + k], signs_of((signs >> (7 * (k / 2))) & 127) >> (4 * (k % 2)),
                b.codes + 32 * g + 4 * k);
  }
}

void read_iq3_s(const uint8_t* p, const Grid& grid, Block& b) {
  split_scales(p + 106, 8, b);
  for (int i = 0; i < 64; ++i)
    add_entry(grid, p[2 + i] | ((p[66 + i / 8] >> (i % 8)) & 1) << 8, p[74 + i / 2] >> (4 * (i % 2)), b.codes + 4 * i);
}

}  // namespace

Grid grid_of(QuantType quant_type) {
  const auto entries = [](const auto& grid, int codes) { return Grid{grid, static_cast<int>(std::size(grid)), codes}; };
  switch (quant_type) {
    case QuantType::IQ1_S:
    case QuantType::IQ1_M:
      return entries(kGridIQ1, 8);
    case QuantType::IQ2_XXS:
      return entries(kGridIQ2XXS, 8);
    case QuantType::IQ2_XS:
      return entries(kGridIQ2XS, 8);
    case QuantType::IQ2_S:
      return entries(kGridIQ2S, 8);
    case QuantType::IQ3_XXS:
      return entries(kGridIQ3XXS, 4);
    case QuantType::IQ3_S:
      return entries(kGridIQ3S, 4);
    default:
      return {};
  }
}

void read_block(const Layout& from, const uint8_t* p, Block& b) {
  b.d = read<uint16_t>(p + from.source_scale);
  if (has_minimum(from.scales)) b.m = read<uint16_t>(p + from.source_scale + 2);
  const Grid grid = grid_of(from.quant_type);
  switch (from.quant_type) {  // without a default, so that compilers point out a type that has no case
    case QuantType::Q4_0:
    case QuantType::IQ4_NL:
      split_nibbles(p + 2, 16, b.codes);
      break;
    case QuantType::Q4_1:
      split_nibbles(p + 4, 16, b.codes);
      break;
    case QuantType::Q5_0:
      split_nibbles(p + 6, 16, b.codes);
      add_fifth_bits(p + 2, b.codes);
      break;
    case QuantType::Q5_1:
      split_nibbles(p + 8, 16, b.codes);
      add_fifth_bits(p + 4, b.codes);
      break;
    case QuantType::Q8_0:
      for (int i = 0; i < 32; ++i) b.codes[i] = p[2 + i] ^ 0x80;  // stored with an offset of 128
      break;
    case QuantType::Q4_K:
      read_k_scales(p + 4, b);
      read_q45_k(p + 16, nullptr, b);
      break;
    case QuantType::Q5_K:
      read_k_scales(p + 4, b);
      read_q45_k(p + 48, p + 16, b);
      break;
    case QuantType::Q6_K:
      std::memcpy(b.scales, p + 192, 16);
      read_q6_k(p, p + 128, b);
      break;
    case QuantType::Q2_K:
      for (int i = 0; i < 16; ++i) {
        b.scales[i] = p[i] & 15;
        b.minima[i] = p[i] >> 4;
      }
      split_crumbs(p + 16, b.codes);
      break;
    case QuantType::Q3_K:
      read_q3_k(p, b);
      break;
    case QuantType::IQ4_XS:
      for (int g = 0; g < 8; ++g) {
        const int upper = read<uint16_t>(p + 2) >> (2 * g) & 3;
        b.scales[g] = static_cast<uint8_t>(((p[4 + g / 2] >> (4 * (g % 2)) & 15) | upper << 4) - 32);
        split_nibbles(p + 8 + 16 * g, 16, b.codes + 32 * g);
      }
      break;
    case QuantType::MXFP4:
      b.scales[0] = p[0];
      split_nibbles(p + 1, 16, b.codes);
      break;
    case QuantType::NVFP4:
      read_nvfp4(p, b);
      break;
    case QuantType::NVFP4_SCALED:
      read_nvfp4(p + 4, b);
      break;
    case QuantType::Q1_0:
      for (int i = 0; i < 128; ++i) b.codes[i] = (p[2 + i / 8] >> (i % 8)) & 1;
      break;
    case QuantType::Q2_0:
      for (int i = 0; i < 64; ++i) b.codes[i] = (p[2 + i / 4] >> (2 * (i % 4))) & 3;
      break;
    case QuantType::TQ1_0:
      read_trits(p, 32, 5, b.codes);
      read_trits(p + 32, 16, 5, b.codes + 160);
      read_trits(p + 48, 4, 4, b.codes + 240);
      break;
    case QuantType::TQ2_0:
      split_crumbs(p, b.codes);
      break;
    case QuantType::IQ1_S:
      read_iq1_s(p, grid, b);
      break;
    case QuantType::IQ1_M:
      read_iq1_m(p, grid, b);
      break;
    case QuantType::IQ2_XXS:
      read_iq2_xxs(p, grid, b);
      break;
    case QuantType::IQ2_XS:
      read_iq2_xs(p, grid, b);
      break;
    case QuantType::IQ2_S:
      read_iq2_s(p, grid, b);
      break;
    case QuantType::IQ3_XXS:
      read_iq3_xxs(p, grid, b);
      break;
    case QuantType::IQ3_S:
      read_iq3_s(p, grid, b);
      break;
    case QuantType::F32:
    case QuantType::kCount:
      break;
  }
}

}  // namespace galop
