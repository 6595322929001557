// Recurrent layers: convolutions over time, gates, and a head's matrix from token to token. Part of kernels.inl.

// log(1 + exp(x)) = max(x, 0) + log(1 + u) with u = exp(-|x|) <= 1, and log(1 + u) = 2 atanh(u / (2 + u)), whose series
// in at most 1/3 needs eight terms for a relative error below 1e-7.
F softplus_f(F x) {
  const F u = exp_f(sub(set1(0.0f), absolute(x)));
  const F s = div(u, add(set1(2.0f), u)), s2 = mul(s, s);
  F series = set1(2.0f / 15);
  series = fma(series, s2, set1(2.0f / 13));
  series = fma(series, s2, set1(2.0f / 11));
  series = fma(series, s2, set1(2.0f / 9));
  series = fma(series, s2, set1(2.0f / 7));
  series = fma(series, s2, set1(2.0f / 5));
  series = fma(series, s2, set1(2.0f / 3));
  series = fma(series, s2, set1(2.0f));
  return fma(series, s, max(x, set1(0.0f)));
}

// The weights are F32 panels: [panel][tap][16 channels].
void convolve(const float* const* rows, const Panels& weights, int64_t begin, int64_t end, const float* bias,
              float* out, bool silu) {
  const int64_t taps = weights.cols;
  const float* weight = reinterpret_cast<const float*>(weights.data) + begin * taps * kRows;
  for (int64_t at = begin * kRows; at < end * kRows; at += kRows) {
    F total = bias ? load(bias + at) : set1(0.0f);
    for (int64_t tap = 0; tap < taps; ++tap, weight += kRows) total = fma(load(weight), load(rows[tap] + at), total);
    store(out + at, silu ? by_sigmoid(total, total) : total);
  }
}

void unit_length(const float* x, float* out, int64_t n, float eps, float scale) {
  F squares = set1(0.0f);
  for (int64_t i = 0; i < n; i += 16) squares = fma(load(x + i), load(x + i), squares);
  const F by = set1(scale / std::sqrt(sum(squares) + eps));
  for (int64_t i = 0; i < n; i += 16) store(out + i, mul(load(x + i), by));
}

void gates(const float* a, const float* bias, const float* decay, const float* b, int64_t n, float* keep, float* gain) {
  for (int64_t i = 0; i < n; i += 16) {
    const int64_t rest = n - i < 16 ? n - i : 16;
    const F step = softplus_f(add(load_rows(a + i, rest), load_rows(bias + i, rest)));
    store_rows(keep + i, exp_f(mul(load_rows(decay + i, rest), step)), nullptr, rest);
    store_rows(gain + i, b ? by_sigmoid(set1(1.0f), load_rows(b + i, rest)) : step, nullptr, rest);
  }
}

// Walks W vectors of columns through the tokens. A token's update of the state and the next one's product with its key
// share one pass, so the columns are read and written once a token; they stay in the L1 cache.
template <int W, bool kDelta>
void recur_columns(const Recurrence& job) {
  const float* from = job.from;
  const int64_t rows = job.rows;
  F known[W];  // k^T S of the token to come
  GALOP_UNROLL
  for (int w = 0; w < W; ++w) known[w] = set1(0.0f);
  if (kDelta && from)
    for (int64_t i = 0; i < rows; ++i) {
      const F k = set1(job.k[i]);
      GALOP_UNROLL
      for (int w = 0; w < W; ++w) known[w] = fma(k, load(from + (i * W + w) * 16), known[w]);
    }
  for (int64_t t = 0; t < job.tokens; ++t) {
    const float *k = job.k + t * job.key_stride, *q = job.q + t * job.key_stride, *v = job.v + t * job.value_stride;
    const float* next = kDelta && t + 1 < job.tokens ? k + job.key_stride : nullptr;
    const F keep = set1(job.keep[t * job.gate_stride]), gain = set1(job.gain[t * job.gate_stride]);
    F change[W], out[W];
    GALOP_UNROLL
    for (int w = 0; w < W; ++w) {
      const F value = load(v + 16 * w);
      change[w] = mul(gain, kDelta ? sub(value, mul(keep, known[w])) : value);
      out[w] = kDelta ? set1(0.0f) : mul(set1(job.skip), value);
      known[w] = set1(0.0f);
    }
    const auto pass = [&](auto has_state, auto has_next) {
      for (int64_t i = 0; i < rows; ++i) {
        const F key = set1(k[i]), query = set1(q[i]), following = has_next ? set1(next[i]) : key;
        GALOP_UNROLL
        for (int w = 0; w < W; ++w) {
          const int64_t at = (i * W + w) * 16;
          const F old = has_state ? mul(keep, load(from + at)) : set1(0.0f);
          const F state = fma(key, change[w], old);
          store(job.to + at, state);
          out[w] = fma(query, state, out[w]);
          if (has_next) known[w] = fma(following, state, known[w]);
        }
      }
    };
    using Yes = std::true_type;
    using No = std::false_type;
    if (from && next)
      pass(Yes{}, Yes{});
    else if (from)
      pass(Yes{}, No{});
    else if (next)
      pass(No{}, Yes{});
    else
      pass(No{}, No{});
    GALOP_UNROLL
    for (int w = 0; w < W; ++w) store(job.out + t * job.out_stride + 16 * w, out[w]);
    from = job.to;
  }
}

void recur(const Recurrence& job) {
  if (job.width == 32)
    job.delta ? recur_columns<2, true>(job) : recur_columns<2, false>(job);
  else
    job.delta ? recur_columns<1, true>(job) : recur_columns<1, false>(job);
}
