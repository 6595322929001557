// Attention of all tokens of a sequence to each other, of codes of 8 bits: what towers do with the patches of a picture.
// Its kernels have a table of their own, since texts need none of it.
#pragma once

#include <cstdint>

#include "kernels.h"

namespace galop {

// The codes of one head of a sequence. A lane is a query: queries lie as [16 tokens][four values][token][4], 128 more
// than they are, keys as [token][value], values as [four tokens][value][token], each token's under a scale of its own.
struct FullHead {
  int64_t count;  // tokens
  int64_t dim;
  uint8_t* queries;
  int8_t* keys;
  int8_t* values;
  float *query_scales, *key_scales, *value_scales;
  int32_t* key_offsets;  // -128 times the sum of a key's codes

  // There is room for whole blocks of tokens.
  static constexpr int64_t padded(int64_t count) { return (count + kBlockTokens - 1) / kBlockTokens * kBlockTokens; }
  static constexpr int64_t bytes(int64_t count, int64_t dim) { return padded(count) * (3 * dim + 16); }
  static FullHead at(uint8_t* start, int64_t count, int64_t dim);
};

struct FullKernels {
  // Encodes what a token has of the head.
  void (*encode)(const FullHead& head, int64_t token, const float* query, const float* key, const float* value);
  // out[token * stride + value] of the 16 tokens of a tile, or of those that there are.
  void (*attend)(const FullHead& head, int64_t tile, float scale, float* out, int64_t stride);
};

}  // namespace galop
