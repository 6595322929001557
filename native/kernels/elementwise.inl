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

// (x - mean) / sqrt(variance + eps) * weight + bias
void layer_norm(const float* x, const float* weight, const float* bias, float* out, int64_t n, float eps) {
  F sums = set1(0.0f);
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) sums = add(sums, load(x + i));
  float total = sum(sums);
  for (; i < n; ++i) total += x[i];
  const float mean = total / static_cast<float>(n);
  each16(n, out, x, x, [mean](F v, F) { return sub(v, set1(mean)); });
  rms_norm(out, weight, out, n, eps);
  each16(n, out, out, bias, [](F v, F b) { return add(v, b); });
}

// x / (1 + exp(-z)): x times the sigmoid of z.
F by_sigmoid(F x, F z) { return div(x, add(set1(1.0f), exp_f(sub(set1(0.0f), z)))); }

// With the limits first a value that is not a number stays none.
void glu(const float* gate, const float* up, float* out, int64_t n, const Glu& how) {
  const F alpha = set1(how.alpha), cubic = set1(how.cubic), offset = set1(how.offset);
  const F most = set1(how.limit), least = set1(-how.limit);
  each16(n, out, gate, up, [=](F g, F u) {
    g = min(most, g);
    u = max(least, min(most, u));
    return mul(by_sigmoid(g, mul(g, fma(cubic, mul(g, g), alpha))), add(u, offset));
  });
}

// x times the normal distribution's share below x, which is max(x, 0) - |x| q(|x|) where q is the share beyond: a
// polynomial in 1 / (1 + 0.265 |x|) times exp(-x^2 / 2), relative error below 7e-7.
void gelu(const float* x, float* out, int64_t n) {
  each16(n, out, x, x, [](F v, F) {
    const F size = absolute(v), t = div(set1(1.0f), fma(set1(0.265f), size, set1(1.0f)));
    F p = set1(-0.06778904795646667f);
    p = fma(p, t, set1(0.19528010487556458f));
    p = fma(p, t, set1(-0.06637267023324966f));
    p = fma(p, t, set1(0.14250025153160095f));
    p = fma(p, t, set1(0.08294396847486496f));
    p = fma(p, t, set1(0.10783728212118149f));
    p = fma(p, t, set1(0.1055997982621193f));
    const F beyond = mul(mul(p, t), exp_f(mul(mul(size, size), set1(-0.5f))));
    return sub(max(v, set1(0.0f)), mul(size, beyond));
  });
}

void gelu_tanh(const float* x, float* out, int64_t n) {
  const F alpha = set1(kGeluTanh.alpha), cubic = set1(kGeluTanh.cubic);
  each16(n, out, x, x, [=](F v, F) { return by_sigmoid(v, mul(v, fma(cubic, mul(v, v), alpha))); });
}

void relu_squared(const float* x, float* out, int64_t n) {
  each16(n, out, x, x, [](F v, F) {
    const F positive = max(set1(0.0f), v);
    return mul(positive, positive);
  });
}

void sigmoid(const float* x, float* out, int64_t n) {
  each16(n, out, x, x, [](F v, F) { return by_sigmoid(set1(1.0f), v); });
}

void sigmoid_gate(const float* x, const float* gate, float* out, int64_t n) { each16(n, out, x, gate, by_sigmoid); }

// cap tanh(x / cap), with tanh(z) = 1 - 2 / (1 + exp(2z))
void softcap(const float* x, float* out, int64_t n, float cap) {
  each16(n, out, x, x, [cap](F v, F) {
    const F z = div(v, set1(cap)), past = by_sigmoid(set1(2.0f), sub(set1(0.0f), add(z, z)));
    return mul(set1(cap), sub(set1(1.0f), past));
  });
}

void multiply_rows(const float* a, const float* b, float* out, int64_t n) {
  each16(n, out, a, b, [](F x, F y) { return mul(x, y); });
}

void scale(float factor, const float* x, float* out, int64_t n) {
  each16(n, out, x, x, [factor](F v, F) { return mul(v, set1(factor)); });
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
  each16(n, out, x, x, [largest](F v, F) { return exp_f(sub(v, set1(largest))); });
  for (int64_t i = 0; i < n; ++i) total += out[i];
  each16(n, out, out, out, [total](F v, F) { return div(v, set1(total)); });
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
