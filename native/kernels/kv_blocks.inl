// What attention reads: keys and values in blocks of 32 tokens, and codes of queries and weights. Part of kernels.inl.
//
// All products are of integers, in the arithmetic of one token as in that of many: of 8 bits (int8), or of 14 in 16
// (called f16, whose memory and precision they have: a code is off by 2^-13 of its row's largest value at most).
//
// Keys of 16 bits lie in a block as [16 keys][pair of components][key][2] under a power of two for each key; keys of 8
// bits as panels of Q8_0 with a key for a row, so scores are a matrix product with quantised queries (both rotated, see
// `rotate`). Values of both lie as [16 components][two or four keys][component][key], so that a lane of 32 bits holds
// those keys, under a scale for each token: a power of two, or of fp16. Scales follow the codes.

// 32 codes that are multiplied with those of a block: components of a query, or weights of its keys.
template <class Code>
struct Codes {
  alignas(64) Code codes[kGroup];
  float scale;
};
template <class Code>
constexpr float kLargest = sizeof(Code) == 1 ? 127 : 8191;  // 32 products of two of 16 bits stay below 2^31
template <class Code>
constexpr int kInLane = 4 / sizeof(Code);

inline void store_codes(int8_t* p, I codes) { store_i8(p, codes); }
inline void store_codes(int16_t* p, I codes) { store_i16(p, codes); }

// The scale of 32 values, which are then to be rounded to codes. One that is not a number makes the scale none, so that
// no product hides it.
template <class Code>
float scale_to_codes(F& a, F& b) {
  const float largest = maximum(max(absolute(a), absolute(b)));
  const bool numbers = largest < INFINITY;
  const F inverse = set1(numbers && largest > kLeast * 64 ? kLargest<Code> / largest : 0.0f);
  if (!numbers) a = b = set1(0.0f);
  a = mul(a, inverse);
  b = mul(b, inverse);
  return numbers ? largest / kLargest<Code> : NAN;
}

template <class Code>
void encode(F a, F b, Codes<Code>& out) {
  out.scale = scale_to_codes<Code>(a, b);
  store_codes(out.codes, round_i(a));
  store_codes(out.codes + 16, round_i(b));
}

// ---- Rows of 16 bits: the codes of a key or value under the least power of two that holds them

struct Row {
  alignas(64) int16_t codes[kMaxHeadDim];
  int8_t power;  // of two; 0 where nothing was stored yet, so that no arithmetic is of subnormal numbers
};

inline F load_powers(const uint8_t* p) { return exponent(round_i(load_i8(p))); }

// The least power of two under which codes hold values up to `largest`.
inline int8_t least_power(float largest) {
  const auto bits = std::bit_cast<uint32_t>(largest / kLargest<int16_t>);
  const int power = static_cast<int>(bits >> 23) + ((bits & 0x7fffff) != 0) - 127;
  return static_cast<int8_t>(power < -112 ? -112 : power);
}
inline float inverse_power(int power) { return std::bit_cast<float>(static_cast<uint32_t>(127 - power) << 23); }

void encode_row(const float* x, int64_t dim, Row& row) {
  F top = set1(0.0f);
  bool numbers = true;
  for (int64_t d = 0; d < dim; d += 16) {
    top = max(top, absolute(load(x + d)));
    numbers = numbers && finite(load(x + d));
  }
  if (!numbers) {  // as large as can be, which is seen in whatever comes of it
    row.power = 127;
    for (int64_t d = 0; d < dim; ++d) row.codes[d] = 8191;
    return;
  }
  row.power = least_power(maximum(top));
  const F inverse = set1(inverse_power(row.power));
  for (int64_t d = 0; d < dim; d += 16) store_i16(row.codes + d, round_i(mul(load(x + d), inverse)));
}

void store_f16_key(const float* k, uint8_t* keys, int slot, int64_t dim) {
  Row row;
  encode_row(k, dim, row);
  auto* codes = reinterpret_cast<int16_t*>(keys) + slot / kRows * kRows * dim + slot % kRows * 2;
  for (int64_t d = 0; d < dim; ++d) codes[d / 2 * 2 * kRows + d % 2] = row.codes[d];
  keys[2 * kBlockTokens * dim + slot] = static_cast<uint8_t>(row.power);
}

void store_f16_value(const float* v, uint8_t* values, int slot, int64_t dim) {
  Row row;
  encode_row(v, dim, row);
  auto* codes = reinterpret_cast<int16_t*>(values) + slot / 2 * 2 * kRows + slot % 2;
  for (int64_t d = 0; d < dim; ++d) codes[d / kRows * kRows * kBlockTokens + d % kRows * 2] = row.codes[d];
  values[2 * kBlockTokens * dim + slot] = static_cast<uint8_t>(row.power);
}

// ---- Rows of 8 bits

// The fp16 scale of codes of 8 bits; `inverse` is what values are multiplied with, of the scale as it is read back.
uint16_t int8_scale(float largest, float& inverse) {
  alignas(64) uint16_t half[16];
  alignas(64) float scale[16];
  store_f16(half, set1(largest / 127.0f));
  store(scale, load_f16(half));
  inverse = scale[0] > 0 ? 1.0f / scale[0] : 0.0f;
  return half[0];
}

void store_int8(int8_t* codes, F x, float inverse) {
  store_i8(codes, round_i(max(min(mul(x, set1(inverse)), set1(127.0f)), set1(-127.0f))));
}

uint16_t quantise_kv(const float* x, int8_t* codes) {
  const F a = load(x), b = load(x + 16);
  float inverse;
  const uint16_t scale = int8_scale(maximum(max(absolute(a), absolute(b))), inverse);
  store_int8(codes, a, inverse);
  store_int8(codes + 16, b, inverse);
  return scale;
}

// The Walsh-Hadamard transform of each 32 values, orthonormal. Queries and keys both take it, which leaves their
// product as it was; an outlier, such as Qwen2's biases give keys, no longer sets the int8 step of its whole group
// alone (Kullback-Leibler divergence of int8 keys on the 0.5B: 0.012 without, 0.003 with).
void rotate(const float* x, int64_t n, float* out) {
  for (int64_t at = 0; at < n; at += kGroup, x += kGroup, out += kGroup) {
    const F a = load(x), b = load(x + 16), scale = set1(0.176776695f);
    store(out, mul(add(a, b), scale));
    store(out + 16, mul(sub(a, b), scale));
    for (int width = 8; width; width /= 2)
      for (int begin = 0; begin < kGroup; begin += 2 * width)
        for (int i = begin; i < begin + width; ++i) {
          const float low = out[i], high = out[i + width];
          out[i] = low + high;
          out[i + width] = low - high;
        }
  }
}

using KeyPanel = Format<QuantType::Q8_0, false>;  // what follows it is not read next

void store_int8_key(const float* k, uint8_t* keys, int slot, int64_t head_dim) {
  const int64_t groups = head_dim / kGroup;
  const int row = slot % kRows;
  uint8_t* group = keys + slot / kRows * groups * KeyPanel::bytes;
  alignas(64) float rotated[kMaxHeadDim];
  rotate(k, head_dim, rotated);
  for (int64_t g = 0; g < groups; ++g, group += KeyPanel::bytes) {
    alignas(64) int8_t codes[kGroup];
    const uint16_t scale = quantise_kv(rotated + g * kGroup, codes);
    std::memcpy(group + 2 * row, &scale, 2);
    for (int i = 0; i < kGroup; ++i)
      group[KeyPanel::head + i / 4 * 64 + row * 4 + i % 4] = static_cast<uint8_t>(codes[i] + 128);
  }
}

void store_int8_value(const float* v, uint8_t* values, int slot, int64_t dim) {
  F top = set1(0.0f);
  bool numbers = true;
  for (int64_t d = 0; d < dim; d += 16) {
    top = max(top, absolute(load(v + d)));
    numbers = numbers && finite(load(v + d));
  }
  float inverse;
  const uint16_t scale = numbers ? int8_scale(maximum(top), inverse) : 0x7c00;
  std::memcpy(values + kBlockTokens * dim + 2 * slot, &scale, 2);
  auto* codes = reinterpret_cast<int8_t*>(values) + slot / 4 * 4 * kRows + slot % 4;
  for (int64_t d = 0; d < dim; d += kRows, codes += kRows * kBlockTokens) {
    alignas(64) int8_t row[kRows] = {};
    if (numbers) store_int8(row, load(v + d), inverse);
    for (int i = 0; i < kRows; ++i) codes[4 * i] = row[i];
  }
}
