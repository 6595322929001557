// Attention over KV blocks of 32 tokens. Part of kernels.inl.
//
// fp16 blocks hold keys as [head_dim][kBlockTokens] and values as [kBlockTokens][head_dim]. int8 blocks hold each 16
// keys as a panel of Q8_0 (a key is a row, so scores are a matrix product with quantised queries; both rotated, see
// `rotate`), values as [kBlockTokens][head_dim] codes and then their fp16 scales as [head_dim / kGroup][kBlockTokens].

void store_f16_key(const float* k, uint8_t* keys, int slot, int64_t head_dim) {
  auto* block = reinterpret_cast<uint16_t*>(keys);
  alignas(64) uint16_t half[16];
  for (int64_t d = 0; d < head_dim; d += 16) {
    store_f16(half, load(k + d));
    for (int i = 0; i < 16; ++i) block[(d + i) * kBlockTokens + slot] = half[i];
  }
}

void store_f16_value(const float* v, uint8_t* values, int slot, int64_t head_dim) {
  auto* block = reinterpret_cast<uint16_t*>(values);
  for (int64_t d = 0; d < head_dim; d += 16) store_f16(block + slot * head_dim + d, load(v + d));
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

// The scale is rounded to fp16 first, so that what is read back is what was rounded to.
uint16_t quantise_kv(const float* x, int8_t* codes) {
  const F a = load(x), b = load(x + 16);
  alignas(64) uint16_t half[16];
  store_f16(half, set1(maximum(max(absolute(a), absolute(b))) / 127.0f));
  alignas(64) float scale[16];
  store(scale, load_f16(half));
  const F inverse = set1(scale[0] > 0 ? 1.0f / scale[0] : 0.0f), limit = set1(127.0f), least = set1(-127.0f);
  store_i8(codes, round_i(max(min(mul(a, inverse), limit), least)));
  store_i8(codes + 16, round_i(max(min(mul(b, inverse), limit), least)));
  return half[0];
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

void store_int8_value(const float* v, uint8_t* values, int slot, int64_t head_dim) {
  for (int64_t d = 0; d < head_dim; d += kGroup) {
    const uint16_t scale = quantise_kv(v + d, reinterpret_cast<int8_t*>(values) + slot * head_dim + d);
    std::memcpy(values + kBlockTokens * head_dim + (d / kGroup * kBlockTokens + slot) * 2, &scale, 2);
  }
}

// Asks for `count` cache lines at p. Blocks lie far apart, so what is read after a block is asked for while that is
// used: a few lines at a time, since many at once would make the arithmetic wait for memory (E2B's global layers at
// depth 32,768: 5.6 ms of a processor instead of 9.7).
inline void ask(const uint8_t* p, int64_t count) {
  for (int64_t i = 0; i < count; ++i) prefetch_line(p + 64 * i);
}

// Where a tile of queries finds a block's keys and values: 16 keys' component d, 16 components of one value; `next` is
// what is read after the block. `ask_key` is called for each d once, `ask_value` for each 16.
struct F16Block {
  const uint8_t* data;
  int64_t head_dim;
  const uint8_t* next;
  F key(int64_t d, int half) const { return load_f16(data + (d * kBlockTokens + 16 * half) * 2); }
  F value(int64_t slot, int64_t d) const { return load_f16(data + (slot * head_dim + d) * 2); }
  void ask_key(int64_t d) const { ask(next + 64 * d, 1); }
  void ask_value(int64_t d) const { ask(next + 64 * d, 16); }
};

struct Int8Values {
  const uint8_t* data;
  int64_t head_dim;
  const uint8_t* next;
  float scales[kMaxLatent / kGroup * kBlockTokens];
  Int8Values(const uint8_t* values, int64_t dim, const uint8_t* after) : data(values), head_dim(dim), next(after) {
    for (int64_t i = 0; i < dim / kGroup * kBlockTokens; i += 16)
      store(scales + i, load_f16(values + kBlockTokens * dim + 2 * i));
  }
  F value(int64_t slot, int64_t d) const {
    return mul(load_i8(data + slot * head_dim + d), set1(scales[d / kGroup * kBlockTokens + slot]));
  }
  void ask_value(int64_t d) const { ask(next + 34 * d, 9); }
};

struct FloatBlock {
  const float* data;
  int64_t head_dim;
  F key(int64_t d, int half) const { return load(data + d * kBlockTokens + 16 * half); }
  F value(int64_t slot, int64_t d) const { return load(data + slot * head_dim + d); }
  void ask_key(int64_t) const {}
  void ask_value(int64_t) const {}
};

// scores[n][slot] of queries [first, first + N) and the keys of a block.
template <int N, class Block>
void score_block(const Attend& job, int first, const Block& block, int64_t keys, float* scores) {
  for (int half = 0; 16 * half < keys; ++half) {
    F dot[N];
    GALOP_UNROLL
    for (int n = 0; n < N; ++n) dot[n] = set1(0.0f);
    for (int64_t d = 0; d < job.head_dim; ++d) {
      if (half == 0) block.ask_key(d);
      const F lane = block.key(d, half);
      GALOP_UNROLL
      for (int n = 0; n < N; ++n) dot[n] = fma(set1(job.queries[first + n][d]), lane, dot[n]);
    }
    for (int n = 0; n < N; ++n) store(scores + n * kChunk + 16 * half, mul(dot[n], set1(job.scale)));
  }
}

template <int N>
void score_int8_block(const Attend& job, const ActivationGroup* queries, const uint8_t* data, const uint8_t* next,
                      int64_t keys, float* scores) {
  const int64_t groups = job.head_dim / kGroup, bytes = KeyPanel::bytes;
  for (int half = 0; 16 * half < keys; ++half) {
    F dot[N];
    for (int n = 0; n < N; ++n) dot[n] = set1(0.0f);
    for (int64_t g = 0; g < groups; ++g) {
      const int64_t at = (half * groups + g) * bytes;
      ask(next + at, 9);
      panel_times<KeyPanel, N>(data + at, 1, queries + g * N, dot);
    }
    for (int n = 0; n < N; ++n) store(scores + n * kChunk + 16 * half, mul(dot[n], set1(job.scale)));
  }
}

// Adds the block's values, weighted, to out[n].
template <int N, class Block>
void add_block(const Block& block, int64_t keys, int64_t value_dim, const float* weights, float* out, int64_t stride) {
  for (int64_t d = 0; d < value_dim; d += 16) {
    F sum[N];
    block.ask_value(d);
    GALOP_UNROLL
    for (int n = 0; n < N; ++n) sum[n] = load(out + n * stride + d);
    for (int64_t slot = 0; slot < keys; ++slot) {
      const F value = block.value(slot, d);
      GALOP_UNROLL
      for (int n = 0; n < N; ++n) sum[n] = fma(set1(weights[n * kChunk + slot]), value, sum[n]);
    }
    for (int n = 0; n < N; ++n) store(out + n * stride + d, sum[n]);
  }
}

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

// exp(score - max) in place of the scores [from, to), 0 for those that are not in [begin, end); the maximum and the sum
// go to `part`.
void soften(float* scores, int64_t from, int64_t to, int64_t begin, int64_t end, float softcap, float* part) {
  const auto seen = [=](int64_t key, F inside, F outside) {
    return select_below(begin - key, outside, select_below(end - key, inside, outside));
  };
  F best = set1(-INFINITY);
  for (int64_t key = from; key < to; key += 16) {
    if (softcap > 0) store(scores + key, cap(load(scores + key), softcap));
    best = max(best, seen(key, load(scores + key), set1(-INFINITY)));
  }
  part[0] = maximum(best);
  F total = set1(0.0f);
  for (int64_t key = from; key < to; key += 16) {
    const F weight = seen(key, exp_f(sub(load(scores + key), set1(part[0]))), set1(0.0f));
    store(scores + key, weight);
    total = add(total, weight);
  }
  part[1] = sum(total);
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

// Calls body(block's data at `offset`, what is read next, its first key, keys of it) for each block of a span; after
// the last block the first is read at `after`.
template <class Body>
inline void each_block(const Attend& job, int64_t chunk, Span span, int64_t offset, int64_t after, Body body) {
  const uint8_t* const* blocks = job.blocks + chunk * job.chunk / kBlockTokens;
  for (int64_t key = span.from; key < span.to; key += kBlockTokens) {
    const bool last = key + kBlockTokens >= span.to;
    const uint8_t* next = last ? blocks[span.from / kBlockTokens] + after : blocks[key / kBlockTokens + 1] + offset;
    body(blocks[key / kBlockTokens] + offset, next, key, last ? span.to - key : kBlockTokens);
  }
}

template <bool kInt8>
void attend_blocks(const Attend& job, int64_t chunk, float* part) {
  alignas(64) float scores[kMaxQueries * kChunk];
  alignas(64) float floats[kBlockTokens * kMaxHeadDim];
  alignas(64) ActivationGroup queries[kInt8 ? kMaxQueries * kMaxHeadDim / kGroup : 1];
  const int64_t start = chunk * kChunk, dim = job.head_dim, value_dim = job.value_dim, stride = kPartHead + value_dim;
  const bool several = job.count > kTile;  // then a block is made floats once for all of them
  const Span span(job, chunk);

  if constexpr (kInt8) {
    const int64_t groups = dim / kGroup;
    alignas(64) float rotated[kMaxHeadDim];
    each_tile(job.count, [&](int first, auto n) {
      for (int i = 0; i < n; ++i) {
        rotate(job.queries[first + i], dim, rotated);
        quantize(rotated, dim, queries + first * groups + i, n);
      }
    });
    each_block(job, chunk, span, job.key_offset, job.value_offset,
               [&](const uint8_t* data, const uint8_t* next, int64_t key, int64_t count) {
                 each_tile(job.count, [&](int first, auto n) {
                   float* to = scores + first * kChunk + key;
                   score_int8_block<n>(job, queries + first * groups, data, first ? data : next, count, to);
                 });
               });
  } else {
    each_block(job, chunk, span, job.key_offset, job.value_offset,
               [&](const uint8_t* data, const uint8_t* next, int64_t key, int64_t count) {
                 const F16Block block{data, dim, next};
                 for (int64_t d = 0; several && d < dim; ++d) {
                   block.ask_key(d);
                   for (int half = 0; half < 2; ++half)
                     store(floats + d * kBlockTokens + 16 * half, block.key(d, half));
                 }
                 each_tile(job.count, [&](int first, auto n) {
                   float* to = scores + first * kChunk + key;
                   if (several)
                     score_block<n>(job, first, FloatBlock{floats, dim}, count, to);
                   else
                     score_block<n>(job, first, block, count, to);
                 });
               });
  }

  for (int n = 0; n < job.count; ++n) {
    soften(scores + n * kChunk, span.from, span.to, job.begins[n] - start, job.ends[n] - start, job.softcap,
           part + n * stride);
    std::memset(part + n * stride + kPartHead, 0, value_dim * sizeof(float));
  }

  each_block(job, chunk, span, job.value_offset, job.key_offset,
             [&](const uint8_t* data, const uint8_t* next, int64_t key, int64_t count) {
               const std::conditional_t<kInt8, Int8Values, F16Block> block{data, value_dim, next};
               for (int64_t d = 0; several && d < value_dim; d += 16) {
                 block.ask_value(d);
                 for (int64_t slot = 0; slot < count; ++slot)
                   store(floats + slot * value_dim + d, block.value(slot, d));
               }
               each_tile(job.count, [&](int first, auto n) {
                 const float* weights = scores + first * kChunk + key;
                 float* out = part + first * stride + kPartHead;
                 if (several)
                   add_block<n>(FloatBlock{floats, value_dim}, count, value_dim, weights, out, stride);
                 else
                   add_block<n>(block, count, value_dim, weights, out, stride);
               });
             });
}

void attend(const Attend& job, int64_t chunk, float* part) {
  job.int8 ? attend_blocks<true>(job, chunk, part) : attend_blocks<false>(job, chunk, part);
}

// ---- Latent attention: a token has one row of head_dim values, kept as a value is, that is the key of every head; its
// first value_dim are their value. A lane is a query, so that a row that was made floats serves all of them.

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
    job.int8 ? copy(Int8Values(data, dim, next), count, width) : copy(F16Block{data, dim, next}, count, width);
  };
  const int64_t at = job.key_offset;
  each_block(job, chunk, span, at, at, [&](const uint8_t* data, const uint8_t* next, int64_t key, int64_t count) {
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

  each_block(job, chunk, span, at, at, [&](const uint8_t* data, const uint8_t* next, int64_t key, int64_t count) {
    widen(data, next, count, value_dim);
    each_tile(job.count, [&](int first, auto n) {
      add_rows_of<n>(rows, dim, count, value_dim, scores + key * lanes + first, lanes,
                     part + first * stride + kPartHead, stride);
    });
  });
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
