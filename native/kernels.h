// The kernels of one instruction set. Every set computes the same bytes: see kernels.inl.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "weights.h"

namespace galop {

// 32 activations of one token. Zero points are folded in by starting the integer dot product at a negative offset.
struct alignas(64) ActivationGroup {
  int8_t codes[kGroup];
  float scale;
  float scaled_sum;  // scale * sum of codes, what a minimum is multiplied with
  int32_t offset8;   // -8 * sum of codes, and so on for each zero point
  int32_t offset16;
  int32_t offset128;
  int32_t offset32[2];  // per half group
  int16_t offset4[2];
};
static_assert(sizeof(ActivationGroup) == 64);

// The activations of `columns` tokens in tiles of `tile` columns: [tile][group][column in tile]; the last tile is
// as narrow as what remains.
struct Activations {
  const ActivationGroup* data;
  int64_t columns;
  int64_t groups;
  bool hints = false;  // whether weights are asked for ahead for one column too, as they are for several
};

constexpr int kFewColumns = 8;  // up to here memory is the limit; panels are unpacked only for more
constexpr int kWidePanels = 8;  // multiplied at once by more, at most, and groups of all of them
constexpr int kWideGroups = 256;
constexpr int kBlockTokens = 32;   // tokens in a KV block
constexpr int kChunk = 512;        // keys whose softmax is computed at once, at absolute positions
constexpr int kLatentChunk = 256;  // the same of latent attention
constexpr int kMaxQueries = 32;
constexpr int kMaxLatentQueries = 80;  // whole vectors of lanes of the 16, 20, 32 or 40 heads of a few tokens
constexpr int kMaxHeadDim = 512;
constexpr int kMaxLatent = 640;  // values in a row of latent attention
constexpr int kMaxTaps = 16;    // of a convolution over time
constexpr int kPartHead = 16;    // floats before the outputs of a part: the largest score and the sum of weights

// Bytes of one head's keys, or values, in a block: with the codes' scales, whatever their kind.
constexpr int64_t kv_bytes(int64_t head_dim, bool int8) {
  return int8 ? head_dim / kGroup * (kGroup + 2) * kBlockTokens : head_dim * 2 * (kBlockTokens + 1);
}

// ActivationGroups that an encoded query takes.
constexpr int64_t query_groups(int64_t head_dim, bool int8) {
  return (head_dim + kGroup - 1) / kGroup * (int8 ? 1 : 2);
}

// Groups in a row of latent attention, whose value and rotated part have groups of their own.
constexpr int64_t latent_groups(int64_t value_dim, int64_t rotated) {
  return (value_dim + kGroup - 1) / kGroup + (rotated + kGroup - 1) / kGroup;
}

// Bytes of its rows in a block: codes and scales of 8 bits as those of keys, or codes of 16 and two powers of two each.
constexpr int64_t row_bytes(int64_t value_dim, int64_t rotated, bool int8) {
  const int64_t width = latent_groups(value_dim, rotated) * kGroup;
  return int8 ? kv_bytes(width, true) : (width + 1) * 2 * kBlockTokens;
}

// One tile of queries that share a KV head and a sequence.
struct Attend {
  const ActivationGroup* codes[kMaxLatentQueries];  // what `encode_query` or `encode_latent_query` made of each
  float* outputs[kMaxLatentQueries];                // [value_dim]
  int64_t begins[kMaxLatentQueries];                // each query sees the keys from `begin` to before `end`
  int64_t ends[kMaxLatentQueries];
  float sinks[kMaxLatentQueries];  // a score that takes weight and has no value; -INFINITY for none
  int count;
  int64_t head_dim;  // of queries and keys; of latent attention what is rotated of them
  int64_t value_dim;
  bool int8;
  float scale;
  float softcap;                 // 0 for none
  int64_t chunk;                 // keys in a chunk
  const uint8_t* const* blocks;  // where each block's keys and values of this layer and head begin
  const uint8_t* const* next;    // those of the chunk that is read after this one; null for none
  int64_t key_offset;
  int64_t value_offset;
};

// Where latent attention works: some of it for each thread, too much for a stack.
struct LatentWork {
  alignas(64) int16_t queries[kMaxLatent * kMaxLatentQueries];  // [pair][lane][2]
  alignas(64) float query_scales[kMaxLatent / kGroup * kMaxLatentQueries];
  alignas(64) float scores[kLatentChunk * kMaxLatentQueries];  // [key][lane]
  alignas(64) int16_t weights[kLatentChunk * kMaxLatentQueries];  // [two keys][lane][2]
  alignas(64) float weight_scales[kLatentChunk / kBlockTokens * kMaxLatentQueries];
  alignas(64) int16_t rows[kBlockTokens * kMaxLatent];
  alignas(64) uint8_t values[kBlockTokens * kMaxHeadDim * 2];  // [16 values][two keys][value][2]
};

// Some columns of a recurrent layer's matrix S, walked through consecutive tokens of a sequence: S becomes
// keep * S + k change^T, and out is q^T S, with change = gain * (v - keep * k^T S) if `delta`. Otherwise change is
// gain * v, and skip * v is added to out.
struct Recurrence {
  bool delta;
  const float* from;  // [rows][width]; null for zeros
  float* to;          // what S is after the last token
  int64_t tokens;
  int64_t rows;
  int64_t width;             // 16 or 32
  const float *k, *q;        // [rows] of the first token; of the next, key_stride further on
  const float* v;            // [width]
  float* out;                // [width]
  const float *keep, *gain;  // one each
  int64_t key_stride, value_stride, out_stride, gate_stride;
  float skip;
};

struct KVKernels {  // append one token's key or value of one head, or its row of latent attention, to a block
  void (*store_key)(const float* k, uint8_t* keys, int slot, int64_t head_dim);
  void (*store_value)(const float* v, uint8_t* values, int slot, int64_t head_dim);
  void (*store_row)(const float* value, int64_t value_dim, const float* rotated, int64_t rotated_dim, uint8_t* rows,
                    int slot);
};

// A gated linear unit: g * sigmoid(alpha g + cubic g^3) * (u + offset) of a gate g, at most `limit`, and of u within
// +-limit.
struct Glu {
  float alpha = 1;
  float cubic = 0;
  float limit = INFINITY;
  float offset = 0;
};
constexpr Glu kGeluTanh{1.5957691216f, 0.0713548163f};  // 2 sqrt(2 / pi), and that times 0.044715

// out[column * out_stride + row] for the rows of panels [begin, end), plus bias[row] where there is one.
using Matmul = void (*)(const Panels& weights, int64_t begin, int64_t end, const Activations& acts, const float* bias,
                        float* out, int64_t out_stride);

constexpr int kMatmulParts = 3;  // the products of an instruction set are compiled in so many parts
constexpr int matmul_part(QuantType quant_type) { return 1 + static_cast<int>(like(quant_type)) % kMatmulParts; }

struct FullKernels;  // of attention of all tokens to each other (see full_attention.h)

struct Kernels {
  const char* name;
  int tile;  // columns of one activation tile

  // Quantises k floats (k a multiple of kGroup) to groups `stride` apart.
  void (*quantize)(const float* x, int64_t k, ActivationGroup* out, int64_t stride);
  Matmul matmul;
  // The same for F32 panels, whose inputs stay float32: x is [columns, cols].
  void (*matmul_f32)(const Panels& weights, int64_t begin, int64_t end, const float* x, int64_t columns,
                     const float* bias, float* out, int64_t out_stride);
  void (*rms_norm)(const float* x, const float* weight, float* out, int64_t n, float eps);
  void (*layer_norm)(const float* x, const float* weight, const float* bias, float* out, int64_t n, float eps);
  void (*glu)(const float* gate, const float* up, float* out, int64_t n, const Glu& how);
  void (*gelu)(const float* x, float* out, int64_t n);
  void (*gelu_tanh)(const float* x, float* out, int64_t n);
  void (*relu_squared)(const float* x, float* out, int64_t n);
  void (*sigmoid)(const float* x, float* out, int64_t n);
  // x * sigmoid(gate)
  void (*sigmoid_gate)(const float* x, const float* gate, float* out, int64_t n);
  // cap * tanh(x / cap)
  void (*softcap)(const float* x, float* out, int64_t n, float cap);
  void (*add)(const float* a, const float* b, float* out, int64_t n);
  void (*multiply)(const float* a, const float* b, float* out, int64_t n);
  void (*scale)(float factor, const float* x, float* out, int64_t n);
  // out += weight * x
  void (*accumulate)(float weight, const float* x, float* out, int64_t n);
  // x[n] -> exp(x - max) / sum
  void (*softmax)(const float* x, float* out, int64_t n);
  // The sum of exp((x - largest) * scale), none of whose parts is above 1.
  double (*sum_exp)(const float* x, int64_t n, float largest, float scale);
  void (*rope)(const float* x, const float* cosine, const float* sine, float* out, int64_t half, bool interleaved);
  // out[channel] of channels of panels [begin, end): the sum over taps of weight * rows[tap], plus bias where there is
  // one; silu of it if wanted.
  void (*convolve)(const float* const* rows, const Panels& weights, int64_t begin, int64_t end, const float* bias,
                   float* out, bool silu);
  // x[n] * scale / sqrt(sum of squares + eps), n a multiple of 16
  void (*unit_length)(const float* x, float* out, int64_t n, float eps, float scale);
  // step = softplus(a + bias); keep = exp(decay * step); gain = sigmoid(b), or step where there is no b
  void (*gates)(const float* a, const float* bias, const float* decay, const float* b, int64_t n, float* keep,
                float* gain);
  void (*recur)(const Recurrence& job);
  KVKernels f16;
  KVKernels int8;
  // What `attend` reads of a query: query_groups(head_dim, int8) of them.
  void (*encode_query)(const float* q, int64_t head_dim, bool int8, ActivationGroup* out);
  // Attention to the keys of one chunk: part is [count][kPartHead + value_dim], the outputs not yet divided by the sum.
  void (*attend)(const Attend& job, int64_t chunk, float* part);
  // The same where one row of a token is the key of all heads, and its beginning their value.
  void (*attend_latent)(const Attend& job, int64_t chunk, LatentWork& work, float* part);
  // What it reads of a query: two ActivationGroups for each of latent_groups.
  void (*encode_latent_query)(const float* q, int64_t value_dim, const float* rotated, int64_t rotated_dim,
                              ActivationGroup* out);
  // Folds the part of a chunk into the totals of those before it, of the same shape; a query's first chunk begins its.
  void (*merge)(const Attend& job, int64_t chunk, const float* part, float* total);
  void (*finish)(const Attend& job, const float* total);  // writes the outputs
  const FullKernels* full;
};

// Calls body(0), body(1), ... with each index a compile-time constant.
template <int N, class Body>
inline void repeat(Body body) {
  [&]<int... J>(std::integer_sequence<int, J...>) {
    (body(std::integral_constant<int, J>{}), ...);
  }(std::make_integer_sequence<int, N>{});
}

namespace portable {
extern const Kernels kernels;
}
namespace avx2 {
extern const Kernels kernels;
}
namespace avx512 {
extern const Kernels kernels;
}
namespace amx {
extern const Kernels kernels;
}
namespace neon {
extern const Kernels kernels;
}
namespace i8mm {
extern const Kernels kernels;
}

}  // namespace galop
