// Attention of all tokens to each other (see full_attention.h). Included behind the primitives of an instruction set.
//
// Keys go through in chunks of kFullChunk: their scores for 16 queries, weights of 7 bits for each 32 keys, and the
// values times these; sums so far are scaled to the highest score yet. So the scores of a chunk, its weights and the sums
// stay in L1, and no sum crosses lanes.

namespace {

constexpr int64_t kFullChunk = 128;
constexpr float kLog2E = 1.44269504f;

// 2^x of x <= 0: a polynomial of degree 5 on |x - n| <= 1/2, relative error below 3e-6.
F power_of_2(F x) {
  x = max(x, set1(-126.0f));
  const I n = round_i(x);
  const F f = sub(x, to_float(n));
  F p = set1(1.33335581e-3f);
  p = fma(p, f, set1(9.61812911e-3f));
  p = fma(p, f, set1(5.55041087e-2f));
  p = fma(p, f, set1(2.40226507e-1f));
  p = fma(p, f, set1(6.93147181e-1f));
  p = fma(p, f, set1(1.0f));
  return mul(p, exponent(n));
}

// Codes of `dim` values and their scale, which is no number where one of these is none.
float encode_full(const float* x, int64_t dim, int8_t* codes) {
  F top = set1(0.0f);
  bool numbers = true;
  for (int64_t d = 0; d < dim; d += 16) {
    top = max(top, absolute(load(x + d)));
    numbers = numbers && finite(load(x + d));
  }
  const float largest = maximum(top);
  const F inverse = set1(numbers && largest > 0x1p-100f ? 127.0f / largest : 0.0f);
  for (int64_t d = 0; d < dim; d += 16) store_i8(codes + d, round_i(mul(numbers ? load(x + d) : inverse, inverse)));
  return numbers ? largest / 127.0f : NAN;
}

void encode_full_token(const FullHead& head, int64_t token, const float* query, const float* key, const float* value) {
  alignas(64) int8_t codes[kMaxHeadDim];
  const int64_t dim = head.dim;
  head.query_scales[token] = encode_full(query, dim, codes);
  uint8_t* queries = head.queries + token / kRows * kRows * dim + token % kRows * 4;
  for (int64_t d = 0; d < dim; d += 4)
    for (int64_t i = 0; i < 4; ++i) queries[d * kRows + i] = static_cast<uint8_t>(codes[d + i] + 128);
  int8_t* keys = head.keys + token * dim;
  head.key_scales[token] = encode_full(key, dim, keys);
  int32_t sum = 0;
  for (int64_t d = 0; d < dim; ++d) sum += keys[d];
  head.key_offsets[token] = -128 * sum;
  head.value_scales[token] = encode_full(value, dim, codes);
  int8_t* values = head.values + token / 4 * 4 * dim + token % 4;
  for (int64_t d = 0; d < dim; ++d) values[4 * d] = codes[d];
}

// scores[key][lane] of N keys, under the keys' scales alone.
template <int N>
F score_keys(const FullHead& head, const uint8_t* queries, int64_t key, F best, float* scores) {
  const int64_t dim = head.dim;
  const int8_t* keys = head.keys + key * dim;
  I sum[N];
  GALOP_UNROLL
  for (int n = 0; n < N; ++n) {
    ActivationGroup offset{};
    offset.offset128 = head.key_offsets[key + n];
    sum[n] = start8(offset);
  }
  for (int64_t d = 0; d < dim; d += 16) {
    Partial part[N];
    repeat<4>([&](auto i) {
      const B query = load_b(queries + (d + 4 * i) * kRows);
      GALOP_UNROLL
      for (int n = 0; n < N; ++n) multiply<8, i, 4>(sum[n], part[n], query, keys + n * dim + d + 4 * i);
    });
  }
  GALOP_UNROLL
  for (int n = 0; n < N; ++n) {
    const F score = mul(to_float(sum[n]), set1(head.key_scales[key + n]));
    best = max(best, score);
    store(scores + 16 * n, score);
  }
  return best;
}

// Weights of `count` keys from their scores, 0 behind them: codes[four keys][lane][4] and, for each 32 keys, a scale that
// has those of the values in it. Adds them to `total`.
F weigh_keys(const float* value_scales, int64_t count, F unit, F top, F total, float* scores, uint8_t* codes,
             float* weight_scales) {
  for (int64_t block = 0; block < count; block += kBlockTokens, scores += 16 * kBlockTokens, weight_scales += 16) {
    F largest = set1(0x1p-100f);
    for (int64_t i = 0; i < kBlockTokens; ++i) {
      F weight = set1(0.0f);
      if (block + i < count) {
        weight = power_of_2(sub(mul(load(scores + 16 * i), unit), top));
        total = add(total, weight);
        weight = mul(weight, set1(value_scales[block + i]));
        largest = max(largest, weight);
      }
      store(scores + 16 * i, weight);
    }
    store(weight_scales, mul(largest, set1(1.0f / 127.0f)));
    const F inverse = div(set1(127.0f), largest);
    for (int64_t i = 0; i < kBlockTokens; i += 4, codes += 64) {
      const auto code = [&](int64_t k) { return round_i(mul(load(scores + 16 * (i + k)), inverse)); };
      store_b(codes, bytes(or_i(or_i(code(0), shift_left<8>(code(1))),
                                or_i(shift_left<16>(code(2)), shift_left<24>(code(3))))));
    }
  }
  return total;
}

// Adds N values of a block's tokens, weighted, to out[value][lane].
template <int N>
void add_block(const int8_t* values, int64_t dim, const uint8_t* codes, F scale, float* out) {
  I sum[N];
  Partial part[N];
  GALOP_UNROLL
  for (int n = 0; n < N; ++n) sum[n] = set1_i(0);
  repeat<kQuads>([&](auto i) {
    const B weights = load_b(codes + 64 * i);
    GALOP_UNROLL
    for (int n = 0; n < N; ++n) multiply<7, i, kQuads>(sum[n], part[n], weights, values + 4 * (i * dim + n));
  });
  GALOP_UNROLL
  for (int n = 0; n < N; ++n) store(out + 16 * n, fma(to_float(sum[n]), scale, load(out + 16 * n)));
}

void attend_full(const FullHead& head, int64_t tile, float scale, float* out, int64_t stride) {
  alignas(64) float scores[16 * kFullChunk], sums[16 * kMaxHeadDim], weight_scales[16 * kFullChunk / kBlockTokens];
  alignas(64) uint8_t codes[16 * kFullChunk];
  const int64_t dim = head.dim, first = tile * kRows;
  const uint8_t* queries = head.queries + first * dim;
  const F unit = mul(load(head.query_scales + first), set1(scale * kLog2E));
  F top = set1(-INFINITY), total = set1(0.0f);
  float all = 0;  // no number where a scale is none, so that no product hides it
  for (int64_t d = 0; d < dim; ++d) store(sums + 16 * d, total);
  for (int64_t start = 0; start < head.count; start += kFullChunk) {
    const int64_t count = head.count - start < kFullChunk ? head.count - start : kFullChunk;
    F best = set1(-INFINITY);
    int64_t key = 0;
    for (; key + kTile <= count; key += kTile)
      best = score_keys<kTile>(head, queries, start + key, best, scores + 16 * key);
    for (; key < count; ++key) best = score_keys<1>(head, queries, start + key, best, scores + 16 * key);
    for (key = 0; key < count; ++key) all += head.key_scales[start + key] + head.value_scales[start + key];
    const F higher = max(top, mul(best, unit)), fade = power_of_2(sub(top, higher));
    top = higher;
    total = weigh_keys(head.value_scales + start, count, unit, top, mul(total, fade), scores, codes, weight_scales);
    if (start)
      for (int64_t d = 0; d < dim; ++d) store(sums + 16 * d, mul(load(sums + 16 * d), fade));
    for (int64_t block = 0; block < count; block += kBlockTokens)
      for (int64_t d = 0; d < dim; d += kTile)
        add_block<kTile>(head.values + (start + block) * dim + 4 * d, dim, codes + 16 * block,
                         load(weight_scales + block / kBlockTokens * 16), sums + 16 * d);
  }
  total = add(total, add(set1(all - all), sub(unit, unit)));
  const F share = div(set1(1.0f), total);
  for (int64_t d = 0; d < dim; ++d) store(sums + 16 * d, mul(load(sums + 16 * d), share));
  const int64_t lanes = head.count - first < kRows ? head.count - first : kRows;
  for (int64_t n = 0; n < lanes; ++n)
    for (int64_t d = 0; d < dim; ++d) out[(first + n) * stride + d] = sums[16 * d + n];
}

}  // namespace

extern const FullKernels full;
const FullKernels full = {encode_full_token, attend_full};
