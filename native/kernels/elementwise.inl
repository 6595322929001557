// Norms, activations, rotation, softmax. Part of kernels.inl.

template <class Step>
void each16(int64_t n, float* out, const float* a, const float* b, Step step) {
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) store(out + i, step(load(a + i), load(b + i)));
  if (i == n) return;
  alignas(64) float x[16] = {}, y[16] = {};
  std::memcpy(x, a + i, (n - i) * sizeof(float));
  std::memcpy(y, b + i, (n - i) * sizeof(float));
  store(x, step(load(x), load(y)));
  std::memcpy(out + i, x, (n - i) * sizeof(float));
}

void rms_norm(const float* x, const float* weight, float* out, int64_t n, float eps) {
  F squares = set1(0.0f);
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) squares = fma(load(x + i), load(x + i), squares);
  float total = sum(squares);
  for (; i < n; ++i) total += x[i] * x[i];
  const F scale = set1(1.0f / std::sqrt(total / static_cast<float>(n) + eps));
  each16(n, out, x, weight, [scale](F v, F w) { return mul(mul(v, scale), w); });
}

void swiglu(const float* gate, const float* up, float* out, int64_t n) {
  each16(n, out, gate, up, [](F g, F u) { return mul(div(g, add(set1(1.0f), exp_f(sub(set1(0.0f), g)))), u); });
}

void add_rows(const float* a, const float* b, float* out, int64_t n) {
  each16(n, out, a, b, [](F x, F y) { return add(x, y); });
}

void accumulate(float weight, const float* x, float* out, int64_t n) {
  each16(n, out, x, out, [weight](F v, F o) { return fma(set1(weight), v, o); });
}

void softmax(const float* x, float* out, int64_t n) {
  float largest = x[0], total = 0;
  for (int64_t i = 1; i < n; ++i) largest = x[i] > largest ? x[i] : largest;
  for (int64_t i = 0; i < n; ++i) {
    out[i] = exp_1(x[i] - largest);
    total += out[i];
  }
  for (int64_t i = 0; i < n; ++i) out[i] /= total;
}

double sum_exp(const float* x, int64_t n, float largest, float scale) {
  constexpr int64_t kRun = 256;  // added up in float32
  const F top = set1(largest), by = set1(scale);
  double total = 0;
  int64_t i = 0;
  while (i + 16 <= n) {
    F sum = set1(0);
    for (const int64_t end = i + kRun < n ? i + kRun : n; i + 16 <= end; i += 16)
      sum = add(sum, exp_f(mul(sub(load(x + i), top), by)));
    float lanes[16];
    store(lanes, sum);
    for (float lane : lanes) total += lane;
  }
  for (; i < n; ++i) total += exp_1((x[i] - largest) * scale);
  return total;
}

void rope(const float* x, const float* cosine, const float* sine, float* out, int64_t half, bool interleaved) {
  const int64_t step = interleaved ? 2 : 1, partner = interleaved ? 1 : half;
  int64_t i = 0;
  for (; !interleaved && i + 16 <= half; i += 16) {
    const F a = load(x + i), b = load(x + half + i), c = load(cosine + i), s = load(sine + i);
    store(out + i, sub(mul(a, c), mul(b, s)));
    store(out + half + i, add(mul(b, c), mul(a, s)));
  }
  for (; i < half; ++i) {
    const float a = x[i * step], b = x[i * step + partner];
    out[i * step] = a * cosine[i] - b * sine[i];
    out[i * step + partner] = b * cosine[i] + a * sine[i];
  }
}
