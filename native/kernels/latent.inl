// Latent attention: a token has one row that is the key of every head; its first value_dim values are their value, the
// rest is rotated. A lane is a query, so that a row serves all of them. Part of kernels.inl.
//
// Products are of codes of 16 bits, two at a time: the pairs of a group of 32 are its components i and 16 + i, so that
// two rows are made lanes of components by shifts alone. Rows are such codes, [kBlockTokens][groups][16][2], and then a
// power of two for each row's value and for what is rotated of it; or codes of 8 bits in order and their fp16 scales as
// [groups][kBlockTokens], of which the same is made when they are read.

I pairs_of(I low, I high) { return or_i(and_i(low, 0xffff), shift_left<16>(high)); }
inline I load_pairs(const int16_t* p) { return load_i(reinterpret_cast<const uint8_t*>(p)); }
inline void store_pairs(int16_t* p, I pairs) { std::memcpy(p, &pairs, 64); }

// Values d to d + 32 of a part, zeros behind its end.
struct Part {
  const float* x;
  int64_t dim;
  F low(int64_t d) const { return load(x + d); }
  F high(int64_t d) const { return dim - d < kGroup ? set1(0.0f) : load(x + d + 16); }
};

void encode_latent_query(const float* q, int64_t value_dim, const float* rotated, int64_t rotated_dim,
                         ActivationGroup* out) {
  for (const Part part : {Part{q, value_dim}, Part{rotated, rotated_dim}})
    for (int64_t d = 0; d < part.dim; d += kGroup, out += 2) {
      F a = part.low(d), b = part.high(d);
      if (!finite(a) || !finite(b)) a = set1(INFINITY);
      Codes<int16_t> codes;
      codes.scale = scale_to_codes<int16_t>(a, b);
      store_pairs(codes.codes, pairs_of(round_i(a), round_i(b)));
      std::memcpy(static_cast<void*>(out), &codes, sizeof(codes));
    }
}

void store_f16_row(const float* value, int64_t value_dim, const float* rotated, int64_t rotated_dim, uint8_t* rows,
                   int slot) {
  const int64_t width = latent_groups(value_dim, rotated_dim) * kGroup;
  auto* codes = reinterpret_cast<int16_t*>(rows) + slot * width;
  uint8_t* power = rows + 2 * kBlockTokens * width + slot;
  for (const Part part : {Part{value, value_dim}, Part{rotated, rotated_dim}}) {
    Row row;
    encode_row(part.x, part.dim, row);
    for (int64_t d = 0; d < part.dim; d += kGroup, codes += kGroup)
      for (int64_t i = 0; i < 16; ++i) {
        codes[2 * i] = row.codes[d + i];
        codes[2 * i + 1] = d + 16 < part.dim ? row.codes[d + 16 + i] : int16_t{0};
      }
    *power = static_cast<uint8_t>(row.power);
    power += kBlockTokens;
  }
}

void store_int8_row(const float* value, int64_t value_dim, const float* rotated, int64_t rotated_dim, uint8_t* rows,
                    int slot) {
  const int64_t width = latent_groups(value_dim, rotated_dim) * kGroup;
  auto* codes = reinterpret_cast<int8_t*>(rows) + slot * width;
  uint8_t* scales = rows + kBlockTokens * width + 2 * slot;
  for (const Part part : {Part{value, value_dim}, Part{rotated, rotated_dim}})
    for (int64_t d = 0; d < part.dim; d += kGroup, codes += kGroup, scales += 2 * kBlockTokens) {
      alignas(64) float group[kGroup];
      store(group, part.low(d));
      store(group + 16, part.high(d));
      uint16_t scale = 0x7c00;  // of what is not a number
      if (finite(load(group)) && finite(load(group + 16)))
        scale = quantise_kv(group, codes);
      else
        std::memset(codes, 0, kGroup);
      std::memcpy(scales, &scale, 2);
    }
}

// ---- The rows of a block

// Codes of 16 bits, and for each row the scales of its value and of what is rotated of it.
struct LatentRows {
  const int16_t* codes;
  alignas(64) float scales[2][kBlockTokens];
};

// Codes of 8 bits under the least power of two that holds all of a row's part.
void widen_rows(const uint8_t* data, const int64_t (&ends)[2], int64_t count, int16_t* to, LatentRows& rows) {
  const int64_t groups = ends[1];
  alignas(64) float scales[kMaxLatent / kGroup * kBlockTokens];
  for (int64_t i = 0; i < groups * kBlockTokens; i += 16)
    store(scales + i, load_f16(data + kBlockTokens * groups * kGroup + 2 * i));
  for (int part = 0; part < 2; ++part) {
    const int64_t begin = part ? ends[0] : 0, end = ends[part];
    alignas(64) float top[kBlockTokens] = {};
    for (int64_t g = begin; g < end; ++g)
      for (int half = 0; half < kBlockTokens; half += 16)
        store(top + half, max(load(top + half), load(scales + g * kBlockTokens + half)));
    for (int64_t slot = 0; slot < count; ++slot) {
      const bool numbers = top[slot] < INFINITY;
      const int power = numbers ? least_power(top[slot] * 127) : 127;
      rows.scales[part][slot] = std::bit_cast<float>(static_cast<uint32_t>(127 + power) << 23);
      for (int64_t g = begin; g < end; ++g) {
        const uint8_t* from = data + (slot * groups + g) * kGroup;
        const F scale = set1(numbers ? scales[g * kBlockTokens + slot] * inverse_power(power) : 0.0f);
        I low = round_i(mul(load_i8(from), scale)), high = round_i(mul(load_i8(from + 16), scale));
        if (!numbers) low = high = set1_i(8191);
        store_pairs(to + (slot * groups + g) * kGroup, pairs_of(low, high));
      }
    }
  }
  rows.codes = to;
}

// The first `count` rows of a block, where each part's groups end before `ends`.
void read_rows(const uint8_t* data, bool int8, const int64_t (&ends)[2], int64_t count, int16_t* to, LatentRows& rows) {
  if (int8) return widen_rows(data, ends, count, to, rows);
  rows.codes = reinterpret_cast<const int16_t*>(data);
  for (int i = 0; i < 4; ++i)
    store(rows.scales[i / 2] + i % 2 * 16, load_powers(data + 2 * kBlockTokens * ends[1] * kGroup + 16 * i));
}

// ---- Scores

// scores[key][lane] of 16 queries and N rows from `first` on; `next`, null for none, is asked for meanwhile.
template <int N>
void score_rows(const LatentWork& work, int64_t lane, int64_t lanes, const LatentRows& rows, int64_t first,
                const int64_t (&ends)[2], float scale, const uint8_t* next, float* scores) {
  const int64_t width = ends[1] * kGroup;
  F score[N];
  GALOP_UNROLL
  for (int n = 0; n < N; ++n) score[n] = set1(0.0f);
  int64_t g = 0;
  for (int part = 0; part < 2; ++part) {
    F dot[N];
    GALOP_UNROLL
    for (int n = 0; n < N; ++n) dot[n] = set1(0.0f);
    for (; g < ends[part]; ++g) {
      const int16_t* codes = rows.codes + first * width + g * kGroup;
      if (next)
        for (int n = 0; n < N; ++n) prefetch_line(next + 2 * ((first + n) * width + g * kGroup));
      I sum[N];
      GALOP_UNROLL
      for (int n = 0; n < N; ++n) sum[n] = set1_i(0);
      const int16_t* queries = work.queries + (g * 16 * lanes + lane) * 2;
      for (int i = 0; i < 16; i += 4, codes += 8)
        GALOP_UNROLL
        for (int j = 0; j < 4; ++j, queries += 2 * lanes) {
          const I query = load_pairs(queries);
          GALOP_UNROLL
          for (int n = 0; n < N; ++n) sum[n] = dot_pairs(sum[n], query, codes + n * width + 2 * j);
        }
      const F unit = load(work.query_scales + g * lanes + lane);
      GALOP_UNROLL
      for (int n = 0; n < N; ++n) dot[n] = fma(to_float(sum[n]), unit, dot[n]);
    }
    for (int n = 0; n < N; ++n) score[n] = fma(dot[n], set1(rows.scales[part][first + n] * scale), score[n]);
  }
  for (int n = 0; n < N; ++n) store(scores + n * lanes, score[n]);
}

// Codes of all queries as lanes, whose number is a multiple of 16; those of no query are zeros.
void gather_queries(const Attend& job, int64_t groups, int64_t lanes, LatentWork& work) {
  if (job.count < lanes) {
    std::memset(work.queries, 0, groups * kGroup * lanes * sizeof(int16_t));
    std::memset(work.query_scales, 0, groups * lanes * sizeof(float));
  }
  for (int n = 0; n < job.count; ++n)
    for (int64_t g = 0; g < groups; ++g) {
      Codes<int16_t> codes;
      std::memcpy(&codes, job.codes[n] + 2 * g, sizeof(codes));
      for (int i = 0; i < 16; ++i)
        std::memcpy(work.queries + ((g * 16 + i) * lanes + n) * 2, codes.codes + 2 * i, 4);
      work.query_scales[g * lanes + n] = codes.scale;
    }
}

// ---- Weights

// exp(score - max) of the scores of 16 queries; the maximum and the sum go to their parts. Times the scales of the values
// they are encoded, those of a block by themselves.
void soften_lanes(const Attend& job, int64_t chunk, Span span, int64_t lane, int64_t lanes, const float* value_scales,
                  LatentWork& work, float* part) {
  const int64_t start = chunk * job.chunk, stride = kPartHead + job.value_dim;
  const int64_t last = job.count < lane + 16 ? job.count : lane + 16;
  int64_t everyone = span.to;  // only the newest keys are hidden from some queries, whose weights of them are 0
  for (int64_t n = lane; n < last; ++n) everyone = job.ends[n] - start < everyone ? job.ends[n] - start : everyone;
  const auto hide = [&](int64_t key, float value) {
    for (int64_t n = lane; n < last; ++n)
      if (start + key >= job.ends[n]) work.scores[key * lanes + n] = value;
  };
  F best = set1(-INFINITY), total = set1(0.0f);
  for (int64_t key = span.from; key < span.to; ++key) {
    if (key >= everyone) hide(key, -INFINITY);
    best = max(best, load(work.scores + key * lanes + lane));
  }
  for (int64_t block = span.from; block < span.to; block += kBlockTokens) {
    float* scores = work.scores + block * lanes + lane;
    F largest = set1(kLeast * 64);
    for (int64_t i = 0; i < kBlockTokens; ++i) {
      float* at = scores + i * lanes;
      if (block + i >= span.to) {
        store(at, set1(0.0f));
        continue;
      }
      store(at, exp_f(sub(load(at), best)));
      if (block + i >= everyone) hide(block + i, 0.0f);
      total = add(total, load(at));
      store(at, mul(load(at), set1(value_scales[block + i])));
      largest = max(largest, load(at));
    }
    const F inverse = div(set1(kLargest<int16_t>), largest);
    // None where it is not finite, so that no product hides it.
    store(work.weight_scales + block / kBlockTokens * lanes + lane,
          add(div(largest, set1(kLargest<int16_t>)), sub(largest, largest)));
    for (int64_t i = 0; i < kBlockTokens; i += 2)
      store_pairs(work.weights + (block + i) * lanes + 2 * lane,
                  pairs_of(round_i(mul(load(scores + i * lanes), inverse)),
                           round_i(mul(load(scores + (i + 1) * lanes), inverse))));
  }
  alignas(64) float tops[16], sums[16];
  store(tops, best);
  store(sums, total);
  for (int64_t n = lane; n < last; ++n) {
    part[n * stride] = tops[n - lane];
    part[n * stride + 1] = sums[n - lane];
    std::memset(part + n * stride + kPartHead, 0, job.value_dim * sizeof(float));
  }
}

// ---- Values

// The values of a block's rows as [16 components][two keys][component][2].
void pair_rows(const int16_t* rows, int64_t width, int64_t value_dim, uint8_t* values) {
  for (int64_t d = 0; d < value_dim; d += kGroup, values += 2 * kRows * kBlockTokens * 2)
    for (int64_t j = 0; j < 16; ++j) {
      const I a = load_pairs(rows + 2 * j * width + d), b = load_pairs(rows + (2 * j + 1) * width + d);
      const I low = pairs_of(a, b), high = or_i(and_i(shift_right(a, 16), 0xffff), and_i(b, ~0xffff));
      std::memcpy(values + 64 * j, &low, 64);
      if (d + 16 < value_dim) std::memcpy(values + 64 * (16 + j), &high, 64);
    }
}

// Adds 16 * kPanels components of a block's values, under the weights of N queries, to out[n].
template <int N, int kPanels>
inline void add_latent_panels(const uint8_t* values, const int16_t* weights, int64_t lanes, const float* scales,
                              float* out, int64_t stride) {
  constexpr int kPanelBytes = kRows * kBlockTokens * sizeof(int16_t);
  I sum[kPanels][N];
  GALOP_UNROLL
  for (int p = 0; p < kPanels; ++p)
    GALOP_UNROLL
    for (int n = 0; n < N; ++n) sum[p][n] = set1_i(0);
  for (int i = 0; i < 16; i += 2, values += 128)
    GALOP_UNROLL
    for (int j = 0; j < 2; ++j, weights += 2 * lanes)
      GALOP_UNROLL
      for (int p = 0; p < kPanels; ++p) {
        const I value = load_i(values + p * kPanelBytes + 64 * j);
        GALOP_UNROLL
        for (int n = 0; n < N; ++n) sum[p][n] = dot_pairs(sum[p][n], value, weights + 2 * n);
      }
  GALOP_UNROLL
  for (int p = 0; p < kPanels; ++p)
    GALOP_UNROLL
    for (int n = 0; n < N; ++n) {
      float* to = out + n * stride + 16 * p;
      store(to, fma(to_float(sum[p][n]), set1(scales[n]), load(to)));
    }
}

template <int N>
void add_latent_values(const uint8_t* values, int64_t value_dim, const int16_t* weights, int64_t lanes,
                       const float* scales, float* out, int64_t stride) {
  constexpr int kPanels = kTile >= 8 ? 2 : 1;
  int64_t d = 0;
  for (; d + kPanels * kRows <= value_dim; d += kPanels * kRows)
    add_latent_panels<N, kPanels>(values + 2 * d * kBlockTokens, weights, lanes, scales, out + d, stride);
  if (d < value_dim)
    add_latent_panels<N, 1>(values + 2 * d * kBlockTokens, weights, lanes, scales, out + d, stride);
}

void attend_latent(const Attend& job, int64_t chunk, LatentWork& work, float* part) {
  const int64_t stride = kPartHead + job.value_dim, lanes = (job.count + 15) / 16 * 16;
  const int64_t ends[2] = {latent_groups(job.value_dim, 0), latent_groups(job.value_dim, job.head_dim)};
  const int64_t width = ends[1] * kGroup;
  const uint8_t* const* blocks = job.blocks + chunk * job.chunk / kBlockTokens;
  const Span span(job, chunk);
  alignas(64) float value_scales[kLatentChunk];
  LatentRows rows;

  gather_queries(job, ends[1], lanes, work);
  for (int64_t key = span.from; key < span.to; key += kBlockTokens) {
    const int64_t count = span.to - key < kBlockTokens ? span.to - key : kBlockTokens;
    const uint8_t* const* block = blocks + key / kBlockTokens;
    const uint8_t* next = key + kBlockTokens < span.to ? block[1] + job.key_offset : nullptr;
    read_rows(*block + job.key_offset, job.int8, ends, count, work.rows, rows);
    std::memcpy(value_scales + key, rows.scales[0], sizeof(rows.scales[0]));
    for (int64_t lane = 0; lane < lanes; lane += 16)
      each_tile(static_cast<int>(count), [&](int first, auto n) {
        score_rows<n>(work, lane, lanes, rows, first, ends, job.scale, lane ? nullptr : next,
                      work.scores + (key + first) * lanes + lane);
      });
  }
  for (int64_t lane = 0; lane < lanes; lane += 16)
    soften_lanes(job, chunk, span, lane, lanes, value_scales, work, part);
  for (int64_t key = span.from; key < span.to; key += kBlockTokens) {
    const int64_t count = span.to - key < kBlockTokens ? span.to - key : kBlockTokens;
    if (job.next && key + kBlockTokens >= span.to) ask(job.next[0] + job.key_offset, width / 32);
    read_rows(blocks[key / kBlockTokens] + job.key_offset, job.int8, ends, count, work.rows, rows);
    pair_rows(rows.codes, width, job.value_dim, work.values);
    each_tile(job.count, [&](int first, auto n) {
      add_latent_values<n>(work.values, job.value_dim, work.weights + key * lanes + 2 * first, lanes,
                           work.weight_scales + key / kBlockTokens * lanes + first, part + first * stride + kPartHead,
                           stride);
    });
  }
}
