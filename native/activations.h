// Quantised activations lie in tiles of columns, and threads claim panels in runs: what every matrix product shares.
#pragma once

#include <algorithm>

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

}  // namespace galop
