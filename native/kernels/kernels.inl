// The algorithms of every kernel, written once over the 16-lane vectors that the including file defines:
//   F  16 floats      load store set1 add sub mul div fma max min absolute maximum
//                     load_f16 store_f16 load_u8 load_i8 load_e8m0 load_e4m3 (see weights.h) to_float exponent
//                     select_below finite
//   I  16 int32       set1_i load_i round_i sum_i store_i8 store_i16 and_i or_i shift_right shift_left<n>
//   B  64 code bytes  load_b store_b
//   field<from, to, width>(B) is that field of bits of each byte, moved to another bit; insert<from, to, width>(B, B)
//   puts one of the second beside what the first has
//   look_up(table, B) is the entry of a table of 16 for each byte, all of which are below 16
//   bytes(I) are those of the integers; plus(B, B) and times(B, B) add and multiply each, modulo 256
//   multiply<bits, at, count>(I& sum, Partial&, B, codes) adds to each lane the product of its 4 codes of so many bits
//   with 4 activations; `at` counts the quads of one sum, which is whole after the last of `count`. 8-bit codes start
//   at start8 (instruction sets differ in whether they take them signed)
//   Pairs are two 16-bit integers in an int32, the first below: pairs_less_32(I) takes 32 off both, dot_halves(a, b, I)
//   is a times the first and b times the second, of their lower 16 bits, dot_pairs(sum, I, two) adds the products with two
//   dot_quads(I sum, B, codes) adds to each lane the product of its 4 bytes, signed, with 4 codes of 0 to 127
//   prefetch<bytes>(p) asks for what a stream will read soon after so many bytes at p, prefetch_line(p) for one line,
//   prefetch_written(p) for one that will be written
// and kTile, the columns whose accumulators fit its registers, and kWideFrom, those from which unpacking a panel once
// pays. With GALOP_MATRIX_TILES unpacked panels are multiplied in tiles of kColumnTile columns, by shape_tiles,
// multiply_tiles and release_tiles (amx.cpp).
//
// The order of every floating-point operation is fixed here and no vector primitive may change it, so all instruction
// sets, thread counts and batch shapes give the same bytes.
//
// CMake compiles each including file several times, once for each GALOP_PART, since there are many matrix products: in
// parts 1 to kMatmulParts those of some quant types each, in part 0 all else.

#if !defined(GALOP_PART)
#define GALOP_PART 0
#endif

// The matrix product of a quant type, which is compiled in part matmul_part(quant_type).
template <int kPart>
Matmul find_matmul(QuantType quant_type);

namespace {

#if defined(__clang__)
#define GALOP_UNROLL _Pragma("clang loop unroll(full)")
#elif defined(__GNUC__)
#define GALOP_UNROLL _Pragma("GCC unroll 16")
#else
#define GALOP_UNROLL
#endif

#if !defined(GALOP_MATRIX_TILES)
constexpr int kColumnTile = kTile;
#endif

#include "formats.inl"
#include "matmul.inl"

#if GALOP_PART == 0

// ---- Sum of the lanes: one tree for all

float sum(F v) {
  alignas(64) float lane[16];
  store(lane, v);
  for (int width = 8; width; width /= 2)
    for (int i = 0; i < width; ++i) lane[i] += lane[i + width];
  return lane[0];
}

// ---- exp: x = n ln2 + r, a degree-6 polynomial on |r| <= ln2 / 2, relative error below 2e-7

F exp_f(F x) {
  x = min(max(x, set1(-87.0f)), set1(88.0f));
  const I n = round_i(mul(x, set1(1.44269504f)));
  const F nf = to_float(n);
  F r = fma(nf, set1(-0.693359375f), x);
  r = fma(nf, set1(2.12194440e-4f), r);
  F p = set1(1.9875691500e-4f);
  p = fma(p, r, set1(1.3981999507e-3f));
  p = fma(p, r, set1(8.3334519073e-3f));
  p = fma(p, r, set1(4.1665795894e-2f));
  p = fma(p, r, set1(1.6666665459e-1f));
  p = fma(p, r, set1(5.0000001201e-1f));
  p = fma(p, mul(r, r), add(r, set1(1.0f)));
  return mul(p, exponent(n));
}

float exp_1(float x) {
  alignas(64) float lane[16];
  store(lane, exp_f(set1(x)));
  return lane[0];
}

// ---- Activation quantisation: int8 per 32, scale = max|x| / 127

// Below it 127 / max|x| would overflow; what is that small counts as nothing.
constexpr float kLeast = 0x1p-118f;

// Values that are not numbers make the scale one that is none either, so that no product hides them.
void quantize(const float* x, int64_t k, ActivationGroup* out, int64_t stride) {
  for (int64_t g = 0; g < k / kGroup; ++g, x += kGroup, out += stride) {
    F a = load(x), b = load(x + 16);
    float largest = maximum(max(absolute(a), absolute(b)));
    if (!finite(a) || !finite(b)) {
      a = b = set1(0.0f);
      largest = NAN;
    }
    const float inverse = largest > kLeast ? 127.0f / largest : 0.0f;
    const I qa = round_i(mul(a, set1(inverse))), qb = round_i(mul(b, set1(inverse)));
    store_i8(out->codes, qa);
    store_i8(out->codes + 16, qb);
    const int32_t low = sum_i(qa), high = sum_i(qb);
    out->scale = largest / 127.0f;
    out->scaled_sum = out->scale * static_cast<float>(low + high);
    out->offset8 = -8 * (low + high);
    out->offset16 = -16 * (low + high);
    out->offset128 = -128 * (low + high);
    out->offset32[0] = -32 * low;
    out->offset32[1] = -32 * high;
    out->offset4[0] = static_cast<int16_t>(-4 * low);
    out->offset4[1] = static_cast<int16_t>(-4 * high);
  }
}

// Each uses those before it.
// clang-format off
#include "matmul_by_type.inl"
#include "elementwise.inl"
#include "recurrent.inl"
#include "kv_blocks.inl"
#include "attention.inl"
#include "latent.inl"
// clang-format on

constexpr KVKernels f16_blocks = {store_f16_key, store_f16_value, store_f16_row};
constexpr KVKernels int8_blocks = {store_int8_key, store_int8_value, store_int8_row};

}  // namespace

extern const FullKernels full;  // compiled by itself

const Kernels kernels = {
    .name = GALOP_KERNELS,
    .tile = kColumnTile,
    .quantize = quantize,
    .matmul = matmul,
    .matmul_f32 = matmul_f32,
    .rms_norm = rms_norm,
    .layer_norm = layer_norm,
    .glu = glu,
    .gelu = gelu,
    .gelu_tanh = gelu_tanh,
    .relu_squared = relu_squared,
    .sigmoid = sigmoid,
    .sigmoid_gate = sigmoid_gate,
    .softcap = softcap,
    .add = add_rows,
    .multiply = multiply_rows,
    .scale = scale,
    .accumulate = accumulate,
    .softmax = softmax,
    .sum_exp = sum_exp,
    .rope = rope,
    .convolve = convolve,
    .unit_length = unit_length,
    .gates = gates,
    .recur = recur,
    .f16 = f16_blocks,
    .int8 = int8_blocks,
    .encode_query = encode_query,
    .attend = attend,
    .attend_latent = attend_latent,
    .encode_latent_query = encode_latent_query,
    .merge = merge_parts,
    .finish = finish_attention,
    .full = &full,
};

#else

template <int kType>
constexpr Matmul matmul_of = []() -> Matmul {
  if constexpr (matmul_part(static_cast<QuantType>(kType)) == GALOP_PART)
    return matmul_format<Format<like(static_cast<QuantType>(kType))>>;
  else
    return nullptr;
}();

}  // namespace

template <int kPart>
Matmul find_matmul(QuantType quant_type) {
  static constexpr auto by_type = []<int... kTypes>(std::integer_sequence<int, kTypes...>) {
    return std::array<Matmul, sizeof...(kTypes)>{matmul_of<kTypes>...};
  }(std::make_integer_sequence<int, static_cast<int>(QuantType::F32)>{});
  return by_type[static_cast<int>(quant_type)];
}

template Matmul find_matmul<GALOP_PART>(QuantType);

#endif
