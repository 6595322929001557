// Latent attention: a token has one row of head_dim values, kept as a value is, that is the key of every head; its
// first value_dim are their value. A lane is a query, so that a row that was made floats serves all of them. Part of
// kernels.inl.
//
// Rows are fp16, [kBlockTokens][dim], or int8 codes and then their fp16 scales as [dim / kGroup][kBlockTokens].

void store_f16_row(const float* x, uint8_t* rows, int slot, int64_t dim) {
  for (int64_t d = 0; d < dim; d += 16) store_f16(reinterpret_cast<uint16_t*>(rows) + slot * dim + d, load(x + d));
}

void store_int8_row(const float* x, uint8_t* rows, int slot, int64_t dim) {
  for (int64_t d = 0; d < dim; d += kGroup) {
    const uint16_t scale = quantise_kv(x + d, reinterpret_cast<int8_t*>(rows) + slot * dim + d);
    std::memcpy(rows + kBlockTokens * dim + (d / kGroup * kBlockTokens + slot) * 2, &scale, 2);
  }
}

// Where rows are read from; `next` is what is read after the block, `ask_value` is called for each 16 values.
struct F16Rows {
  const uint8_t* data;
  int64_t head_dim;
  const uint8_t* next;
  F value(int64_t slot, int64_t d) const { return load_f16(data + (slot * head_dim + d) * 2); }
  void ask_value(int64_t d) const { ask(next + 64 * d, 16); }
};

struct Int8Rows {
  const uint8_t* data;
  int64_t head_dim;
  const uint8_t* next;
  float scales[kMaxLatent / kGroup * kBlockTokens];
  Int8Rows(const uint8_t* values, int64_t dim, const uint8_t* after) : data(values), head_dim(dim), next(after) {
    for (int64_t i = 0; i < dim / kGroup * kBlockTokens; i += 16)
      store(scales + i, load_f16(values + kBlockTokens * dim + 2 * i));
  }
  F value(int64_t slot, int64_t d) const {
    return mul(load_i8(data + slot * head_dim + d), set1(scales[d / kGroup * kBlockTokens + slot]));
  }
  void ask_value(int64_t d) const { ask(next + 34 * d, 9); }
};

// scores[key][lane] of 16 queries, [head_dim][lanes], and N rows.
template <int N>
void score_rows(const float* queries, int64_t lanes, const float* rows, int64_t dim, float scale, float* scores) {
  F dot[N];
  GALOP_UNROLL
  for (int n = 0; n < N; ++n) dot[n] = set1(0.0f);
  for (int64_t d = 0; d < dim; ++d) {
    const F query = load(queries + d * lanes);
    GALOP_UNROLL
    for (int n = 0; n < N; ++n) dot[n] = fma(query, set1(rows[n * dim + d]), dot[n]);
  }
  for (int n = 0; n < N; ++n) store(scores + n * lanes, mul(dot[n], set1(scale)));
}

// Adds the rows' values, weighted, to out[n] of N queries.
template <int N>
void add_rows_of(const float* rows, int64_t dim, int64_t keys, int64_t value_dim, const float* weights, int64_t lanes,
                 float* out, int64_t stride) {
  for (int64_t d = 0; d < value_dim; d += 16) {
    F sum[N];
    GALOP_UNROLL
    for (int n = 0; n < N; ++n) sum[n] = load(out + n * stride + d);
    for (int64_t key = 0; key < keys; ++key) {
      const F value = load(rows + key * dim + d);
      GALOP_UNROLL
      for (int n = 0; n < N; ++n) sum[n] = fma(set1(weights[key * lanes + n]), value, sum[n]);
    }
    for (int n = 0; n < N; ++n) store(out + n * stride + d, sum[n]);
  }
}

// Calls body(block's rows, what is read next, its first key, keys of it) for each block of a span; after the last block
// the first is read again.
template <class Body>
inline void each_block(const Attend& job, int64_t chunk, Span span, Body body) {
  const uint8_t* const* blocks = job.blocks + chunk * job.chunk / kBlockTokens;
  for (int64_t key = span.from; key < span.to; key += kBlockTokens) {
    const bool last = key + kBlockTokens >= span.to;
    const uint8_t* next = blocks[(last ? span.from : key + kBlockTokens) / kBlockTokens] + job.key_offset;
    body(blocks[key / kBlockTokens] + job.key_offset, next, key, last ? span.to - key : kBlockTokens);
  }
}

void attend_latent(const Attend& job, int64_t chunk, float* part) {
  alignas(64) float scores[kMaxQueries * kLatentChunk];
  alignas(64) float queries[kMaxQueries * kMaxLatent];
  alignas(64) float rows[kBlockTokens * kMaxLatent];
  const int64_t start = chunk * kLatentChunk, dim = job.head_dim, value_dim = job.value_dim;
  const int64_t stride = kPartHead + value_dim, lanes = (job.count + 15) / 16 * 16;
  const Span span(job, chunk);

  std::memset(queries, 0, dim * lanes * sizeof(float));
  for (int n = 0; n < job.count; ++n) {
    for (int64_t d = 0; d < value_dim; ++d) queries[d * lanes + n] = job.queries[n][d];
    for (int64_t d = value_dim; d < dim; ++d) queries[d * lanes + n] = job.rotated[n][d - value_dim];
  }
  const auto copy = [&](const auto& block, int64_t count, int64_t width) {
    for (int64_t d = 0; d < width; d += 16) {
      block.ask_value(d);
      for (int64_t slot = 0; slot < count; ++slot) store(rows + slot * dim + d, block.value(slot, d));
    }
  };
  const auto widen = [&](const uint8_t* data, const uint8_t* next, int64_t count, int64_t width) {
    job.int8 ? copy(Int8Rows(data, dim, next), count, width) : copy(F16Rows{data, dim, next}, count, width);
  };
  each_block(job, chunk, span, [&](const uint8_t* data, const uint8_t* next, int64_t key, int64_t count) {
    widen(data, next, count, dim);
    for (int64_t lane = 0; lane < lanes; lane += 16)
      each_tile(static_cast<int>(count), [&](int first, auto n) {
        score_rows<n>(queries + lane, lanes, rows + first * dim, dim, job.scale, scores + (key + first) * lanes + lane);
      });
  });

  // Only the newest keys are hidden from some queries, whose weights of them are 0.
  int64_t everyone = span.to;
  for (int n = 0; n < job.count; ++n) everyone = job.ends[n] - start < everyone ? job.ends[n] - start : everyone;
  for (int64_t lane = 0; lane < lanes; lane += 16) {
    const auto hide = [&](int64_t key, float value) {
      for (int64_t n = lane; n < job.count && n < lane + 16; ++n)
        if (start + key >= job.ends[n]) scores[key * lanes + n] = value;
    };
    F best = set1(-INFINITY), total = set1(0.0f);
    for (int64_t key = span.from; key < span.to; ++key) {
      if (key >= everyone) hide(key, -INFINITY);
      best = max(best, load(scores + key * lanes + lane));
    }
    for (int64_t key = span.from; key < span.to; ++key) {
      float* at = scores + key * lanes + lane;
      store(at, exp_f(sub(load(at), best)));
      if (key >= everyone) hide(key, 0.0f);
      total = add(total, load(at));
    }
    alignas(64) float tops[16], sums[16];
    store(tops, best);
    store(sums, total);
    for (int64_t n = lane; n < job.count && n < lane + 16; ++n) {
      part[n * stride] = tops[n - lane];
      part[n * stride + 1] = sums[n - lane];
      std::memset(part + n * stride + kPartHead, 0, value_dim * sizeof(float));
    }
  }

  each_block(job, chunk, span, [&](const uint8_t* data, const uint8_t* next, int64_t key, int64_t count) {
    widen(data, next, count, value_dim);
    each_tile(job.count, [&](int first, auto n) {
      add_rows_of<n>(rows, dim, count, value_dim, scores + key * lanes + first, lanes,
                     part + first * stride + kPartHead, stride);
    });
  });
}
