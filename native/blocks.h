// Blocks of GGUF files, taken apart into what panels keep.
#pragma once

#include "weights.h"

namespace galop {

// One row's block: codes in order, its scales and minima as they are told apart in `Scales`.
struct Block {
  uint8_t codes[256];
  uint16_t d = 0, m = 0;           // fp16 scale; fp16 minimum or scale of minima
  uint8_t scales[16], minima[16];  // per group or half
};

void read_block(const Layout& from, const uint8_t* source, Block& to);

// The grid that the codes of a quant type are looked up in: entries of 8 codes of 2 bits or 4 of 4, the first lowest.
struct Grid {
  const uint16_t* entries = nullptr;
  int count = 0;
  int codes = 0;  // of an entry
};
Grid grid_of(QuantType quant_type);  // without entries for a type that has none

}  // namespace galop
