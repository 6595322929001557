// Attention: queries meet the keys of a chunk, then its values, weighted. Part of kernels.inl.

// Asks for `count` cache lines at p. Blocks lie far apart, so what is read after a block is asked for while that is
// used: a few lines at a time, since many at once would make the arithmetic wait for memory (E2B's global layers at
// depth 32,768: 5.6 ms of a processor instead of 9.7).
inline void ask(const uint8_t* p, int64_t count) {
  for (int64_t i = 0; i < count; ++i) prefetch_line(p + 64 * i);
}

// The keys of a chunk that some query of the tile sees, counted from its start: [from, to), `from` a block's first.
struct Span {
  int64_t from, to;
  Span(const Attend& job, int64_t chunk) : from(job.chunk), to(0) {
    const int64_t start = chunk * job.chunk;
    for (int n = 0; n < job.count; ++n) {
      from = job.begins[n] - start < from ? job.begins[n] - start : from;
      to = job.ends[n] - start > to ? job.ends[n] - start : to;
    }
    from = from < 0 ? 0 : from / kBlockTokens * kBlockTokens;
    to = to < job.chunk ? to : job.chunk;
  }
};

// Calls body(first, N) for tiles of at most kTile of `count` queries, N a compile-time constant.
template <class Body>
inline void each_tile(int count, Body body) {
  for (int first = 0; first < count; first += kTile)
    repeat<kTile>([&](auto i) {
      constexpr int n = decltype(i)::value + 1;
      if (n == kTile ? count - first >= n : count - first == n) body(first, std::integral_constant<int, n>{});
    });
}

// c tanh(score / c), which keeps scores between -c and c; exp is clamped, so large ones are exactly c.
F cap(F score, float c) {
  const F e = exp_f(mul(score, set1(2.0f / c)));
  return mul(set1(c), sub(set1(1.0f), div(set1(2.0f), add(e, set1(1.0f)))));
}

// ---- Scores

constexpr int kChunkBlocks = kChunk / kBlockTokens;

inline void add_dot(I& sum, const uint8_t* lanes, const int16_t* codes) { sum = dot_pairs(sum, load_i(lanes), codes); }
inline void add_dot(I& sum, const uint8_t* lanes, const int8_t* codes) { sum = dot_quads(sum, load_b(lanes), codes); }

// Adds to sum[p][n] the products of 8 vectors of each of P panels and their codes, from kFirst on.
template <int kFirst, int P, int N, class Code>
inline void lanes_times(const uint8_t* data, int64_t panel_bytes, const Codes<Code>* with, I (&sum)[P][N]) {
  GALOP_UNROLL
  for (int i = kFirst; i < kFirst + 8; ++i)
    GALOP_UNROLL
    for (int p = 0; p < P; ++p)
      GALOP_UNROLL
      for (int n = 0; n < N; ++n)
        add_dot(sum[p][n], data + p * panel_bytes + 64 * i, with[n].codes + kInLane<Code> * i);
}

// scores[n][slot] of N queries and the keys of a block; `next`, null for none, is asked for meanwhile.
template <int N>
void score_block(const Attend& job, const Codes<int16_t>* queries, const uint8_t* data, const uint8_t* next,
                 float* scores) {
  constexpr int kHalves = 2 * N <= kTile ? 2 : 1;  // at once: few sums would wait for each other
  const int64_t dim = job.head_dim, half_bytes = kRows * dim * 2;
  const uint8_t* powers = data + 2 * half_bytes;
  for (int half = 0; half < 2; half += kHalves) {
    F dot[kHalves][N];
    GALOP_UNROLL
    for (int h = 0; h < kHalves; ++h)
      GALOP_UNROLL
      for (int n = 0; n < N; ++n) dot[h][n] = set1(0.0f);
    const Codes<int16_t>* query = queries;
    for (int64_t d = 0; d < dim; d += kGroup, query += N) {
      const uint8_t* pairs = data + half * half_bytes + d * kRows * 2;
      if (next) ask(next + (half * dim + d * kHalves) * kRows * 2, kHalves * kRows);
      I sum[kHalves][N];
      GALOP_UNROLL
      for (int h = 0; h < kHalves; ++h)
        GALOP_UNROLL
        for (int n = 0; n < N; ++n) sum[h][n] = set1_i(0);
      lanes_times<0>(pairs, half_bytes, query, sum);
      if (dim - d >= kGroup) lanes_times<8>(pairs, half_bytes, query, sum);
      GALOP_UNROLL
      for (int h = 0; h < kHalves; ++h)
        GALOP_UNROLL
        for (int n = 0; n < N; ++n) dot[h][n] = fma(to_float(sum[h][n]), set1(query[n].scale), dot[h][n]);
    }
    for (int h = 0; h < kHalves; ++h) {
      const F scale = mul(load_powers(powers + 16 * (half + h)), set1(job.scale));
      for (int n = 0; n < N; ++n) store(scores + n * kChunk + 16 * (half + h), mul(dot[h][n], scale));
    }
  }
}

template <int N>
void score_block(const Attend& job, const ActivationGroup* queries, const uint8_t* data, const uint8_t* next,
                 float* scores) {
  const int64_t groups = job.head_dim / kGroup, bytes = KeyPanel::bytes;
  for (int half = 0; half < 2; ++half) {
    F dot[N];
    for (int n = 0; n < N; ++n) dot[n] = set1(0.0f);
    for (int64_t g = 0; g < groups; ++g) {
      const int64_t at = (half * groups + g) * bytes;
      if (next) ask(next + at, 9);
      panel_times<KeyPanel, N>(data + at, 1, queries + g * N, dot);
    }
    for (int n = 0; n < N; ++n) store(scores + n * kChunk + 16 * half, mul(dot[n], set1(job.scale)));
  }
}

// A query's codes, group by group; those of 16 bits take two places each.
void encode_query(const float* q, int64_t dim, bool int8, ActivationGroup* out) {
  static_assert(sizeof(Codes<int16_t>) == 2 * sizeof(ActivationGroup));
  if (int8) {
    alignas(64) float rotated[kMaxHeadDim];
    rotate(q, dim, rotated);
    return quantize(rotated, dim, out, 1);
  }
  for (int64_t d = 0; d < dim; d += kGroup, out += 2) {
    const F a = load(q + d), b = dim - d < kGroup ? set1(0.0f) : load(q + d + 16);
    Codes<int16_t> codes;
    encode(finite(a) && finite(b) ? a : set1(INFINITY), b, codes);
    std::memcpy(static_cast<void*>(out), &codes, sizeof(codes));
  }
}

// ---- Weights

// exp(score - max) of the scores [from, to), 0 for those that are not in [begin, end); the maximum and the sum go to
// `part`. Times the values' scales they are encoded, those of a block by themselves: weights[block * stride]. What is
// at `next` is asked for meanwhile.
template <class Code>
void soften(float* scores, Span span, int64_t begin, int64_t end, float softcap, const float* scales,
            Codes<Code>* weights, int64_t stride, const uint8_t* next, int64_t next_bytes, float* part) {
  const auto seen = [=](int64_t key, F inside, F outside) {
    return select_below(begin - key, outside, select_below(end - key, inside, outside));
  };
  F best = set1(-INFINITY);
  for (int64_t key = span.from; key < span.to; key += 16) {
    if (softcap > 0) store(scores + key, cap(load(scores + key), softcap));
    const bool all = begin <= key && key + 16 <= end;
    best = max(best, all ? load(scores + key) : seen(key, load(scores + key), set1(-INFINITY)));
  }
  part[0] = maximum(best);
  const F top = set1(part[0]);
  F total = set1(0.0f);
  const int64_t lines = next ? (next_bytes / 64 + kChunkBlocks - 1) / kChunkBlocks : 0;
  for (int64_t key = span.from; key < span.to; key += kBlockTokens) {
    ask(next + key / kBlockTokens * lines * 64, lines);
    F low = exp_f(sub(load(scores + key), top)), high = exp_f(sub(load(scores + key + 16), top));
    F weighted_low = mul(low, load(scales + key)), weighted_high = mul(high, load(scales + key + 16));
    if (begin > key || key + kBlockTokens > end) {
      const F none = set1(0.0f);
      low = seen(key, low, none);
      high = seen(key + 16, high, none);
      weighted_low = seen(key, weighted_low, none);
      weighted_high = seen(key + 16, weighted_high, none);
    }
    total = add(add(total, low), high);
    encode(weighted_low, weighted_high, weights[key / kBlockTokens * stride]);
  }
  part[1] = sum(total);
}

// ---- Values

// Adds 16 * kPanels components of a block's values, weighted, to out[n].
template <int N, int kPanels, class Code>
inline void add_panels(const uint8_t* data, const Codes<Code>* weights, float* out, int64_t stride) {
  constexpr int kPanelBytes = kRows * kBlockTokens * sizeof(Code);
  I sum[kPanels][N];
  GALOP_UNROLL
  for (int p = 0; p < kPanels; ++p)
    GALOP_UNROLL
    for (int n = 0; n < N; ++n) sum[p][n] = set1_i(0);
  lanes_times<0>(data, kPanelBytes, weights, sum);
  if constexpr (kInLane<Code> == 2) lanes_times<8>(data, kPanelBytes, weights, sum);
  GALOP_UNROLL
  for (int p = 0; p < kPanels; ++p)
    GALOP_UNROLL
    for (int n = 0; n < N; ++n) {
      float* to = out + n * stride + 16 * p;
      store(to, fma(to_float(sum[p][n]), set1(weights[n].scale), load(to)));
    }
}

template <int N, class Code>
void add_values(const uint8_t* data, const uint8_t* next, int64_t value_dim, const Codes<Code>* weights, float* out,
                int64_t stride) {
  constexpr int kPanels = 2 * N <= kTile ? 2 : 1, kPanelBytes = kRows * kBlockTokens * sizeof(Code);
  int64_t d = 0;
  for (; d + kPanels * kRows <= value_dim; d += kPanels * kRows) {
    if (next) ask(next + d / kRows * kPanelBytes, kPanels * kPanelBytes / 64);
    add_panels<N, kPanels>(data + d / kRows * kPanelBytes, weights, out + d, stride);
  }
  if (d < value_dim) add_panels<N, 1>(data + d / kRows * kPanelBytes, weights, out + d, stride);
}

inline F value_scales(const uint8_t* values, int64_t dim, int half, int16_t) {
  return load_powers(values + 2 * kBlockTokens * dim + 16 * half);
}
inline F value_scales(const uint8_t* values, int64_t dim, int half, int8_t) {
  return load_f16(values + kBlockTokens * dim + 32 * half);
}

template <class Code, class Query>
void attend_blocks(const Attend& job, int64_t chunk, float* part) {
  alignas(64) float scores[kMaxQueries * kChunk];
  alignas(64) float scales[kChunk];
  alignas(64) Codes<Code> weights[kMaxQueries * kChunkBlocks];
  alignas(64) Query queries[kMaxQueries * kMaxHeadDim / kGroup];
  constexpr int kPlaces = sizeof(Query) / sizeof(ActivationGroup);
  const int64_t start = chunk * kChunk, dim = job.head_dim, value_dim = job.value_dim, stride = kPartHead + value_dim;
  const int64_t groups = (dim + kGroup - 1) / kGroup, value_bytes = kBlockTokens * value_dim * sizeof(Code);
  const Span span(job, chunk);
  const uint8_t* const* blocks = job.blocks + chunk * kChunkBlocks;
  const int64_t first_block = span.from / kBlockTokens, past_block = (span.to + kBlockTokens - 1) / kBlockTokens;
  const auto values_of = [&](int64_t block) {
    return block < past_block ? blocks[block] + job.value_offset : nullptr;
  };

  each_tile(job.count, [&](int first, auto n) {
    for (int i = 0; i < n; ++i)
      for (int64_t g = 0; g < groups; ++g)
        std::memcpy(queries + first * groups + g * n + i, job.codes[first + i] + g * kPlaces, sizeof(Query));
  });
  for (int64_t block = first_block; block < past_block; ++block) {
    const uint8_t* next = block + 1 < past_block ? blocks[block + 1] + job.key_offset : values_of(first_block);
    ask(values_of(block) + value_bytes, 1);  // their scales
    each_tile(job.count, [&](int first, auto n) {
      score_block<n>(job, queries + first * groups, blocks[block] + job.key_offset, first ? nullptr : next,
                     scores + first * kChunk + block * kBlockTokens);
    });
  }
  for (int64_t block = first_block; block < past_block; ++block)
    for (int half = 0; half < 2; ++half)
      store(scales + block * kBlockTokens + 16 * half, value_scales(values_of(block), value_dim, half, Code{}));
  // Meanwhile memory would have nothing to do: each query asks for a block of values.
  each_tile(job.count, [&](int first, auto n) {
    for (int i = first; i < first + n; ++i) {
      soften(scores + i * kChunk, span, job.begins[i] - start, job.ends[i] - start, job.softcap, scales,
             weights + first * kChunkBlocks + i - first, n, values_of(first_block + 1 + i), value_bytes,
             part + i * stride);
      std::memset(part + i * stride + kPartHead, 0, value_dim * sizeof(float));
    }
  });
  for (int64_t block = first_block; block < past_block; ++block) {
    const uint8_t* next = values_of(block + 1 + job.count);
    if (block + 1 == past_block && job.next) next = job.next[0] + job.key_offset;
    each_tile(job.count, [&](int first, auto n) {
      add_values<n>(values_of(block), first ? nullptr : next, value_dim,
                    weights + first * kChunkBlocks + block * n, part + first * stride + kPartHead, stride);
    });
  }
}

void attend(const Attend& job, int64_t chunk, float* part) {
  job.int8 ? attend_blocks<int8_t, ActivationGroup>(job, chunk, part)
           : attend_blocks<int16_t, Codes<int16_t>>(job, chunk, part);
}

// ---- Chunks in order

void merge_parts(const Attend& job, int64_t chunk, const float* parts, float* totals) {
  const int64_t stride = kPartHead + job.value_dim, start = chunk * job.chunk;
  for (int n = 0; n < job.count; ++n) {
    const float* part = parts + n * stride;
    float* total = totals + n * stride;
    if (job.ends[n] <= start || job.begins[n] >= start + job.chunk) continue;  // the query sees nothing of it
    if (job.begins[n] >= start) {
      std::memcpy(total, part, stride * sizeof(float));
    } else {
      const float top = total[0] > part[0] ? total[0] : part[0];
      const float old_weight = exp_1(total[0] - top), new_weight = exp_1(part[0] - top);
      total[0] = top;
      total[1] = total[1] * old_weight + part[1] * new_weight;
      for (int64_t d = kPartHead; d < stride; d += 16)
        store(total + d, fma(load(part + d), set1(new_weight), mul(load(total + d), set1(old_weight))));
    }
  }
}

void finish_attention(const Attend& job, const float* totals) {
  const int64_t stride = kPartHead + job.value_dim;
  for (int n = 0; n < job.count; ++n, totals += stride) {
    float weight = 1, sum = totals[1];
    if (job.sinks[n] > -INFINITY) {
      const float top = totals[0] > job.sinks[n] ? totals[0] : job.sinks[n];
      weight = exp_1(totals[0] - top);
      sum = sum * weight + exp_1(job.sinks[n] - top);
    }
    for (int64_t d = 0; d < job.value_dim; d += 16)
      store(job.outputs[n] + d, div(mul(load(totals + kPartHead + d), set1(weight)), set1(sum)));
  }
}
