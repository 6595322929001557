// Quantised activations lie in tiles of columns, and threads claim panels in runs: what every matrix product shares.
#pragma once

#include <algorithm>
#include <vector>

#include "kernels.h"

namespace galop {

// Where the groups of one column begin.
inline int64_t activation_index(int64_t column, int64_t groups, int tile) {
  const int64_t first = column / tile * tile;
  return first * groups + (column - first);
}

// The distance between the groups of one column: the width of its tile.
inline int64_t tile_width(int64_t column, int64_t columns, int tile) {
  return std::min<int64_t>(tile, columns - column / tile * tile);
}

// Panels a thread claims at once. For few columns memory streams best in long runs (what is prefetched ahead is lost at
// each end), as long as all threads end together; `total` is the weight bytes of the phase.
inline int64_t claimed_panels(const Panels& m, int64_t total, int64_t columns, int threads) {
  if (columns > kFewColumns) return kWidePanels;
  return std::max<int64_t>(1, std::clamp<int64_t>(total / (3 * threads), 32 * 1024, 2048 * 1024) / m.panel_bytes());
}

// A run of one matrix's panels.
struct Claim {
  size_t matrix;
  int64_t begin, end;
};

// All panels of some matrices in the runs that threads claim, one after the other. For many columns the last are short,
// so that all threads end together.
inline std::vector<Claim> divide_panels(const std::vector<const Panels*>& matrices, int64_t columns, int threads) {
  std::vector<Claim> claims;
  int64_t bytes = 0, left = 0;
  for (const Panels* m : matrices) {
    bytes += m->bytes();
    left += m->panels();
  }
  for (size_t i = 0; i < matrices.size(); ++i) {
    const int64_t panels = matrices[i]->panels(), most = claimed_panels(*matrices[i], bytes, columns, threads);
    for (int64_t begin = 0; begin < panels;) {
      const int64_t share = columns > kFewColumns ? std::max<int64_t>(1, left / (2 * threads)) : most;
      const int64_t count = std::min({most, share, panels - begin});
      claims.push_back({i, begin, begin + count});
      begin += count;
      left -= count;
    }
  }
  return claims;
}

}  // namespace galop
