// The algorithms of every kernel, written once over the 16-lane vectors that the including file defines:
//   F  16 floats      load store set1 add sub mul div fma max min absolute maximum
//                     load_f16 store_f16 load_u8 load_i8 to_float exponent select_below finite
//   I  16 int32       set1_i round_i sum_i store_i8
//   B  64 code bytes  load_b store_b low high bit5<J> bits6<J> (see weights.h for the layout)
//   multiply<bits, at>(I& sum, Partial&, B, codes) adds to each lane the product of its 4 codes of so many bits with 4
//   activations; `at` counts the quads of one sum, and the sum is whole after its last. 8-bit codes start at start8
//   (instruction sets differ in whether they take them signed)
//   prefetch<bytes>(p) asks for what a stream will read soon after so many bytes at p, prefetch_line(p) for one line
// and kTile, the columns whose accumulators fit its registers, and kWideFrom, those from which unpacking a panel once
// pays.
//
// The order of every floating-point operation is fixed here and no vector primitive may change it, so all instruction
// sets, thread counts and batch shapes give the same bytes.

#if defined(__clang__)
#define GALOP_UNROLL _Pragma("clang loop unroll(full)")
#elif defined(__GNUC__)
#define GALOP_UNROLL _Pragma("GCC unroll 16")
#else
#define GALOP_UNROLL
#endif

// Calls body(0), body(1), ... with each index a compile-time constant.
template <int N, class Body>
inline void repeat(Body body) {
  [&]<int... J>(std::integer_sequence<int, J...>) {
    (body(std::integral_constant<int, J>{}), ...);
  }(std::make_integer_sequence<int, N>{});
}

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
    out->unused = 0;
  }
}

// ---- Weight formats: how a panel is walked and where a group's codes, scale and minimum are

struct Codes4 {
  static constexpr int bytes = 256;
  static constexpr int bits = 4;
  template <int J>
  static B quad(const uint8_t* codes, const uint8_t*) {
    const B b = load_b(codes + 64 * (J % 4));
    if constexpr (J < 4) return low(b);
    return high(b);
  }
};
struct Codes5 : Codes4 {
  static constexpr int bits = 5;
  template <int J>
  static B quad(const uint8_t* codes, const uint8_t* plane) {
    return bit5<J>(Codes4::quad<J>(codes, plane), load_b(plane));
  }
};
struct Codes6 : Codes4 {
  static constexpr int bits = 6;
  template <int J>
  static B quad(const uint8_t* codes, const uint8_t* plane) {
    return bits6<J % 4>(Codes4::quad<J>(codes, plane), load_b(plane + 64 * (J / 4)));
  }
};
struct Codes8 {
  static constexpr int bytes = 512;
  static constexpr int bits = 8;
  template <int J>
  static B quad(const uint8_t* codes, const uint8_t*) {
    return load_b(codes + 64 * J);
  }
};

// Start of the integer dot product: the zero point times the activations' sum.
struct Zero0 {
  static I start(const ActivationGroup&) { return set1_i(0); }
};
struct Zero8 {
  static I start(const ActivationGroup& a) { return set1_i(a.offset8); }
};
struct Zero16 {
  static I start(const ActivationGroup& a) { return set1_i(a.offset16); }
};
struct Zero128 {
  static I start(const ActivationGroup& a) { return start8(a); }
};

template <class C, class Z, bool kMinimum, int kHigh, bool kStreamed = true>
struct OneLevel {  // a scale, perhaps a minimum, in fp16 per group of 32
  using Codes = C;
  using Zero = Z;
  static constexpr bool streamed = kStreamed;
  static constexpr bool minimum = kMinimum;
  static constexpr bool halves = false;
  static constexpr int groups = 1;
  static constexpr int scales = kMinimum ? 64 : 32;
  static constexpr int bytes = scales + kHigh + C::bytes;
  struct Head {
    explicit Head(const uint8_t*) {}
  };
  static const uint8_t* group(const uint8_t* block, int) { return block; }
  static F scale(const Head&, const uint8_t* group) { return load_f16(group); }
  static F least(const Head&, const uint8_t* group) { return load_f16(group + 32); }
  static const uint8_t* codes(const uint8_t* group) { return group + scales + kHigh; }
  static const uint8_t* plane(const uint8_t* group) { return group + scales; }
};

template <class C, int kHigh>
struct TwoLevel {  // Q4_K, Q5_K: fp16 d and dmin per 256, 6-bit scale and minimum per 32
  using Codes = C;
  using Zero = Zero0;
  static constexpr bool streamed = true;
  static constexpr bool minimum = true;
  static constexpr bool halves = false;
  static constexpr int groups = 8;
  static constexpr int group_bytes = 32 + kHigh + 256;
  static constexpr int bytes = 64 + groups * group_bytes;
  struct Head {
    F d, dmin;
    explicit Head(const uint8_t* block) : d(load_f16(block)), dmin(sub(set1(0.0f), load_f16(block + 32))) {}
  };
  static const uint8_t* group(const uint8_t* block, int g) { return block + 64 + g * group_bytes; }
  static F scale(const Head& head, const uint8_t* group) { return mul(head.d, load_u8(group)); }
  static F least(const Head& head, const uint8_t* group) { return mul(head.dmin, load_u8(group + 16)); }
  static const uint8_t* codes(const uint8_t* group) { return group + 32 + kHigh; }
  static const uint8_t* plane(const uint8_t* group) { return group + 32; }
};

struct SixBit {  // Q6_K: fp16 d per 256, int8 scale per 16
  using Codes = Codes6;
  using Zero = Zero0;  // offset32 instead, per half
  static constexpr bool streamed = true;
  static constexpr bool minimum = false;
  static constexpr bool halves = true;
  static constexpr int groups = 8;
  static constexpr int group_bytes = 32 + 128 + 256;
  static constexpr int bytes = 32 + groups * group_bytes;
  struct Head {
    F d;
    explicit Head(const uint8_t* block) : d(load_f16(block)) {}
  };
  static const uint8_t* group(const uint8_t* block, int g) { return block + 32 + g * group_bytes; }
  static F scale(const Head& head, const uint8_t* group, int half) {
    return mul(head.d, load_i8(group + 16 * half));
  }
  static const uint8_t* codes(const uint8_t* group) { return group + 160; }
  static const uint8_t* plane(const uint8_t* group) { return group + 32; }
};

// ---- Matrix product: one panel of 16 rows times N tokens

// Adds to acc[c].
template <class Format, int N>
void panel_times(const uint8_t* panel, int64_t groups, const ActivationGroup* a, F (&acc)[N]) {
  for (int64_t block = 0; block < groups / Format::groups; ++block, panel += Format::bytes) {
    const typename Format::Head head(panel);
    for (int g = 0; g < Format::groups; ++g, a += N) {
      const uint8_t* group = Format::group(panel, g);
      const uint8_t* codes = Format::codes(group);
      const uint8_t* plane = Format::plane(group);
      if constexpr (Format::streamed) prefetch<Format::bytes / Format::groups>(group);
      constexpr int bits = Format::Codes::bits;
      I dot[N];
      Partial part[N];
      if constexpr (Format::halves) {
        repeat<2>([&](auto half) {
          GALOP_UNROLL
          for (int c = 0; c < N; ++c) dot[c] = set1_i(a[c].offset32[half]);
          repeat<4>([&](auto i) {
            constexpr int j = 4 * decltype(half)::value + decltype(i)::value;
            const B w = Format::Codes::template quad<j>(codes, plane);
            GALOP_UNROLL
            for (int c = 0; c < N; ++c) multiply<bits, i>(dot[c], part[c], w, a[c].codes + 4 * j);
          });
          const F scale = Format::scale(head, group, half);
          GALOP_UNROLL
          for (int c = 0; c < N; ++c) acc[c] = fma(to_float(dot[c]), mul(scale, set1(a[c].scale)), acc[c]);
        });
      } else {
        GALOP_UNROLL
        for (int c = 0; c < N; ++c) dot[c] = Format::Zero::start(a[c]);
        repeat<kQuads>([&](auto j) {
          const B w = Format::Codes::template quad<j>(codes, plane);
          GALOP_UNROLL
          for (int c = 0; c < N; ++c) multiply<bits, j>(dot[c], part[c], w, a[c].codes + 4 * j);
        });
        const F scale = Format::scale(head, group);
        GALOP_UNROLL
        for (int c = 0; c < N; ++c) acc[c] = fma(to_float(dot[c]), mul(scale, set1(a[c].scale)), acc[c]);
        if constexpr (Format::minimum) {
          const F least = Format::least(head, group);
          GALOP_UNROLL
          for (int c = 0; c < N; ++c) acc[c] = fma(least, set1(a[c].scaled_sum), acc[c]);
        }
      }
    }
  }
}

F load_rows(const float* from, int64_t rows) {
  if (rows == kRows) return load(from);
  alignas(64) float lane[16] = {};
  std::memcpy(lane, from, rows * sizeof(float));
  return load(lane);
}

void store_rows(float* out, F v, const float* bias, int64_t rows) {
  if (rows == kRows) return store(out, bias ? add(v, load(bias)) : v);
  alignas(64) float lane[16];
  store(lane, v);
  for (int64_t r = 0; r < rows; ++r) out[r] = bias ? lane[r] + bias[r] : lane[r];
}

template <class Format, int N>
void panels_times(const Panels& w, int64_t begin, int64_t end, int64_t first, int64_t last, const ActivationGroup* a,
                  const float* bias, float* out, int64_t out_stride, const uint8_t* panels, int64_t panel_bytes) {
  for (int64_t p = begin; p < end; ++p, panels += panel_bytes) {
    const int64_t rows = w.rows - p * kRows < kRows ? w.rows - p * kRows : kRows;
    const float* offset = bias && last == w.groups() ? bias + p * kRows : nullptr;
    F acc[N];
    for (int c = 0; c < N; ++c) acc[c] = first ? load_rows(out + c * out_stride + p * kRows, rows) : set1(0.0f);
    panel_times<Format, N>(panels, last - first, a, acc);
    for (int c = 0; c < N; ++c) store_rows(out + c * out_stride + p * kRows, acc[c], offset, rows);
  }
}

// ---- For many columns a panel is widened once: a byte for each code, a float for each scale

template <class Format>
struct Wide {
  struct Codes {
    template <int J>
    static B quad(const uint8_t* codes, const uint8_t*) {
      return load_b(codes + 64 * J);
    }
    static constexpr int bits = Format::Codes::bits;
  };
  using Zero = typename Format::Zero;
  static constexpr bool streamed = false;
  static constexpr bool minimum = Format::minimum;
  static constexpr bool halves = Format::halves;
  static constexpr int groups = 1;
  static constexpr int bytes = 512 + 64 * (minimum || halves ? 2 : 1);
  struct Head {
    explicit Head(const uint8_t*) {}
  };
  static const uint8_t* group(const uint8_t* block, int) { return block; }
  static F floats(const uint8_t* group, int i) { return load(reinterpret_cast<const float*>(group + 512) + 16 * i); }
  static F scale(const Head&, const uint8_t* group) { return floats(group, 0); }
  static F scale(const Head&, const uint8_t* group, int half) { return floats(group, half); }
  static F least(const Head&, const uint8_t* group) { return floats(group, 1); }
  static const uint8_t* codes(const uint8_t* group) { return group; }
  static const uint8_t* plane(const uint8_t*) { return nullptr; }

  static void widen(const uint8_t* panel, int64_t count, uint8_t* out) {
    for (int64_t block = 0; block < count / Format::groups; ++block, panel += Format::bytes) {
      const typename Format::Head head(panel);
      for (int g = 0; g < Format::groups; ++g, out += bytes) {
        const uint8_t* from = Format::group(panel, g);
        prefetch<Format::bytes / Format::groups>(from);
        repeat<kQuads>([&](auto j) {
          constexpr int quad = decltype(j)::value;
          store_b(out + 64 * quad, Format::Codes::template quad<quad>(Format::codes(from), Format::plane(from)));
        });
        auto* scales = reinterpret_cast<float*>(out + 512);
        if constexpr (halves) {
          store(scales, Format::scale(head, from, 0));
          store(scales + 16, Format::scale(head, from, 1));
        } else {
          store(scales, Format::scale(head, from));
          if constexpr (minimum) store(scales + 16, Format::least(head, from));
        }
      }
    }
  }
};

// Calls run<Format, n> for each tile of n columns: panels [begin, end), which lie at `panels`, of which groups
// [first, last) of the inner dimension are multiplied; what comes before them is already in `out`.
template <class Format>
void matmul_tiles(const Panels& w, int64_t begin, int64_t end, int64_t first, int64_t last, const Activations& acts,
                  const float* bias, float* out, int64_t out_stride, const uint8_t* panels, int64_t panel_bytes) {
  using Run = void (*)(const Panels&, int64_t, int64_t, int64_t, int64_t, const ActivationGroup*, const float*, float*,
                       int64_t, const uint8_t*, int64_t);
  static constexpr Run run[] = {nullptr,
                                panels_times<Format, 1>,
                                panels_times<Format, 2>,
                                panels_times<Format, kTile < 3 ? 1 : 3>,
                                panels_times<Format, kTile < 4 ? 1 : 4>,
                                panels_times<Format, kTile < 5 ? 1 : 5>,
                                panels_times<Format, kTile < 6 ? 1 : 6>,
                                panels_times<Format, kTile < 7 ? 1 : 7>,
                                panels_times<Format, kTile < 8 ? 1 : 8>};
  const ActivationGroup* a = acts.data;
  for (int64_t c = 0; c < acts.columns; c += kTile) {
    const int64_t n = acts.columns - c < kTile ? acts.columns - c : kTile;
    run[n](w, begin, end, first, last, a + first * n, bias, out + c * out_stride, out_stride, panels, panel_bytes);
    a += n * acts.groups;
  }
}

template <class Format>
void matmul_format(const Panels& w, int64_t begin, int64_t end, const Activations& acts, const float* bias, float* out,
                   int64_t out_stride) {
  const int64_t groups = w.groups();
  if (acts.columns < kWideFrom) {
    // A panel serves all columns before the next is read from memory.
    const int64_t at_once = acts.columns > kTile ? 1 : end - begin;
    for (int64_t p = begin; p < end; p += at_once)
      matmul_tiles<Format>(w, p, p + at_once, 0, groups, acts, bias, out, out_stride, w.data + p * w.panel_bytes(),
                           w.panel_bytes());
    return;
  }
  // A few panels and a stretch of the inner dimension at a time: what is unpacked stays in L2, one panel of it and a
  // tile of activations in L1.
  static_assert(kWideGroups % Format::groups == 0);
  alignas(64) uint8_t wide[kWidePanels * kWideGroups * Wide<Format>::bytes];
  constexpr int64_t wide_bytes = kWideGroups * Wide<Format>::bytes;
  for (int64_t p = begin; p < end; p += kWidePanels) {
    const int64_t past = end - p < kWidePanels ? end : p + kWidePanels;
    for (int64_t first = 0; first < groups; first += kWideGroups) {
      const int64_t last = groups - first < kWideGroups ? groups : first + kWideGroups;
      for (int64_t i = p; i < past; ++i)
        Wide<Format>::widen(w.data + i * w.panel_bytes() + first / Format::groups * Format::bytes, last - first,
                            wide + (i - p) * wide_bytes);
      matmul_tiles<Wide<Format>>(w, p, past, first, last, acts, bias, out, out_stride, wide, wide_bytes);
    }
  }
}

void matmul(const Panels& w, int64_t begin, int64_t end, const Activations& acts, const float* bias, float* out,
            int64_t out_stride) {
  using Run = void (*)(const Panels&, int64_t, int64_t, const Activations&, const float*, float*, int64_t);
  static constexpr Run run[] = {matmul_format<OneLevel<Codes4, Zero8, false, 0>>,    // Q4_0
                                matmul_format<OneLevel<Codes4, Zero0, true, 0>>,     // Q4_1
                                matmul_format<OneLevel<Codes5, Zero16, false, 64>>,  // Q5_0
                                matmul_format<OneLevel<Codes5, Zero0, true, 64>>,    // Q5_1
                                matmul_format<OneLevel<Codes8, Zero128, false, 0>>,  // Q8_0
                                matmul_format<TwoLevel<Codes4, 0>>,                  // Q4_K
                                matmul_format<TwoLevel<Codes5, 64>>,                 // Q5_K
                                matmul_format<SixBit>};                              // Q6_K
  run[static_cast<int>(w.kind)](w, begin, end, acts, bias, out, out_stride);
}

void matmul_f32(const Panels& w, int64_t begin, int64_t end, const float* x, int64_t columns, const float* bias,
                float* out, int64_t out_stride) {
  for (int64_t p = begin; p < end; ++p) {
    const auto* panel = reinterpret_cast<const float*>(w.data + p * w.panel_bytes());
    const int64_t rows = w.rows - p * kRows < kRows ? w.rows - p * kRows : kRows;
    for (int64_t c = 0; c < columns; ++c) {
      F acc = set1(0.0f);
      for (int64_t k = 0; k < w.cols; ++k) acc = fma(load(panel + k * kRows), set1(x[c * w.cols + k]), acc);
      store_rows(out + c * out_stride + p * kRows, acc, bias ? bias + p * kRows : nullptr, rows);
    }
  }
}

// ---- Element-wise

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
  each16(n, out, gate, up, [](F g, F u) {
    return mul(div(g, add(set1(1.0f), exp_f(sub(set1(0.0f), g)))), u);
  });
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

// ---- Attention over pages of 32 tokens
//
// fp16 pages hold keys as [head_dim][kPage] and values as [kPage][head_dim]. int8 pages hold each 16 keys as a panel of
// Q8_0 (a key is a row, so scores are a matrix product with quantised queries; both rotated, see `rotate`), values as [kPage][head_dim]
// codes and then their fp16 scales as [head_dim / kGroup][kPage].

void store_f16_key(const float* k, uint8_t* keys, int slot, int64_t head_dim) {
  auto* page = reinterpret_cast<uint16_t*>(keys);
  alignas(64) uint16_t half[16];
  for (int64_t d = 0; d < head_dim; d += 16) {
    store_f16(half, load(k + d));
    for (int i = 0; i < 16; ++i) page[(d + i) * kPage + slot] = half[i];
  }
}

void store_f16_value(const float* v, uint8_t* values, int slot, int64_t head_dim) {
  auto* page = reinterpret_cast<uint16_t*>(values);
  for (int64_t d = 0; d < head_dim; d += 16) store_f16(page + slot * head_dim + d, load(v + d));
}

// The Walsh-Hadamard transform of each 32 values, orthonormal. Queries and keys both take it, which leaves their product
// as it was; an outlier, such as Qwen2's biases give keys, no longer sets the int8 step of its whole group alone
// (Kullback-Leibler divergence of int8 keys on the 0.5B: 0.012 without, 0.003 with).
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

using KeyPanel = OneLevel<Codes8, Zero128, false, 0, false>;  // Q8_0, but what follows it is not read next

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
      group[KeyPanel::scales + i / 4 * 64 + row * 4 + i % 4] = static_cast<uint8_t>(codes[i] + 128);
  }
}

void store_int8_value(const float* v, uint8_t* values, int slot, int64_t head_dim) {
  for (int64_t d = 0; d < head_dim; d += kGroup) {
    const uint16_t scale = quantise_kv(v + d, reinterpret_cast<int8_t*>(values) + slot * head_dim + d);
    std::memcpy(values + kPage * head_dim + (d / kGroup * kPage + slot) * 2, &scale, 2);
  }
}

// Where a tile of queries finds a page's keys and values: 16 keys' component d, 16 components of one value.
struct F16Page {
  const uint8_t* data;
  int64_t head_dim;
  F key(int64_t d, int half) const { return load_f16(data + (d * kPage + 16 * half) * 2); }
  F value(int64_t slot, int64_t d) const { return load_f16(data + (slot * head_dim + d) * 2); }
};

struct Int8Values {
  const uint8_t* data;
  int64_t head_dim;
  float scales[kMaxHeadDim / kGroup * kPage];
  Int8Values(const uint8_t* values, int64_t dim) : data(values), head_dim(dim) {
    for (int64_t i = 0; i < dim / kGroup * kPage; i += 16) store(scales + i, load_f16(values + kPage * dim + 2 * i));
  }
  F value(int64_t slot, int64_t d) const {
    return mul(load_i8(data + slot * head_dim + d), set1(scales[d / kGroup * kPage + slot]));
  }
};

struct FloatPage {
  const float* data;
  int64_t head_dim;
  F key(int64_t d, int half) const { return load(data + d * kPage + 16 * half); }
  F value(int64_t slot, int64_t d) const { return load(data + slot * head_dim + d); }
};

// scores[n][slot] of queries [first, first + N) and the keys of a page.
template <int N, class Page>
void score_page(const Attend& job, int first, const Page& page, int64_t keys, float* scores) {
  for (int half = 0; 16 * half < keys; ++half) {
    F dot[N];
    GALOP_UNROLL
    for (int n = 0; n < N; ++n) dot[n] = set1(0.0f);
    for (int64_t d = 0; d < job.head_dim; ++d) {
      const F lane = page.key(d, half);
      GALOP_UNROLL
      for (int n = 0; n < N; ++n) dot[n] = fma(set1(job.queries[first + n][d]), lane, dot[n]);
    }
    for (int n = 0; n < N; ++n) store(scores + n * kChunk + 16 * half, mul(dot[n], set1(job.scale)));
  }
}

template <int N>
void score_int8_page(const Attend& job, const ActivationGroup* queries, const uint8_t* data, int64_t keys,
                     float* scores) {
  const int64_t groups = job.head_dim / kGroup;
  for (int half = 0; 16 * half < keys; ++half) {
    F dot[N];
    for (int n = 0; n < N; ++n) dot[n] = set1(0.0f);
    panel_times<KeyPanel, N>(data + half * groups * KeyPanel::bytes, groups, queries, dot);
    for (int n = 0; n < N; ++n) store(scores + n * kChunk + 16 * half, mul(dot[n], set1(job.scale)));
  }
}

// Adds the page's values, weighted, to out[n].
template <int N, class Page>
void add_page(const Page& page, int64_t keys, int64_t head_dim, const float* weights, float* out, int64_t stride) {
  for (int64_t d = 0; d < head_dim; d += 16) {
    F sum[N];
    GALOP_UNROLL
    for (int n = 0; n < N; ++n) sum[n] = load(out + n * stride + d);
    for (int64_t slot = 0; slot < keys; ++slot) {
      const F value = page.value(slot, d);
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

// exp(score - max) in place of each score, 0 for keys past `visible`; the maximum and the sum go to `part`.
void soften(float* scores, int64_t keys, int64_t visible, float* part) {
  F best = set1(-INFINITY);
  for (int64_t key = 0; key < keys; key += 16)
    best = max(best, select_below(visible - key, load(scores + key), set1(-INFINITY)));
  part[0] = visible > 0 ? maximum(best) : -INFINITY;
  F total = set1(0.0f);
  for (int64_t key = 0; key < keys; key += 16) {
    const F e = exp_f(sub(load(scores + key), set1(part[0])));
    const F weight = select_below(visible - key, e, set1(0.0f));
    store(scores + key, weight);
    total = add(total, weight);
  }
  part[1] = sum(total);
}

template <bool kInt8>
void attend_pages(const Attend& job, int64_t chunk, float* part) {
  alignas(64) float scores[kMaxQueries * kChunk];
  alignas(64) float floats[kPage * kMaxHeadDim];
  alignas(64) ActivationGroup queries[kInt8 ? kMaxQueries * kMaxHeadDim / kGroup : 1];
  const int64_t start = chunk * kChunk, dim = job.head_dim, stride = kPartHead + dim, bytes = kv_bytes(dim, kInt8);
  const uint8_t* const* pages = job.pages + start / kPage;
  const bool several = job.count > kTile;  // then a page is made floats once for all of them
  int64_t longest = 0;
  for (int n = 0; n < job.count; ++n) longest = job.lengths[n] > longest ? job.lengths[n] : longest;
  const int64_t keys = longest - start < kChunk ? longest - start : kChunk;
  // Pages lie far apart, so the next one is asked for while this one is used.
  const auto each_page = [&](int64_t offset, auto body) {
    for (int64_t key = 0; key < keys; key += kPage) {
      if (key + kPage < keys)
        for (int64_t byte = 0; byte < bytes; byte += 64) prefetch_line(pages[key / kPage + 1] + offset + byte);
      body(pages[key / kPage] + offset, key, keys - key < kPage ? keys - key : kPage);
    }
  };

  if constexpr (kInt8) {
    const int64_t groups = dim / kGroup;
    alignas(64) float rotated[kMaxHeadDim];
    each_tile(job.count, [&](int first, auto n) {
      for (int i = 0; i < n; ++i) {
        rotate(job.queries[first + i], dim, rotated);
        quantize(rotated, dim, queries + first * groups + i, n);
      }
    });
    each_page(job.key_offset, [&](const uint8_t* data, int64_t key, int64_t count) {
      each_tile(job.count, [&](int first, auto n) {
        score_int8_page<n>(job, queries + first * groups, data, count, scores + first * kChunk + key);
      });
    });
  } else {
    each_page(job.key_offset, [&](const uint8_t* data, int64_t key, int64_t count) {
      const F16Page page{data, dim};
      if (several)
        for (int64_t d = 0; d < dim; ++d)
          for (int half = 0; half < 2; ++half) store(floats + d * kPage + 16 * half, page.key(d, half));
      each_tile(job.count, [&](int first, auto n) {
        float* to = scores + first * kChunk + key;
        if (several) score_page<n>(job, first, FloatPage{floats, dim}, count, to);
        else score_page<n>(job, first, page, count, to);
      });
    });
  }

  for (int n = 0; n < job.count; ++n) {
    soften(scores + n * kChunk, keys, job.lengths[n] - start, part + n * stride);
    std::memset(part + n * stride + kPartHead, 0, dim * sizeof(float));
  }

  each_page(job.value_offset, [&](const uint8_t* data, int64_t key, int64_t count) {
    const std::conditional_t<kInt8, Int8Values, F16Page> page{data, dim};
    if (several)
      for (int64_t slot = 0; slot < count; ++slot)
        for (int64_t d = 0; d < dim; d += 16) store(floats + slot * dim + d, page.value(slot, d));
    each_tile(job.count, [&](int first, auto n) {
      const float* weights = scores + first * kChunk + key;
      float* out = part + first * stride + kPartHead;
      if (several) add_page<n>(FloatPage{floats, dim}, count, dim, weights, out, stride);
      else add_page<n>(page, count, dim, weights, out, stride);
    });
  });
}

void attend(const Attend& job, int64_t chunk, float* part) {
  job.int8 ? attend_pages<true>(job, chunk, part) : attend_pages<false>(job, chunk, part);
}

void merge_parts(const Attend& job, int64_t chunk, const float* parts, float* totals) {
  const int64_t stride = kPartHead + job.head_dim;
  for (int n = 0; n < job.count; ++n) {
    const float* part = parts + n * stride;
    float* total = totals + n * stride;
    if (chunk == 0) {
      std::memcpy(total, part, stride * sizeof(float));
    } else if (job.lengths[n] > chunk * kChunk) {
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
  const int64_t stride = kPartHead + job.head_dim;
  for (int n = 0; n < job.count; ++n, totals += stride)
    for (int64_t d = 0; d < job.head_dim; d += 16)
      store(job.outputs[n] + d, div(load(totals + kPartHead + d), set1(totals[1])));
}

constexpr PageKernels f16_pages = {store_f16_key, store_f16_value};
constexpr PageKernels int8_pages = {store_int8_key, store_int8_value};

constexpr Kernels table = {GALOP_KERNELS, kTile,   quantize, matmul, matmul_f32, rms_norm,    swiglu,           add_rows,
                           accumulate,    softmax, sum_exp, rope,     f16_pages, int8_pages, attend, merge_parts, finish_attention};
